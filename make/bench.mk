# SPDX-License-Identifier: Apache-2.0 OR MIT
# The experiment: is the pool faster, and what does the generator cost?

FIND_BENCH_PYTHON = for p in $(PYTHON) /usr/bin/python3 python3; do \
    "$$p" -c 'import jinja2, yaml, scipy, matplotlib, tqdm' 2>/dev/null && break; p=; done; \
    [ -n "$$p" ] || { echo "make: no python3 here has scipy, matplotlib and tqdm: run make deps-bench" >&2; exit 2; }
BENCH = $(FIND_BENCH_PYTHON); CC="$(CC)" "$$p" -m bench $(if $(SCHEMA),--schema "$(SCHEMA)") $(if $(PEERS),--peers "$(PEERS)") $(BENCHFLAGS)

.PHONY: deps-bench bench bench-quick bench-check bench-instructions bench-generator compare

#@ Measure

deps-bench: ## install what bench needs besides: statistics, plots, other allocators
	@$(call INSTALL_PACKAGES,$(DEPS) $(DEPS_BENCH))

bench: ## the experiment: is the pool faster? (15 minutes; SCHEMA=mine.yaml, PEERS=dir of archives)
	@$(BENCH)

bench-quick: ## the same in a minute
	@$(BENCH) --quick

bench-check: ## the benchmark itself: the pool against itself, and against one that is twice as slow
	@$(BENCH) --quick --same
	@$(BENCH) --quick --slowed

bench-instructions: ## instructions of today's code against those of bench/instructions.json; fails if 5 % more
	@$(FIND_PYTHON); CC="$(CC)" "$$p" -m bench.instructions

bench-generator: ## what the generator and its output cost, up to 10,000 variants
	@$(FIND_PYTHON); CC="$(CC)" "$$p" -m bench.generator 10 100 1000 10000

compare: generate ## the same messages in nanopb, protobuf-c, QP/C, std::variant and by hand (QPC=dir of QP/C's sources)
	@$(FIND_PYTHON); "$$p" -m bench.compare $(if $(QPC),--qpc "$(QPC)") $(COMPAREFLAGS)
