# SPDX-License-Identifier: Apache-2.0 OR MIT
# The experiment: is the pool faster, and what does the generator cost?

FIND_BENCH_PYTHON = for p in $(PYTHON) /usr/bin/python3 python3; do \
    "$$p" -c 'import jinja2, yaml, scipy, matplotlib, tqdm' 2>/dev/null && break; p=; done; \
    [ -n "$$p" ] || { echo "make: no python3 here has scipy, matplotlib and tqdm: run make deps-bench" >&2; exit 2; }
BENCH = $(FIND_BENCH_PYTHON); CC="$(CC)" "$$p" -m bench $(if $(SCHEMA),--schema "$(SCHEMA)") $(if $(PEERS),--peers "$(PEERS)") $(BENCHFLAGS)

.PHONY: deps-bench bench bench-quick bench-check bench-instructions bench-generator compare compare-sent

#@ Measure

deps-bench: ## install what only bench needs: statistics, plots, other allocators
	@$(call INSTALL_PACKAGES,$(DEPS) $(DEPS_BENCH))

bench: ## measure whether the pool is faster (15 minutes; SCHEMA=mine.yaml, PEERS=dir of archives)
	@$(BENCH)

bench-quick: ## the same with the main workloads only, in a minute
	@$(BENCH) --quick

bench-check: ## check the benchmark: compare the pool with itself, and with one that does everything twice
	@$(BENCH) --quick --same
	@$(BENCH) --quick --slowed

bench-instructions: ## count instructions; fail if they are 5 % more than in bench/instructions.json
	@$(FIND_PYTHON); CC="$(CC)" "$$p" -m bench.instructions

bench-generator: ## measure what the generator and its output cost, up to 10,000 variants
	@$(FIND_PYTHON); CC="$(CC)" "$$p" -m bench.generator 10 100 1000 10000

compare: generate ## measure the same messages in nanopb, protobuf-c, QP/C, std::variant and by hand (QPC=dir of QP/C's sources)
	@$(FIND_PYTHON); "$$p" -m bench.compare $(if $(QPC),--qpc "$(QPC)") $(COMPAREFLAGS)

compare-sent: generate ## measure sending and receiving the same messages with nanopb and protobuf-c
	@$(FIND_PYTHON); "$$p" -m bench.compare.sent $(COMPAREFLAGS)
