# SPDX-License-Identifier: Apache-2.0 OR MIT
# What maintainers and CI run: lint, other compilers and machines, sanitizers, valgrind, fuzzing.

.PHONY: deps-ci ci lint format portable windows cplusplus firmware firmware-size bus demo-valgrind editor wire-peers tsan \
    weaken fuzz fuzz-schema soak bare sanitized sanitized-gcc sanitized-clang

# Every setting of the suites runs with gcc or with clang. These run with both, with and without sanitizers, and under valgrind:
# the fast path as users have it, and the level that looks up each message.
TWICE = plain-O2 check2-O2

#@ Maintain

deps-ci: ## install what only ci needs
	@$(call INSTALL_PACKAGES,$(DEPS) $(DEPS_CI))

ci: deps-ci deps-bench ## run everything that CI runs; go on after a failure, and end with what failed and one total
	@$(FIND_PYTHON); "$$p" tests/run.py -j1 'make fresh' 'make lint' $(if $(CHECKED),,'make check CC=gcc') 'make check-long CC=gcc' \
	    'make -j2 bench-instructions demo-valgrind' 'make bench-quick' 'make -j2 portable cplusplus windows firmware bus' 'make -j2 combinations' \
	    'make tsan HANDOFFS=3000000' 'make weaken' 'make -j2 fuzz fuzz-schema FUZZ_SECONDS=30' \
	    'make suites CC=clang ONLY="$(TWICE)"' 'make sanitized' 'make suites VALGRIND=1 ONLY="$(TWICE)"' \
	    $(if $(shell command -v npm),'make editor' 'make wire-peers')

# ---- Form

C_SOURCES = $(wildcard templates/engine/*.[ch] templates/engine/*.hpp examples/*.[ch] examples/build/*.c examples/bus/*.[ch] tests/*/*.c tests/cpp/*.cpp tests/cpp/*.hpp tests/engine/firmware/*.[ch] bench/*.[ch] bench/compare/*.[ch] bench/compare/*.cpp)
TIDY = clang-tidy --quiet --warnings-as-errors='*'
TIDY_FLAGS = -std=c11 -D_POSIX_C_SOURCE=200809L -Igenerated -Ibuild/parcel -Ibuild/feed
TIDY_SOURCES = $(filter-out %/interleavings.c %/longest_call.c %/combined.c %/python_peer.c %/wire_peers/peer.c %/bench/wire.c,$(wildcard examples/*.c examples/bus/*.c tests/*/*.c))

lint: generate $(PARCELS:%=build/parcel/%.h) build/feed/feed.h ## run clang-format, clang-tidy, pyflakes, shellcheck
	$(call step,LINT,clang-format)clang-format --dry-run -Werror $(C_SOURCES)
	@$(MAKE) -k $(PARALLEL) $(TIDIED)
	$(call step,LINT,pyflakes)$(if $(shell command -v pyflakes3),pyflakes3,python3 -m pyflakes) gen tests bench bin/protopool install
	$(call step,LINT,shellcheck)shellcheck .ci/run $(wildcard examples/*.sh examples/*/*.sh tests/*/*.sh install/*.sh) install/debian/postinst install/debian/prerm

# The longest first. The analyzer follows every path: that takes minutes for tests, and finds only what they do on purpose.
TIDY_LEVELS = tidy-level-2 tidy-level-1 tidy-level-0
TIDY_FILES = $(TIDY_SOURCES:%=tidy/%)
TIDIED = $(TIDY_LEVELS) tidy-bench $(TIDY_FILES)
.PHONY: $(TIDIED)

# Level 2 has most of the code: there the analyzer follows as many states of each function as it does by itself. At the other
# levels it follows 60,000, which takes less than half of the time.
STATES = 60000
tidy-level-2: STATES = 225000
$(TIDY_LEVELS): tidy-level-%:
	$(call step,LINT,clang-tidy protopool.c (level $*))$(TIDY) generated/protopool.c -- $(TIDY_FLAGS) -DPROTOPOOL_CHECK=$* \
	    -Xclang -analyzer-config -Xclang max-nodes=$(STATES)

$(TIDY_FILES): tidy/%:
	$(call step,LINT,clang-tidy $*)$(TIDY) $(if $(filter tests/%,$*),--checks='-clang-analyzer-*') $* -- $(TIDY_FLAGS)

tidy-bench:
	$(call step,LINT,clang-tidy bench)$(FIND_PYTHON); "$$p" -m gen -q --bench -o build/lint schema/itch.yaml && \
	    $(TIDY) $(wildcard bench/*.c) -- -std=c11 -D_GNU_SOURCE -Ibuild/lint -DBENCH_POOL \
	    -DBENCH_PROTOCOL='"itch_bench.h"' -DBENCH_ONE=add_order -DBENCH_ONE_NAME='"AddOrder"'

format: ## format the hand-written C
	$(call step,FORMAT,$(words $(C_SOURCES)) files)clang-format -i $(C_SOURCES)

# ---- Editors

# The server is the one of most editors' YAML extensions. npm is no Debian package here: whoever has it runs these tests.
editor: ## test what an editor with a YAML language server shows: mistakes, completion, documentation (needs npm)
	@mkdir -p build/editor && cp tests/editor/package*.json build/editor
	$(call step,NPM,yaml-language-server)cd build/editor && npm ci --no-audit --no-fund >npm.log 2>&1 || { cat npm.log >&2; exit 1; }
	@$(call TEST,tests/editor)

# ---- Other implementations of packed formats

wire-peers: ## exchange packed messages with implementations of SBP and MAVLink that are not ours (needs npm)
	@mkdir -p build/wire_peers && cp tests/wire_peers/package*.json build/wire_peers
	$(call step,NPM,sbp node-mavlink)cd build/wire_peers && npm ci --no-audit --no-fund >npm.log 2>&1 || { cat npm.log >&2; exit 1; }
	@$(call TEST,--all tests/wire_peers/test_npm_peers.py)
	@cat build/wire_peers_sbp.txt build/wire_peers_mavlink.txt

# ---- Other machines and compilers

STRICT_C = -std=c11 $(filter-out -Wcast-align%,$(WARNINGS)) -O2 -D_POSIX_C_SOURCE=200809L -Igenerated -Ibuild/feed -Ibuild/parcel
STRICT_CXX = -std=c++17 $(filter-out -Wstrict-prototypes -Wcast-align%,$(WARNINGS)) -Wold-style-cast -Wzero-as-null-pointer-constant \
    -O2 -Igenerated -Ibuild/feed -Ibuild/parcel
P = build/portable
BOOK = examples/order_book.c generated/itch.c generated/calc.c generated/protopool.c
CHECKSUM = --messages 200000 | grep checksum

# A C and a C++17 program, with every warning, the C one linked with the C library alone: on this machine, on a 32-bit and on a
# big-endian one, where each must print what it prints here. Then the engine without any library. Linux may run no 32-bit
# programs: qemu-i386 does.
portable: generate ## test C++17, 32-bit, big-endian and freestanding: compile with every warning, run, compare
	@mkdir -p $(P)
	$(call step,TEST,order_book)gcc $(STRICT_C) $(BOOK) -o $(P)/book && $(P)/book --write $(P)/day $(CHECKSUM) >$(P)/expected && \
	    $(P)/book --file $(P)/day | grep checksum | diff $(P)/expected -
	$(call step,TEST,order_book (musl))musl-gcc $(STRICT_C) -static $(BOOK) -o $(P)/book_musl && \
	    $(P)/book_musl $(CHECKSUM) | diff $(P)/expected -
	$(call step,TEST,order_book (tcc, a compiler without extensions))tcc -D_POSIX_C_SOURCE=200809L -Igenerated $(BOOK) -o $(P)/book_tcc && \
	    $(P)/book_tcc $(CHECKSUM) | diff $(P)/expected -
	$(call step,TEST,order_book (32 bits))i686-linux-gnu-gcc $(STRICT_C) -static $(BOOK) -o $(P)/book_i686 && \
	    qemu-i386 $(P)/book_i686 $(CHECKSUM) | diff $(P)/expected -
	$(call step,TEST,order_book (big-endian))powerpc-linux-gnu-gcc $(STRICT_C) -static $(BOOK) -o $(P)/book_powerpc && \
	    qemu-ppc $(P)/book_powerpc $(CHECKSUM) | diff $(P)/expected -
	$(call step,CC,calc.o protopool.o)gcc $(STRICT_C) -c generated/calc.c -o $(P)/calc.o && \
	    gcc $(STRICT_C) -c generated/protopool.c -o $(P)/protopool.o
	$(call step,TEST,user.cpp (g++ and clang++))for cxx in g++ clang++; do \
	    $$cxx $(STRICT_CXX) -fno-exceptions -c tests/cpp/user.cpp -o $(P)/user.o && gcc $(P)/user.o $(P)/calc.o $(P)/protopool.o -lstdc++ -o $(P)/user && \
	    $(P)/user >$(P)/user.log || exit 1; done
	$(call step,TEST,user.cpp (32 bits))i686-linux-gnu-g++ $(STRICT_CXX) -fno-exceptions -c tests/cpp/user.cpp -o $(P)/user_i686.o && \
	    i686-linux-gnu-gcc $(STRICT_C) -static $(P)/user_i686.o generated/calc.c generated/protopool.c -lstdc++ -o $(P)/user_i686 && \
	    qemu-i386 $(P)/user_i686 | diff $(P)/user.log -
	$(call step,TEST,closure (32 bits))i686-linux-gnu-gcc $(STRICT_C) -static -DPROTOPOOL_MAGAZINE=2 $(CLOSURE) -o $(P)/closure_i686 && \
	    qemu-i386 $(P)/closure_i686 6
	$(call step,TEST,closure (big-endian))powerpc-linux-gnu-gcc $(STRICT_C) -static -DPROTOPOOL_MAGAZINE=2 $(CLOSURE) -o $(P)/closure_powerpc && \
	    qemu-ppc $(P)/closure_powerpc 6
	$(call step,TEST,freestanding)for c in protopool calc telemetry; do \
	    gcc $(STRICT_C) -ffreestanding -c generated/$$c.c -o $(P)/free_$$c.o || exit 1; done; \
	    ! nm $(P)/free_protopool.o $(P)/free_calc.o | grep ' U ' | grep -vE ' (memcpy|memset|memcmp|(protopool|calc)_[a-z0-9_]+)$$' && \
	    ! nm $(P)/free_telemetry.o | grep ' U ' | grep -vE ' (memcpy|memset|memcmp|memchr|(protopool|telemetry)_[a-z0-9_]+)$$'

# Not every combination, but each level, standard, and exceptions on and off with both compilers.
CPP = build/cplusplus
CPP_SETTINGS = "g++ -std=c++17 -Wuseless-cast" "g++ -std=c++20 -Wuseless-cast -fno-exceptions -DPROTOPOOL_CHECK=1" \
    "g++ -std=c++2b -Wuseless-cast -DPROTOPOOL_CHECK=2" "clang++ -std=c++17 -fno-exceptions -DPROTOPOOL_CHECK=2" \
    "clang++ -std=c++20 -DPROTOPOOL_CHECK=1" "clang++ -std=c++2b -fno-exceptions" \
    "g++ -std=c++17 -DPROTOPOOL_CHECK=2 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all" \
    "clang++ -std=c++20 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all" "i686-linux-gnu-g++ -std=c++17 -static"

cplusplus: generate build/feed/feed.h build/parcel/parcel.h ## test the C++ programs: both compilers, three standards and levels, sanitizers, 32-bit
	@mkdir -p $(CPP)
	@set -e; for setting in $(CPP_SETTINGS); do \
	    echo "  TEST  $$setting"; cc=gcc; run=; level=$$(echo "$$setting" | grep -o -- '-DPROTOPOOL_CHECK=.' || true); \
	    case $$setting in i686*) cc=i686-linux-gnu-gcc; run=qemu-i386;; esac; \
	    for c in generated/calc generated/telemetry generated/protopool build/feed/feed build/parcel/parcel; do \
	        $$cc $(STRICT_C) $$level -c $$c.c -o $(CPP)/$$(basename $$c).o; done; \
	    for program in $(wildcard tests/cpp/cpp_*.cpp); do \
	        $${setting%% *} $(STRICT_CXX) $${setting#* } $$program $(CPP)/*.o -o $(CPP)/program -lpthread; $$run $(CPP)/program; \
	    done; done

# ---- Windows

# The engine takes Windows' own locks. The programs' threads are those of mingw's pthreads. What is printed must be what is
# printed here, but for the ends of lines. Debian's wine runs 64-bit programs; 32-bit ones are compiled.
W = build/windows
MINGW = x86_64-w64-mingw32-gcc $(STRICT_C) -static
WINE = WINEDEBUG=-all WINEPREFIX=$(abspath $(W)/prefix) timeout 300 wine

windows: generate ## test mingw-w64: compile with every warning, run under wine, compare
	@mkdir -p $(W)
	$(call step,CC,32 and 64 bits at each level)for level in 0 1 2; do for c in calc telemetry protopool; do \
	    i686-w64-mingw32-gcc $(STRICT_C) -DPROTOPOOL_CHECK=$$level -c generated/$$c.c -o $(W)/$$c.o && \
	    x86_64-w64-mingw32-gcc $(STRICT_C) -DPROTOPOOL_CHECK=$$level -c generated/$$c.c -o $(W)/$$c.o || exit 1; done; done
	$(call step,TEST,order_book)gcc $(STRICT_C) $(BOOK) -o $(W)/book && $(W)/book $(CHECKSUM) >$(W)/expected && \
	    $(MINGW) $(BOOK) -o $(W)/book.exe -lpthread && $(WINE) $(W)/book.exe $(CHECKSUM) | tr -d '\r' | diff $(W)/expected -
	$(call step,TEST,pipeline at each level)for level in 0 1 2; do \
	    $(MINGW) -DPROTOPOOL_CHECK=$$level examples/pipeline.c generated/calc.c generated/protopool.c -o $(W)/pipeline.exe -lpthread && \
	    $(WINE) $(W)/pipeline.exe --messages 100000 >$(W)/pipeline.log && grep -q 'is right' $(W)/pipeline.log || exit 1; done
	$(call step,TEST,closure)$(MINGW) -DPROTOPOOL_MAGAZINE=2 $(CLOSURE) -o $(W)/closure.exe && $(WINE) $(W)/closure.exe 4 >$(W)/closure.log
	$(call step,TEST,user.cpp)x86_64-w64-mingw32-g++ $(STRICT_CXX) -c tests/cpp/user.cpp -o $(W)/user.o && \
	    x86_64-w64-mingw32-gcc $(STRICT_C) -c generated/calc.c -o $(W)/calc.o && \
	    x86_64-w64-mingw32-gcc $(STRICT_C) -c generated/protopool.c -o $(W)/protopool.o && \
	    x86_64-w64-mingw32-g++ -static $(W)/user.o $(W)/calc.o $(W)/protopool.o -o $(W)/user.exe && \
	    $(WINE) $(W)/user.exe >$(W)/user.log

# ---- A microcontroller

F = build/firmware
FIRMWARE_C = -std=gnu11 $(filter-out -Wcast-align%,$(WARNINGS)) -Os -Igenerated -Itests/engine/firmware -DPROTOPOOL_PORT='"port.h"'
FIRMWARE = tests/engine/firmware/firmware.c generated/calc.c generated/protopool.c
ARM = arm-none-eabi-gcc $(FIRMWARE_C) -mcpu=cortex-m3 -mthumb -ffunction-sections -fdata-sections $(FIRMWARE) tests/engine/firmware/cortex_m3.c \
    --specs=rdimon.specs -nostartfiles -T tests/engine/firmware/firmware.ld -Wl,--gc-sections
ARM_RUN = timeout 60 qemu-system-arm -M mps2-an385 -icount shift=3 -nographic -monitor none -serial none \
    -semihosting-config enable=on,target=native -kernel
FIRMWARE_HOST = gcc $(FIRMWARE_C) -D_XOPEN_SOURCE=700 $(FIRMWARE) tests/engine/firmware/host.c -DPROTOPOOL_CHECK=1

# A program on a Cortex-M3 in qemu must print what it prints on this machine: with the small C library newlib-nano, where
# that prints floating point and where it does not, and with the whole newlib; and freestanding. Without the lock it must fail.
firmware: firmware-size ## run a program with interrupts on a microcontroller in qemu, with small C libraries and without one
	@mkdir -p $(F)
	$(call step,TEST,firmware (on this machine))$(FIRMWARE_HOST) -o $(F)/host && $(F)/host >$(F)/expected && \
	    $(FIRMWARE_HOST) -Dsnprintf=no_snprintf -o $(F)/host_without_floats && $(F)/host_without_floats >$(F)/expected_without_floats
	$(call step,TEST,firmware (newlib))$(ARM) -DPROTOPOOL_CHECK=1 -o $(F)/newlib.elf && \
	    $(ARM_RUN) $(F)/newlib.elf | diff $(F)/expected -
	$(call step,TEST,firmware (newlib-nano))$(ARM) -DPROTOPOOL_CHECK=1 --specs=nano.specs -u _printf_float -o $(F)/nano.elf && \
	    $(ARM_RUN) $(F)/nano.elf | diff $(F)/expected -
	$(call step,TEST,firmware (newlib-nano without floats))$(ARM) -DPROTOPOOL_CHECK=1 --specs=nano.specs -o $(F)/nano_without_floats.elf && \
	    $(ARM_RUN) $(F)/nano_without_floats.elf | diff $(F)/expected_without_floats -
	$(call step,TEST,firmware (freestanding))for level in 0 2; do \
	    $(ARM) -DPROTOPOOL_CHECK=$$level -DPROTOPOOL_MAGAZINE=2 -ffreestanding --specs=nano.specs -o $(F)/free.elf && \
	    $(ARM_RUN) $(F)/free.elf | grep ' 0 failures' || exit 1; done
	$(call step,TEST,firmware (fails without its lock))$(ARM) -ffreestanding -DWITHOUT_MASK --specs=nano.specs -o $(F)/without_mask.elf && \
	    ! $(ARM_RUN) $(F)/without_mask.elf >$(F)/without_mask.log

firmware-size: generate ## print the flash and RAM that calc takes on a Cortex-M3; fail if they are above their limits
	$(call step,TEST,firmware (size))$(FIND_PYTHON); "$$p" tests/engine/firmware/size.py $(F)

# ---- ZeroMQ

U = build/bus
BUS_MESSAGES = 200000
BUS_REQUESTS = 2000
BUS = gcc $(STRICT_C) $(shell pkg-config --cflags libzmq 2>/dev/null)
BUS_C = examples/bus/bus.c generated/calc.c generated/protopool.c $(shell pkg-config --libs libzmq 2>/dev/null) -lpthread

# With the sanitizer at level 2, where each message is looked up when ZeroMQ's thread frees it; then as users build it.
bus: generate ## two processes that exchange messages over ZeroMQ, without a copy
	@mkdir -p $(U)/checked
	$(call step,CC,feed reader)for program in feed reader; do \
	    $(BUS) examples/bus/$$program.c $(BUS_C) -o $(U)/$$program && \
	    $(BUS) -g -fsanitize=address,undefined -DPROTOPOOL_CHECK=2 examples/bus/$$program.c $(BUS_C) -o $(U)/checked/$$program || exit 1; done
	$(call step,TEST,bus (level 2, sanitized))examples/bus/run.sh $(U)/checked 20000 500 >$(U)/checked/log
	$(call step,TEST,bus)examples/bus/run.sh $(U) $(BUS_MESSAGES) $(BUS_REQUESTS) $(ROUNDS)

# ---- Under valgrind and the sanitizers

LEAKCHECK = $(MEMCHECK) --show-leak-kinds=all --errors-for-leak-kinds=all

demo-valgrind: build ## run the examples under valgrind
	$(call step,TEST,seed (valgrind))$(LEAKCHECK) $(BUILD)/seed >build/seed.log
	$(call step,TEST,order_book (valgrind))$(LEAKCHECK) $(BUILD)/order_book --messages 200000 >build/order_book.log
	$(call step,TEST,pipeline (valgrind))$(MEMCHECK) --fair-sched=yes $(BUILD)/pipeline --messages 100000
	$(call step,TEST,fanout (valgrind))$(MEMCHECK) --fair-sched=yes $(BUILD)/fanout --messages 20000

sanitized: sanitized-gcc sanitized-clang ## run the suites under ASan and UBSan, with gcc and clang

sanitized-gcc: ONLY = $(TWICE)
sanitized-gcc sanitized-clang:
	@$(MAKE) suites SANITIZE=address,undefined CFLAGS=-g CC=$(@:sanitized-%=%) ONLY="$(ONLY)"

HANDOFFS ?= 30000000
OF_THREADS = test_threads test_shared
SOAK_SECONDS ?= 60

tsan: ## run the suites of threads under ThreadSanitizer, with gcc and clang
	@for cc in gcc clang; do $(MAKE) $(PARALLEL) CC=$$cc SANITIZE=thread CFLAGS=-g $(addprefix build/$$cc-thread/plain/,$(OF_THREADS)) || exit 1; done
	@HANDOFFS=$(HANDOFFS) STREAMS=1; export HANDOFFS STREAMS; $(call TEST,$(foreach cc,gcc clang,$(addprefix build/$(cc)-thread/plain/,$(OF_THREADS))))

soak: ## test threads that come and go, for SOAK_SECONDS
	@$(call BUILD_PROGRAMS,$(BUILD)/plain-O2/test_threads $(BUILD)/check2-O2/test_misuse)
	@SOAK_SECONDS=$(SOAK_SECONDS) RACES=20000; export SOAK_SECONDS RACES; $(call TEST,$(BUILD)/plain-O2/test_threads $(BUILD)/check2-O2/test_misuse)

weaken: generate ## take each lock out of the engine in turn: ThreadSanitizer must notice
	@$(FIND_PYTHON); CC="$(CC)" "$$p" tests/engine/weaken_locks.py

# ---- Random input

FUZZ_SECONDS ?= 600

fuzz: generate $(PARCELS:%=build/parcel/%.h) ## let libFuzzer allocate, change, free and validate messages of any length, for FUZZ_SECONDS
	@mkdir -p build/fuzz/corpus
	@for level in 0 2; do \
	    echo "  FUZZ  level $$level"; \
	    clang -std=c11 -g -O1 -D_POSIX_C_SOURCE=200809L -Igenerated -DPROTOPOOL_CHECK=$$level -fno-sanitize-recover=all \
	        -fsanitize=fuzzer,address,undefined tests/engine/fuzz.c -Ibuild/parcel $(PARCELS:%=build/parcel/%.c) generated/itch.c generated/telemetry.c generated/protopool.c -o build/fuzz/level$$level && \
	    build/fuzz/level$$level -max_total_time=$$(($(FUZZ_SECONDS) / 2)) -max_len=400 -artifact_prefix=build/fuzz/ -verbosity=0 \
	        -print_final_stats=1 build/fuzz/corpus || exit 1; done

fuzz-schema: ## feed the generator with schemas that are wrong in every way, for FUZZ_SECONDS
	@$(FIND_PYTHON); PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 "$$p" tests/generator/fuzz_schema.py $(FUZZ_SECONDS)

# ---- A fresh machine

bare: ## try the README's set-up in a bare Debian (root; debootstrap)
	sh tests/tools/bare_debian.sh
