# SPDX-License-Identifier: Apache-2.0 OR MIT
# How schemas become C, C becomes objects and programs, and programs of tests run.

WARNINGS = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wcast-qual \
    -Wswitch-enum -Werror $(if $(findstring clang,$(CC)),-Wcast-align,-Wcast-align=strict)
COMPILE = $(CC) -std=c11 $(WARNINGS) $(CFLAGS) $(if $(SANITIZE),-O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) \
    -fno-sanitize-recover=all) -D_POSIX_C_SOURCE=200809L -Igenerated -Ibuild/parcel -Ibuild/feed -MMD -MP
CHECK_LIBS = $$(pkg-config --libs check 2>/dev/null || echo -lcheck -lsubunit -lrt -lm -lpthread)

# A folder for each compiler and sanitizer; in it a folder for each setting of the engine, since a program has one setting.
comma = ,
BUILD = build/$(notdir $(firstword $(CC)))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))

# ---- Generated code. build/generated is newer than all that is generated, and lists it.

SCHEMAS = $(shell grep -l '^protocol:' schema/*.yaml)
GENERATOR = $(shell find gen templates -name "*.*" -type f ! -name "*.pyc")
GENERATE = "$$p" -m gen --cpp -o generated --tests generated/tests

build/generated: schema $(wildcard schema/*.yaml schema/*/*.yaml) $(GENERATOR)
	@mkdir -p build
	$(call step,GEN,$(basename $(notdir $(SCHEMAS))))$(FIND_PYTHON); $(GENERATE) -v $(SCHEMAS) >$@.log && \
	    sed 's/ (unchanged)$$//' $@.log >$@

# Protocols that only tests use.
PARCELS = parcel pack frame
$(PARCELS:%=build/parcel/%.h): %.h: %.c ;
$(PARCELS:%=build/parcel/%.c): build/parcel/%.c: tests/engine/%.yaml build/generated
	$(call step,GEN,$*)$(FIND_PYTHON); "$$p" -m gen -q --touch --no-engine --cpp -o build/parcel $<

# The protocol of examples/fanout.c, which tests use too.
build/feed/feed.h build/feed/feed_check.c: build/feed/feed.c ;
build/feed/feed.c: examples/feed.yaml build/generated
	$(call step,GEN,feed)$(FIND_PYTHON); "$$p" -m gen -q --touch --no-engine --cpp -o build/feed --tests build/feed $<

fresh: ## fail if generated/ is stale: not what the generator writes now
	@mkdir -p build
	$(call step,TEST,generated/ is fresh)$(FIND_PYTHON); $(GENERATE) --check $(SCHEMAS) && \
	    $(GENERATE) --list-outputs $(SCHEMAS) | sort >build/outputs && \
	    ! find generated -type f | sort | comm -13 build/outputs - | sed 's/.*/&: no schema generates it: rm &/' | grep .

PROTOCOLS = $(patsubst generated/tests/%_check.c,%,$(filter %_check.c,$(shell cat build/generated 2>/dev/null)))

# ---- Objects

SHORT_SETTINGS = plain m1 check1 check2
SETTINGS = $(SHORT_SETTINGS) $(SHORT_SETTINGS:%=%-O2) m4 trace
NOTE = $(if $(filter-out plain,$(1)), ($(1)))
FLAGS_trace = -DPROTOPOOL_TRACE
FLAGS_m1 = -DPROTOPOOL_MAGAZINE=1
FLAGS_m4 = -DPROTOPOOL_MAGAZINE=4
FLAGS_check1 = -DPROTOPOOL_CHECK=1
FLAGS_check2 = -DPROTOPOOL_CHECK=2
# C compiles in a third of the time without optimisation. So check compiles as -O0, but the engine, in which tests spend their
# time, as -O1; and so it is with sanitizers, but for that of threads. check-long runs all of check's tests again as -O2.
flags_of = $(FLAGS_$(1:-O2=)) $(if $(filter $(SHORT_SETTINGS),$(1))$(filter-out thread,$(SANITIZE)),$$(if $$(filter protopool,$$*),-O1,-O0))

# $(1): the setting, $(2): a folder of sources
define objects
$(BUILD)/$(1)/%.o: $(2)/%.c build/generated
	@mkdir -p $$(@D)
	$$(call step,CC,$$*.o$(call NOTE,$(1)))$$(COMPILE) $(call flags_of,$(1)) -c $$< -o $$@
endef
$(foreach s,$(SETTINGS),$(foreach f,generated generated/tests examples tests/engine build/parcel build/feed,$(eval $(call objects,$s,$f))))
$(foreach s,$(SETTINGS),$(BUILD)/$s/test_parcels.o $(BUILD)/$s/test_texts.o $(BUILD)/$s/test_wire.o): build/parcel/parcel.h
$(foreach s,$(SETTINGS),$(addprefix $(BUILD)/$s/,test_packed.o)): build/parcel/pack.h build/parcel/frame.h
$(foreach s,$(SETTINGS),$(addprefix $(BUILD)/$s/,fanout.o test_shared.o feed_check.o)): build/feed/feed.h

-include $(wildcard $(BUILD)/*/*.d)
.SECONDARY:

# ---- Programs: a suite of tests/engine is linked with the protocols that USES_ names, and then with the engine

USES_test_threads = calc
USES_test_misuse = calc
USES_test_tails = telemetry
USES_test_parcels = parcel
USES_test_shared = feed
USES_test_texts = parcel
USES_test_refusals = telemetry
USES_test_wire = telemetry parcel
USES_test_packed = pack frame
USES_test_memory = calc itch telemetry
LINK = $(COMPILE) $^ -o $@ $(CHECK_LIBS)

# $(1): the setting
define suites
$(BUILD)/$(1)/%_check: $(BUILD)/$(1)/%_check.o $(BUILD)/$(1)/%.o $(BUILD)/$(1)/protopool.o
	$$(call step,LD,$$(@F)$(call NOTE,$(1)))$$(LINK)
$(BUILD)/$(1)/test_%: $(BUILD)/$(1)/test_%.o
	$$(call step,LD,$$(@F)$(call NOTE,$(1)))$$(LINK)
$(foreach t,threads misuse tails parcels texts shared refusals memory wire packed,
$(BUILD)/$(1)/test_$t: $(patsubst %,$(BUILD)/$(1)/%.o,$(USES_test_$t) protopool))
endef
$(foreach s,$(SETTINGS),$(eval $(call suites,$s)))

$(BUILD)/seed: $(addprefix $(BUILD)/trace/,seed.o calc.o protopool.o)
$(BUILD)/order_book: $(addprefix $(BUILD)/plain-O2/,order_book.o itch.o protopool.o)
$(BUILD)/pipeline: $(addprefix $(BUILD)/plain-O2/,pipeline.o calc.o protopool.o)
$(BUILD)/fanout: $(addprefix $(BUILD)/plain-O2/,fanout.o feed.o protopool.o)
EXAMPLES = $(addprefix $(BUILD)/,seed order_book pipeline fanout)
$(EXAMPLES):
	$(call step,LD,$(@F))$(COMPILE) $^ -o $@ -lpthread

# Every state that a small pool of level 2 can reach. The number is that of slots in a magazine.
CLOSURE = -O2 tests/engine/closure.c
CLOSURES = $(BUILD)/closure1 $(BUILD)/closure2
$(CLOSURES): $(BUILD)/closure%: tests/engine/closure.c build/generated
	@mkdir -p $(@D)
	$(call step,CC,$(@F))$(COMPILE) -DPROTOPOOL_MAGAZINE=$* $(CLOSURE) -o $@

# ---- Programs of tests: what check runs, what it leaves to check-long

at = $(foreach s,$(1),$(addprefix $(BUILD)/$s/,$(2)))
PYTHON_TESTS = $(sort $(dir $(wildcard tests/*/test_*.py)))
OF_ENGINE = test_misuse test_parcels test_refusals test_shared test_tails test_texts test_threads test_wire test_packed
OF_PROTOCOLS = $(PROTOCOLS:%=%_check)
SHORT_SUITES = $(call at,plain check1 check2,$(OF_ENGINE) calc_check feed_check) $(call at,plain check2,$(filter-out calc_check,$(OF_PROTOCOLS))) \
    $(call at,plain m1,test_pool test_prefill) $(call at,m1,test_threads)
LONG_SUITES = $(foreach s,$(SHORT_SETTINGS),$(patsubst $(BUILD)/$s/%,$(BUILD)/$s-O2/%,$(filter $(BUILD)/$s/%,$(SHORT_SUITES)))) \
    $(call at,check1-O2,$(filter-out calc_check,$(OF_PROTOCOLS))) $(call at,m1-O2,calc_check) $(call at,m4,test_pool test_threads calc_check) $(call at,plain-O2,test_memory)

MEMCHECK = valgrind -q --error-exitcode=1 --leak-check=full
# What takes hours under valgrind, or measures what valgrind changes.
NOT_UNDER_VALGRIND = %/test_memory $(call at,m1-O2 m4,test_threads)
# make suites ONLY="plain-O2 m4": those of some settings.
ONLY = $(SETTINGS)
TESTED = $(filter $(foreach s,$(ONLY),$(BUILD)/$s/%),$(filter-out $(if $(VALGRIND),$(NOT_UNDER_VALGRIND)),$(LONG_SUITES)))

# $(call BUILD_PROGRAMS,programs) goes on where one does not compile. That one is removed, so that no old one runs.
PARALLEL = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))
BUILD_PROGRAMS = $(MAKE) -k $(PARALLEL) $(1) || for program in $(1); do $(MAKE) -q $$program >/dev/null 2>&1 || rm -f $$program; done

# $(call TEST,arguments of tests/run.py). STEP: test_tails, test_parcels and test_texts try every 97th length only.
TEST = $(FIND_PYTHON); CC="$(CC)" $(if $(VALGRIND),CK_FORK=no CK_DEFAULT_TIMEOUT=0) $(if $(VALGRIND)$(SANITIZE),STEP=97) \
    "$$p" tests/run.py -j $(JOBS) $(if $(VALGRIND),--under '$(MEMCHECK)') $(1)
