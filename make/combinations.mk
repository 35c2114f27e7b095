# SPDX-License-Identifier: Apache-2.0 OR MIT
# Every combination of types, as compilers, sanitizers, other machines, Python and Wireshark take it.

.PHONY: combinations

# Three schemas: every combination; some with tags of four bytes; fields that are one of several. Each compiler takes them with
# every warning. Their suites run with the sanitizers. Valgrind sees each message once. Each message is the same on 32-bit and
# big-endian machines, prints and hashes the same there, and is received there and by Python. Wireshark shows it.
A = build/combinations
WIDE = $(A)/wide
ONE_OF = $(A)/one_of
OF_ALL = $(STRICT_C) -O0
SANITIZED = -std=gnu11 -fsanitize=address,undefined -fno-sanitize-recover=all

# Other machines: the prefix of their compiler, and their name in qemu.
MACHINES = i686 powerpc s390x
QEMU_i686 = qemu-i386
QEMU_powerpc = qemu-ppc
QEMU_s390x = qemu-s390x

# What level 1 and 2 add is memory that is checked: a small schema shows it.
ALL_SUITES = $(A)/checked0/all_check $(WIDE)/checked0/all_check $(WIDE)/checked1/all_check $(WIDE)/checked2/all_check $(ONE_OF)/checked1/all_check
ALL_SCHEMAS = $(A) $(WIDE) $(ONE_OF)
PACKED = combinations-packed-big combinations-packed-little combinations-packed-alone
.PHONY: combinations-suites combinations-syntax $(ALL_SCHEMAS:%=%/python) $(ALL_SCHEMAS:%=%/wireshark) $(foreach f,$(ALL_SCHEMAS),$(MACHINES:%=$f/on-%))

# What takes longest is first, which make starts first only if the schemas are there.
combinations: $(ALL_SCHEMAS:%=%/all.h) ## test every combination of types: compile with every warning, run, compare
	@$(MAKE) $(PARALLEL) combinations-suites combinations-syntax $(foreach f,$(ALL_SCHEMAS),$(MACHINES:%=$f/on-%) $f/python $f/wireshark) $(PACKED)

# The tests run in one process: a search for leaks at the end of each would take minutes.
combinations-suites: $(ALL_SUITES)
	@CK_FORK=no; export CK_FORK; $(call TEST,$(ALL_SUITES))

combinations-syntax: $(A)/all.h $(ONE_OF)/all.h
	$(call step,CC,combinations (clang))clang $(OF_ALL) -I$(A) -fsyntax-only $(A)/all.c $(A)/tests/all_check.c && \
	    clang $(OF_ALL) -I$(ONE_OF) -fsyntax-only $(ONE_OF)/all.c
	$(call step,CC,combinations (g++ and clang++))for folder in $(A) $(ONE_OF); do echo '#include "all.hpp"' >$$folder/all.cpp; \
	    for cxx in g++ clang++; do $$cxx $(STRICT_CXX) -I$$folder -fsyntax-only $$folder/all.cpp || exit 1; done; done

# The engine is the same for each schema, so its objects are shared.
$(A)/protopool.o: $(A)/all.h
	$(call step,CC,$(@:$(A)/%=%))gcc $(OF_ALL) -I$(A) -g -c $(A)/protopool.c -o $@

$(MACHINES:%=$(A)/protopool-%.o): $(A)/protopool-%.o: $(A)/all.h
	$(call step,CC,$(@:$(A)/%=%))$*-linux-gnu-gcc $(OF_ALL) -I$(A) -c $(A)/protopool.c -o $@

$(A)/checked%/protopool.o: $(A)/all.h
	@mkdir -p $(@D)
	$(call step,CC,$(@:$(A)/%=%))gcc $(OF_ALL) -I$(A) -DPROTOPOOL_CHECK=$* $(SANITIZED) -c $(A)/protopool.c -o $@

# $(1): the folder of a schema, $(2): the argument of combinations.py, $(3): an option of the generator, $(4): of wireshark_peer.py
define combinations_of
$(1)/all.h: build/generated tests/generator/combinations.py
	@mkdir -p $$(@D)
	$$(call step,GEN,combinations $(2))$$(FIND_PYTHON); PYTHONPATH=tests "$$$$p" tests/generator/combinations.py $(2) >$(1)/all.yaml && \
	    "$$$$p" -m gen -q --touch --bench --python --wireshark $(3) -o $(1) --tests $(1)/tests $(1)/all.yaml

$(1)/checked%/all_check: $(1)/checked%/all_check.o $(1)/checked%/all.o $(A)/checked%/protopool.o
	$$(call step,LD,$$(@:$(A)/%=%))gcc $(SANITIZED) $$^ -o $$@ $$(CHECK_LIBS)

$(1)/checked%/all_check.o: $(1)/all.h
	@mkdir -p $$(@D)
	$$(call step,CC,$$(@:$(A)/%=%))gcc $(OF_ALL) -I$(1) -DPROTOPOOL_CHECK=$$* $(SANITIZED) -c $(1)/tests/all_check.c -o $$@

$(1)/checked%/all.o: $(1)/all.h
	@mkdir -p $$(@D)
	$$(call step,CC,$$(@:$(A)/%=%))gcc $(OF_ALL) -I$(1) -DPROTOPOOL_CHECK=$$* $(SANITIZED) -c $(1)/all.c -o $$@

$(1)/all.o: $(1)/all.h
	$$(call step,CC,$$(@:$(A)/%=%))gcc $(OF_ALL) -I$(1) -g -c $(1)/all.c -o $$@

$(1)/combined $(1)/python_peer: $(1)/%: tests/generator/%.c $(1)/all.o $(A)/protopool.o
	$$(call step,LD,$$(@:$(A)/%=%))gcc $(OF_ALL) -I$(1) -g $$(filter-out %.h,$$^) -o $$@
$(1)/combined: tests/generator/sent.h

# What this machine prints and sends, which the others are compared with.
$(1)/sent: $(1)/combined
	$$(call step,TEST,$$(@:$(A)/%=%) (valgrind))$(MEMCHECK) $$< $$@ >$(1)/expected

$(1)/python: $(1)/python_peer $(1)/sent
	$$(call step,TEST,combinations $(2) (Python))$$(FIND_PYTHON); "$$$$p" tests/generator/python_peer.py $(1) $$^

$(1)/wireshark: $(1)/sent
	$$(call step,TEST,combinations $(2) (Wireshark))$$(FIND_PYTHON); PYTHONPATH=tests "$$$$p" tests/generator/wireshark_peer.py $(1) $$^ $(1)/expected $(4)

$(MACHINES:%=$(1)/on-%): $(1)/on-%: $(1)/sent $(A)/protopool-%.o
	$$(call step,TEST,combinations $(2) ($$*))$$*-linux-gnu-gcc $(OF_ALL) -I$(1) -static tests/generator/combined.c $(1)/all.c $(A)/protopool-$$*.o -o $(1)/combined-$$* && \
	    $$(QEMU_$$*) $(1)/combined-$$* $(1)/sent-$$* $(1)/sent | diff $(1)/expected - && cmp $(1)/sent $(1)/sent-$$*
endef
$(eval $(call combinations_of,$(A),,--cpp,))
$(eval $(call combinations_of,$(WIDE),wide,,3))
$(eval $(call combinations_of,$(ONE_OF),one_of,--cpp,9))

# The same as packed messages: big-endian, little-endian, and without a tag, where the last tails have no length. Each is received as it was
# sent by another machine, and Python receives, refuses and sends the same.
.PHONY: $(PACKED)
PACK = $(A)/packed_$*
# Each on one other machine: the order of its bytes is that of the messages, or not.
PACKED_ON = $(if $(filter big,$*),powerpc,$(if $(filter little,$*),s390x,i686))
STRICT_PACKED = $(STRICT_C) -O0 -DPACKED $(if $(filter alone,$*),-DALONE) -I$(PACK)

$(PACKED): combinations-packed-%: $(A)/checked0/protopool.o $(MACHINES:%=$(A)/protopool-%.o)
	@mkdir -p $(PACK)
	$(call step,GEN,combinations (packed, $*))$(FIND_PYTHON); PYTHONPATH=tests "$$p" tests/generator/combinations.py packed_$* >$(PACK)/all.yaml && \
	    "$$p" -m gen -q --touch --bench --python --wireshark -o $(PACK) $(PACK)/all.yaml
	$(call step,TEST,combinations (packed, $*))gcc $(STRICT_PACKED) $(SANITIZED) -c $(PACK)/all.c -o $(PACK)/all.o && for program in combined python_peer; do \
	    gcc $(STRICT_PACKED) -fsanitize=address,undefined tests/generator/$$program.c $(PACK)/all.o $(A)/checked0/protopool.o -o $(PACK)/$$program || exit 1; done && \
	    $(PACK)/combined $(PACK)/sent >$(PACK)/expected
	$(call step,TEST,combinations (packed, $*, Python))$(FIND_PYTHON); "$$p" tests/generator/python_peer.py $(PACK) $(PACK)/python_peer $(if $(filter alone,$*),"",$(PACK)/sent) 2 1
	$(call step,TEST,combinations (packed, $*, Wireshark))$(FIND_PYTHON); PYTHONPATH=tests "$$p" tests/generator/wireshark_peer.py $(PACK) $(if $(filter alone,$*),"" "",$(PACK)/sent $(PACK)/expected)
	$(call step,TEST,combinations (packed, $*, $(PACKED_ON)))$(PACKED_ON)-linux-gnu-gcc $(STRICT_PACKED) -static tests/generator/combined.c $(PACK)/all.c \
	    $(A)/protopool-$(PACKED_ON).o -o $(PACK)/combined_other && \
	    $(QEMU_$(PACKED_ON)) $(PACK)/combined_other $(PACK)/sent_other $(PACK)/sent | diff $(PACK)/expected - && cmp $(PACK)/sent $(PACK)/sent_other
