# SPDX-License-Identifier: Apache-2.0 OR MIT
# protopool: generates C from schemas, builds it, tests it. `make help` lists the targets.

ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS ?= -O2 -g
SANITIZE ?=
VALGRIND ?=
MESSAGES ?= 5000000
SCHEMAS = schema/calc.yaml schema/itch.yaml schema/telemetry.yaml

WARNINGS = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wcast-qual \
    -Wswitch-enum -Werror $(if $(findstring clang,$(CC)),-Wcast-align,-Wcast-align=strict)
COMPILE = $(CC) -std=c11 $(WARNINGS) $(CFLAGS) $(if $(SANITIZE),-O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) \
    -fno-sanitize-recover=all) -D_POSIX_C_SOURCE=200809L -Igenerated -MMD -MP

# A directory for each configuration; compilers see only what belongs together.
comma = ,
BUILD = build/$(notdir $(firstword $(CC)))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))

# An interpreter that can import what the generator needs; looked for when a recipe runs, after `deps`.
PYTHON ?=
FIND_PYTHON = for p in $(PYTHON) /usr/bin/python3 python3; do "$$p" -c 'import jinja2, yaml' 2>/dev/null && break; p=; done; \
    [ -n "$$p" ] || { echo "make: no python3 here has jinja2 and yaml: run make deps" >&2; exit 2; }
CHECK_LIBS = $$(pkg-config --libs check 2>/dev/null || echo -lcheck -lsubunit -lrt -lm -lpthread)

# What a fresh machine needs, by Debian's names.
DEPS = gcc libc6-dev make python3 python3-jinja2 python3-yaml check pkg-config valgrind
DEPS_CI = python3-jsonschema cmake ninja-build g++ clang libclang-rt-dev clang-format clang-tidy pyflakes3 shellcheck gcc-i686-linux-gnu \
    g++-i686-linux-gnu libc6-dev-i386-cross gcc-powerpc-linux-gnu libc6-dev-powerpc-cross qemu-user \
    gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm musl-tools

# What the benchmark needs besides. The allocators that are missing are left out.
DEPS_BENCH = python3-scipy python3-matplotlib python3-tqdm libjemalloc-dev libmimalloc-dev libgoogle-perftools-dev util-linux

.PHONY: all help closure deps deps-ci deps-bench generate fresh build demo check check-user test-python suites lint format \
    portable firmware cplusplus combinations combinations-suite combinations-elsewhere demo-valgrind tsan weaken bench bench-quick bench-check bench-instructions \
    bench-generator sanitized-gcc sanitized-clang soak fuzz fuzz-schema ci bare clean
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# `make deps demo` installs first, also under -j.
ifneq ($(filter deps deps-ci deps-bench,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

all: build ## generate and build (the default)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-19s %s\n", $$1, $$2}' Makefile
	@echo '  Variables: CC, CFLAGS, SANITIZE=address,undefined, VALGRIND=1, PYTHON, MESSAGES, SCHEMA=mine.yaml (with check, bench)'

# ---- Dependencies

INSTALL = missing=; for p in $(1); do \
	    [ "$$(dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null)" = installed ] || missing="$$missing $$p"; done; \
	[ -n "$$missing" ] || exit 0; \
	if ! command -v apt-get >/dev/null; then \
	    echo "make: there is no apt-get here: install with your package manager (Debian's names):$$missing" >&2; exit 1; fi; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	if [ -n "$$sudo" ] && ! command -v sudo >/dev/null; then \
	    echo "make: you are not root and there is no sudo; as root: apt-get install$$missing" >&2; exit 1; fi; \
	echo "installing:$$missing"; \
	$$sudo apt-get -q update && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $$missing

deps: ## install what demo and check need (apt; elsewhere, names it)
	@$(call INSTALL,$(DEPS))

deps-ci: ## install what ci needs besides
	@$(call INSTALL,$(DEPS) $(DEPS_CI))

deps-bench: ## install what bench needs besides: statistics, plots, other allocators
	@$(call INSTALL,$(DEPS) $(DEPS_BENCH))

# ---- Generated code

GENERATOR = $(shell find gen templates -name "*.*" -type f ! -name "*.pyc")

generate: build/generated ## regenerate generated/ from schema/

build/generated: $(SCHEMAS) $(GENERATOR)
	@$(FIND_PYTHON); "$$p" -m gen --cpp -o generated --tests generated/tests $(SCHEMAS)
	@mkdir -p build && touch $@

fresh: ## fail if generated/ is stale
	@$(FIND_PYTHON); "$$p" -m gen --cpp --check -o generated --tests generated/tests $(SCHEMAS)

$(addprefix generated/,protopool.h protopool.c $(foreach p,calc itch telemetry,$p.h $p.c $p.hpp tests/$p_check.c)): build/generated ;

# ---- Objects: one directory for each setting, since a program has one

SETTINGS = plain trace m1 m4 check1 check2
FLAGS_plain =
FLAGS_trace = -DPROTOPOOL_TRACE
FLAGS_m1 = -DPROTOPOOL_MAGAZINE=1
FLAGS_m4 = -DPROTOPOOL_MAGAZINE=4
FLAGS_check1 = -DPROTOPOOL_CHECK=1
FLAGS_check2 = -DPROTOPOOL_CHECK=2

define setting
$(BUILD)/$(1)/%.o: generated/%.c build/generated
	@mkdir -p $$(@D)
	$$(COMPILE) $(FLAGS_$(1)) -c $$< -o $$@
$(BUILD)/$(1)/%.o: generated/tests/%.c build/generated
	@mkdir -p $$(@D)
	$$(COMPILE) $(FLAGS_$(1)) -c $$< -o $$@
$(BUILD)/$(1)/%.o: examples/%.c build/generated
	@mkdir -p $$(@D)
	$$(COMPILE) $(FLAGS_$(1)) -c $$< -o $$@
$(BUILD)/$(1)/%.o: tests/engine/%.c build/generated
	@mkdir -p $$(@D)
	$$(COMPILE) $(FLAGS_$(1)) -c $$< -o $$@
$(BUILD)/$(1)/%_check: $(BUILD)/$(1)/%_check.o $(BUILD)/$(1)/%.o $(BUILD)/$(1)/protopool.o
	$$(COMPILE) $$^ -o $$@ $$(CHECK_LIBS)
$(BUILD)/$(1)/test_%: $(BUILD)/$(1)/test_%.o
	$$(COMPILE) $$^ -o $$@ $$(CHECK_LIBS)
$(addprefix $(BUILD)/$(1)/,test_threads test_misuse): $(addprefix $(BUILD)/$(1)/,calc.o protopool.o)
$(addprefix $(BUILD)/$(1)/,test_tails test_refusals): $(addprefix $(BUILD)/$(1)/,telemetry.o protopool.o)
endef
$(foreach s,$(SETTINGS),$(eval $(call setting,$(s))))
$(BUILD)/plain/test_memory: $(addprefix $(BUILD)/plain/,calc.o itch.o telemetry.o protopool.o)
.SECONDARY:

$(BUILD)/seed: $(addprefix $(BUILD)/trace/,seed.o calc.o protopool.o)
	$(COMPILE) $^ -o $@
$(BUILD)/order_book: $(addprefix $(BUILD)/plain/,order_book.o itch.o protopool.o)
	$(COMPILE) $^ -o $@
$(BUILD)/pipeline: $(addprefix $(BUILD)/plain/,pipeline.o calc.o protopool.o)
	$(COMPILE) $^ -o $@ -lpthread

build: $(BUILD)/seed $(BUILD)/order_book $(BUILD)/pipeline ## build the examples

-include $(wildcard $(BUILD)/*/*.d)

# ---- Running

demo: build ## the seed's program with the trace on, then a day of an exchange
	$(BUILD)/seed
	$(BUILD)/order_book --messages $(MESSAGES)
	$(BUILD)/pipeline

SUITES = $(addprefix $(BUILD)/,plain/test_pool m1/test_pool m4/test_pool plain/test_memory \
    $(foreach s,plain m1 m4 check1 check2,$s/test_threads $s/calc_check) \
    $(foreach s,plain check1 check2,$s/test_misuse $s/test_tails $s/test_refusals $s/itch_check $s/telemetry_check))
MEMCHECK = valgrind -q --error-exitcode=1 --leak-check=full
RUN = $(if $(VALGRIND)$(SANITIZE),STEP=97) $(if $(VALGRIND),CK_FORK=no CK_DEFAULT_TIMEOUT=0 $(MEMCHECK))

ifdef SCHEMA
check: check-user ## run all tests; with SCHEMA=mine.yaml, those generated for it
else
check: test-python closure suites
endif

test-python: generate
	@$(FIND_PYTHON); CC="$(CC)" PYTHONDONTWRITEBYTECODE=1 "$$p" tests/run.py $(UNITTEST)

# Every state that a small pool of level 2 can reach.
CLOSURE = -O2 tests/engine/closure.c

closure: generate
	@mkdir -p $(BUILD)
	for m in 1 2; do $(COMPILE) -DPROTOPOOL_MAGAZINE=$$m $(CLOSURE) -o $(BUILD)/closure$$m && $(BUILD)/closure$$m || exit 1; done

suites: $(SUITES) ## run the Check suites: the engine's and the generated ones
	@set -e; for s in $(if $(VALGRIND),$(filter-out %/test_memory $(BUILD)/m1/test_threads $(BUILD)/m4/test_threads,$(SUITES)),$(SUITES)); do echo "$$s"; $(RUN) ./$$s; done

# Touches nothing but build/user.
check-user:
	@$(FIND_PYTHON); set -e; rm -rf build/user; "$$p" -m gen -q -o build/user --tests build/user/tests "$(SCHEMA)"; \
	for suite in build/user/tests/*_check.c; do \
	    name=$${suite##*/}; name=build/user/$${name%_check.c}; \
	    $(COMPILE) -O0 -Ibuild/user "$$suite" "$$name.c" build/user/protopool.c -o "$${suite%.c}" $(CHECK_LIBS); \
	    $(RUN) "./$${suite%.c}"; \
	done

# ---- What CI runs

C_SOURCES = $(wildcard templates/engine/*) $(wildcard examples/*.[ch] tests/*/*.c tests/cpp/*.cpp tests/cpp/*.hpp tests/engine/firmware/*.[ch] bench/*.[ch])

TIDY = -std=c11 -D_POSIX_C_SOURCE=200809L -Igenerated

lint: generate ## clang-format, clang-tidy, pyflakes, shellcheck
	clang-format --dry-run -Werror $(C_SOURCES)
	printf '%s\n' $(filter-out templates/engine/% %/interleavings.c %/combined.c tests/engine/firmware/% bench/%,$(filter %.c,$(C_SOURCES))) | xargs -P 2 -I% clang-tidy --quiet --warnings-as-errors='*' % -- $(TIDY)
	@$(FIND_PYTHON); "$$p" -m gen -q --bench -o build/lint schema/itch.yaml
	clang-tidy --quiet --warnings-as-errors='*' $(wildcard bench/*.c) -- -std=c11 -D_GNU_SOURCE -Ibuild/lint -DBENCH_POOL \
	    -DBENCH_PROTOCOL='"itch_bench.h"' -DBENCH_ONE=add_order -DBENCH_ONE_NAME='"AddOrder"'
	for level in 0 1 2; do clang-tidy --quiet --warnings-as-errors='*' generated/protopool.c -- $(TIDY) -DPROTOPOOL_CHECK=$$level \
	    || exit 1; done
	$(if $(shell command -v pyflakes3),pyflakes3,python3 -m pyflakes) gen tests bench
	shellcheck .ci/run $(wildcard tests/*.sh)

format: ## put the hand-written C into its form
	clang-format -i $(C_SOURCES)

STRICT_C = -std=c11 $(filter-out -Wcast-align%,$(WARNINGS)) -O2 -D_POSIX_C_SOURCE=200809L -Igenerated
STRICT_CXX = -std=c++17 $(filter-out -Wstrict-prototypes -Wcast-align%,$(WARNINGS)) -Wold-style-cast -Wzero-as-null-pointer-constant \
    -O2 -Igenerated
P = build/portable
OBJECTS = generated/itch.c generated/calc.c generated/protopool.c

# A C and a C++17 program, with every warning, the C one linked with the C library alone: on this machine, on a 32-bit and on a
# big-endian one, where each must print what it prints here. Then the engine without any library.
portable: generate ## C++17, 32-bit, big-endian and freestanding: compile with every warning, run, compare
	@mkdir -p $(P)
	gcc $(STRICT_C) examples/order_book.c $(OBJECTS) -o $(P)/book
	i686-linux-gnu-gcc $(STRICT_C) -static examples/order_book.c $(OBJECTS) -o $(P)/book_i686
	powerpc-linux-gnu-gcc $(STRICT_C) -static examples/order_book.c $(OBJECTS) -o $(P)/book_powerpc
	musl-gcc $(STRICT_C) -static examples/order_book.c $(OBJECTS) -o $(P)/book_musl
	$(P)/book --messages 200000 | grep checksum >$(P)/expected
	$(P)/book_musl --messages 200000 | grep checksum | diff $(P)/expected -
	qemu-i386 $(P)/book_i686 --messages 200000 | grep checksum | diff $(P)/expected -
	qemu-ppc $(P)/book_powerpc --messages 200000 | grep checksum | diff $(P)/expected -
	gcc $(STRICT_C) -c generated/calc.c -o $(P)/calc.o
	gcc $(STRICT_C) -c generated/protopool.c -o $(P)/protopool.o
	for cxx in g++ clang++; do \
	    $$cxx $(STRICT_CXX) -fno-exceptions -c tests/cpp/user.cpp -o $(P)/user.o && gcc $(P)/user.o $(P)/calc.o $(P)/protopool.o -lstdc++ -o $(P)/user && \
	    $(P)/user >$(P)/user.log || exit 1; done
	i686-linux-gnu-g++ $(STRICT_CXX) -fno-exceptions -c tests/cpp/user.cpp -o $(P)/user_i686.o
	i686-linux-gnu-gcc $(STRICT_C) -static $(P)/user_i686.o generated/calc.c generated/protopool.c -lstdc++ -o $(P)/user_i686
	qemu-i386 $(P)/user_i686 | diff $(P)/user.log -
	$(MAKE) cplusplus
	i686-linux-gnu-gcc $(STRICT_C) -static -DPROTOPOOL_MAGAZINE=2 $(CLOSURE) -o $(P)/closure_i686
	qemu-i386 $(P)/closure_i686 6
	powerpc-linux-gnu-gcc $(STRICT_C) -static -DPROTOPOOL_MAGAZINE=2 $(CLOSURE) -o $(P)/closure_powerpc
	qemu-ppc $(P)/closure_powerpc 6
	gcc $(STRICT_C) -ffreestanding -c generated/protopool.c -o $(P)/free.o
	gcc $(STRICT_C) -ffreestanding -c generated/calc.c -o $(P)/free_calc.o
	gcc $(STRICT_C) -ffreestanding -c generated/telemetry.c -o $(P)/free_telemetry.o
	! nm $(P)/free.o $(P)/free_calc.o | grep ' U ' | grep -vE ' (memcpy|memset|memcmp|(protopool|calc)_[a-z0-9_]+)$$'
	! nm $(P)/free_telemetry.o | grep ' U ' | grep -vE ' (memcpy|memset|memcmp|memchr|(protopool|telemetry)_[a-z0-9_]+)$$'

# Not every combination, but each level, standard, and exceptions on and off with both compilers.
CPP = build/cplusplus
CPP_SETTINGS = "g++ -std=c++17 -Wuseless-cast" "g++ -std=c++20 -Wuseless-cast -fno-exceptions -DPROTOPOOL_CHECK=1" \
    "g++ -std=c++2b -Wuseless-cast -DPROTOPOOL_CHECK=2" "clang++ -std=c++17 -fno-exceptions -DPROTOPOOL_CHECK=2" \
    "clang++ -std=c++20 -DPROTOPOOL_CHECK=1" "clang++ -std=c++2b -fno-exceptions" \
    "g++ -std=c++17 -DPROTOPOOL_CHECK=2 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all" \
    "clang++ -std=c++20 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all" "i686-linux-gnu-g++ -std=c++17 -static"

cplusplus: generate ## the C++ programs: both compilers, three standards and levels, sanitizers, 32-bit
	@mkdir -p $(CPP)
	@set -e; for setting in $(CPP_SETTINGS); do \
	    echo "$$setting"; cc=gcc; run=; level=$$(echo "$$setting" | grep -o -- '-DPROTOPOOL_CHECK=.' || true); \
	    case $$setting in i686*) cc=i686-linux-gnu-gcc; run=qemu-i386;; esac; \
	    for c in calc telemetry protopool; do $$cc $(STRICT_C) $$level -c generated/$$c.c -o $(CPP)/$$c.o; done; \
	    for program in $(wildcard tests/cpp/cpp_*.cpp); do \
	        $${setting%% *} $(STRICT_CXX) $${setting#* } $$program $(CPP)/*.o -o $(CPP)/program -lpthread; $$run $(CPP)/program; \
	    done; done

F = build/firmware
FIRMWARE_C = -std=gnu11 $(filter-out -Wcast-align%,$(WARNINGS)) -Os -Igenerated -Itests/engine/firmware -DPROTOPOOL_PORT='"port.h"'
FIRMWARE = tests/engine/firmware/firmware.c generated/calc.c generated/protopool.c
ARM = arm-none-eabi-gcc $(FIRMWARE_C) -mcpu=cortex-m3 -mthumb -ffunction-sections -fdata-sections $(FIRMWARE) tests/engine/firmware/cortex_m3.c \
    --specs=rdimon.specs -nostartfiles -T tests/engine/firmware/firmware.ld -Wl,--gc-sections
ARM_RUN = timeout 60 qemu-system-arm -M mps2-an385 -icount shift=3 -nographic -monitor none -serial none \
    -semihosting-config enable=on,target=native -kernel
FIRMWARE_HOST = gcc $(FIRMWARE_C) -D_XOPEN_SOURCE=700 $(FIRMWARE) tests/engine/firmware/host.c

# A program on a Cortex-M3 in qemu must print what it prints on this machine: with the small C library newlib-nano, where
# that prints floating point and where it does not, and with the whole newlib; and freestanding. Without the lock it must fail.
firmware: generate ## a program with interrupts on a microcontroller in qemu, with small C libraries and none
	@mkdir -p $(F)
	$(FIRMWARE_HOST) -DPROTOPOOL_CHECK=1 -o $(F)/host
	$(F)/host >$(F)/expected
	$(FIRMWARE_HOST) -DPROTOPOOL_CHECK=1 -Dsnprintf=no_snprintf -o $(F)/host_without_floats
	$(F)/host_without_floats >$(F)/expected_without_floats
	$(ARM) -DPROTOPOOL_CHECK=1 -o $(F)/newlib.elf
	$(ARM_RUN) $(F)/newlib.elf | diff $(F)/expected -
	$(ARM) -DPROTOPOOL_CHECK=1 --specs=nano.specs -u _printf_float -o $(F)/nano.elf
	$(ARM_RUN) $(F)/nano.elf | diff $(F)/expected -
	$(ARM) -DPROTOPOOL_CHECK=1 --specs=nano.specs -o $(F)/nano_without_floats.elf
	$(ARM_RUN) $(F)/nano_without_floats.elf | diff $(F)/expected_without_floats -
	for level in 0 2; do $(ARM) -DPROTOPOOL_CHECK=$$level -DPROTOPOOL_MAGAZINE=2 -ffreestanding --specs=nano.specs -o $(F)/free.elf && \
	    $(ARM_RUN) $(F)/free.elf | grep ' 0 failures' || exit 1; done
	$(ARM) -ffreestanding -DWITHOUT_MASK --specs=nano.specs -o $(F)/without_mask.elf
	! $(ARM_RUN) $(F)/without_mask.elf >$(F)/without_mask.log

A = build/combinations
ALL = $(A)/all.c $(A)/protopool.c
STRICT_ALL = $(STRICT_C) -O0 -I$(A)

# Each compiler takes every combination of types; the suite runs with the sanitizers, valgrind sees each message once, and
# each message is the same, prints and hashes the same on a 32-bit and on a big-endian machine.
combinations: combinations-suite combinations-elsewhere ## every combination of types: compile with every warning, run, compare

$(A)/all.h: generate tests/generator/combinations.py
	@mkdir -p $(A)
	@$(FIND_PYTHON); PYTHONPATH=tests "$$p" tests/generator/combinations.py >$(A)/all.yaml && "$$p" -m gen -q --bench --cpp -o $(A) --tests $(A)/tests $(A)/all.yaml

combinations-suite: $(A)/all.h
	gcc $(STRICT_ALL) -std=gnu11 -fsanitize=address,undefined -fno-sanitize-recover=all $(ALL) $(A)/tests/all_check.c -o $(A)/all_check $(CHECK_LIBS)
	$(A)/all_check

combinations-elsewhere: $(A)/all.h
	clang $(STRICT_ALL) -fsyntax-only $(A)/all.c $(A)/tests/all_check.c
	echo '#include "all.hpp"' >$(A)/all.cpp
	for cxx in g++ clang++; do $$cxx $(STRICT_CXX) -I$(A) -fsyntax-only $(A)/all.cpp || exit 1; done
	gcc $(STRICT_ALL) -g tests/generator/combined.c $(ALL) -o $(A)/combined
	$(MEMCHECK) $(A)/combined >$(A)/expected
	i686-linux-gnu-gcc $(STRICT_ALL) -static tests/generator/combined.c $(ALL) -o $(A)/combined_i686
	qemu-i386 $(A)/combined_i686 | diff $(A)/expected -
	powerpc-linux-gnu-gcc $(STRICT_ALL) -static tests/generator/combined.c $(ALL) -o $(A)/combined_powerpc
	qemu-ppc $(A)/combined_powerpc | diff $(A)/expected -

demo-valgrind: build ## the demo under valgrind
	$(MEMCHECK) --show-leak-kinds=all --errors-for-leak-kinds=all $(BUILD)/seed >build/seed.log
	$(MEMCHECK) --show-leak-kinds=all --errors-for-leak-kinds=all $(BUILD)/order_book --messages 200000 >build/order_book.log
	$(MEMCHECK) --fair-sched=yes $(BUILD)/pipeline --messages 100000

ci: deps-ci deps-bench ## everything that CI runs
	$(MAKE) fresh lint
	$(if $(CHECKED),,$(MAKE) check CC=gcc)
	$(MAKE) bench-instructions bench-quick
	$(MAKE) demo-valgrind portable firmware
	$(MAKE) -j2 combinations
	$(MAKE) tsan HANDOFFS=3000000
	$(MAKE) weaken
	$(MAKE) fuzz FUZZ_SECONDS=20
	$(MAKE) fuzz-schema FUZZ_SECONDS=30
	$(MAKE) suites CC=clang
	$(MAKE) -j2 sanitized-gcc sanitized-clang
	$(MAKE) suites VALGRIND=1

sanitized-gcc sanitized-clang: # the suites under ASan and UBSan
	$(MAKE) -j1 suites SANITIZE=address,undefined CFLAGS=-g CC=$(@:sanitized-%=%)

HANDOFFS ?= 30000000
SOAK_SECONDS ?= 60

tsan: ## the suite of threads under ThreadSanitizer, gcc and clang
	for cc in gcc clang; do \
	    $(MAKE) CC=$$cc SANITIZE=thread CFLAGS=-g build/$$cc-thread/plain/test_threads && \
	    HANDOFFS=$(HANDOFFS) STREAMS=1 build/$$cc-thread/plain/test_threads || exit 1; done

FUZZ_SECONDS ?= 600

fuzz: generate ## make, change and free messages of any length, and read such from outside, as libFuzzer likes, for FUZZ_SECONDS
	@mkdir -p build/fuzz/corpus
	for level in 0 2; do \
	    clang -std=c11 -g -O1 -D_POSIX_C_SOURCE=200809L -Igenerated -DPROTOPOOL_CHECK=$$level -fno-sanitize-recover=all \
	        -fsanitize=fuzzer,address,undefined tests/engine/fuzz.c generated/telemetry.c generated/protopool.c -o build/fuzz/level$$level && \
	    build/fuzz/level$$level -max_total_time=$$(($(FUZZ_SECONDS) / 2)) -max_len=400 -artifact_prefix=build/fuzz/ -verbosity=0 \
	        -print_final_stats=1 build/fuzz/corpus || exit 1; done

fuzz-schema: ## feed the generator with schemas that are wrong in every way, for FUZZ_SECONDS
	@$(FIND_PYTHON); PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 "$$p" tests/generator/fuzz_schema.py $(FUZZ_SECONDS)

weaken: generate ## take each lock out of the engine in turn: ThreadSanitizer must notice
	@$(FIND_PYTHON); CC="$(CC)" "$$p" tests/engine/weaken_locks.py

# ---- The experiment

FIND_BENCH_PYTHON = for p in $(PYTHON) /usr/bin/python3 python3; do \
    "$$p" -c 'import jinja2, yaml, scipy, matplotlib, tqdm' 2>/dev/null && break; p=; done; \
    [ -n "$$p" ] || { echo "make: no python3 here has scipy, matplotlib and tqdm: run make deps-bench" >&2; exit 2; }
BENCH = $(FIND_BENCH_PYTHON); CC="$(CC)" "$$p" -m bench $(if $(SCHEMA),--schema "$(SCHEMA)") $(if $(PEERS),--peers "$(PEERS)") $(BENCHFLAGS)

bench: ## the experiment: is the pool faster? (15 minutes; SCHEMA=mine.yaml, PEERS=dir of archives)
	@$(BENCH)

bench-quick: ## the same in a minute
	@$(BENCH) --quick

bench-check: ## the benchmark itself: the pool against itself, and against one that is twice as slow
	@$(BENCH) --quick --same
	@$(BENCH) --quick --slowed

bench-instructions: ## instructions of today's code against those of bench/instructions.json; fails if 5 % more
	@$(FIND_PYTHON); CC="$(CC)" "$$p" -m bench.instructions

bench-generator: ## what the generator and its output cost, up to 1000 variants
	@$(FIND_PYTHON); CC="$(CC)" "$$p" -m bench.generator 10 100 1000

soak: ## threads that come and go, for SOAK_SECONDS
	$(MAKE) $(BUILD)/plain/test_threads
	SOAK_SECONDS=$(SOAK_SECONDS) $(BUILD)/plain/test_threads
	$(MAKE) $(BUILD)/check2/test_misuse
	RACES=20000 $(BUILD)/check2/test_misuse

bare: ## try the README's set-up in a bare Debian (root; debootstrap)
	sh tests/tools/bare_debian.sh

clean: ## remove what was built
	rm -rf build
