# SPDX-License-Identifier: Apache-2.0 OR MIT
# For GNU make: emits the C of PROTOPOOL_SCHEMAS, again when a schema, what it imports, or the generator has changed.
#
# Set before `include protopool.mk`:
#   PROTOPOOL_SCHEMAS   the schemas. Each has a line `protocol: NAME`
#   PROTOPOOL_OUT       the folder for the C. Default: generated
#   PROTOPOOL_FLAGS     more options of `protopool generate`, such as --cpp and --python
#   PROTOPOOL           the command. Default: that of this copy
# It sets:
#   PROTOPOOL_HEADERS, PROTOPOOL_SOURCES, PROTOPOOL_OBJECTS
#                       what is emitted, and the objects of the sources, in the same folder
#   PROTOPOOL_MODULES   with --python, the modules for Python
#   PROTOPOOL_DISSECTORS  with --wireshark, the dissectors for Wireshark
# and adds -I$(PROTOPOOL_OUT) to CPPFLAGS. Your own objects need the headers first: `main.o: | $(PROTOPOOL_HEADERS)`.

PROTOPOOL_GOAL := $(.DEFAULT_GOAL)
PROTOPOOL_OUT ?= generated
override PROTOPOOL_OUT := $(patsubst %/,%,$(PROTOPOOL_OUT))
PROTOPOOL_HOME := $(dir $(lastword $(MAKEFILE_LIST)))
PROTOPOOL ?= $(PROTOPOOL_HOME)../bin/protopool

# Outputs have the C name of the protocol: c_name, or its name in snake case.
PROTOPOOL_KEY = $(shell sed -n "s/^$(1):[ \t]*[\"']\{0,1\}\([A-Za-z0-9_]*\).*/\1/p" $(2))
PROTOPOOL_SNAKE = $(shell printf '%s\n' '$(1)' | sed -E 's/([a-z0-9])([A-Z])/\1_\2/g; s/([A-Z])([A-Z][a-z])/\1_\2/g' | tr A-Z a-z)
PROTOPOOL_NAMES := $(foreach s,$(PROTOPOOL_SCHEMAS),$(or \
    $(call PROTOPOOL_KEY,c_name,$(s)),$(call PROTOPOOL_SNAKE,$(call PROTOPOOL_KEY,protocol,$(s))), \
    $(error protopool.mk: $(s) has no line `protocol: NAME`, or cannot be read)))
PROTOPOOL_SOURCES := $(patsubst %,$(PROTOPOOL_OUT)/%.c,$(PROTOPOOL_NAMES) protopool)
PROTOPOOL_HEADERS := $(PROTOPOOL_SOURCES:.c=.h) $(if $(filter --cpp,$(PROTOPOOL_FLAGS)),$(PROTOPOOL_SOURCES:.c=.hpp))
PROTOPOOL_MODULES := $(if $(filter --python,$(PROTOPOOL_FLAGS)),$(patsubst %,$(PROTOPOOL_OUT)/%.py,$(PROTOPOOL_NAMES) protopool_runtime))
PROTOPOOL_DISSECTORS := $(if $(filter --wireshark,$(PROTOPOOL_FLAGS)),$(patsubst %,$(PROTOPOOL_OUT)/%.lua,$(PROTOPOOL_NAMES)))
PROTOPOOL_EMITTED := $(PROTOPOOL_SOURCES) $(PROTOPOOL_HEADERS) $(PROTOPOOL_MODULES) $(PROTOPOOL_DISSECTORS)
PROTOPOOL_OBJECTS := $(PROTOPOOL_SOURCES:.c=.o)
CPPFLAGS += -I$(PROTOPOOL_OUT)

# The generator does not touch an output whose text has not changed. So the stamp depends on the schemas, objects on the outputs.
# The stamp's text is what was asked for: other schemas, flags or another command emit again.
PROTOPOOL_STAMP := $(PROTOPOOL_OUT)/.protopool.stamp
PROTOPOOL_ASKED := $(strip $(PROTOPOOL) $(PROTOPOOL_FLAGS) -- $(PROTOPOOL_SCHEMAS))
$(PROTOPOOL_STAMP): $(PROTOPOOL_SCHEMAS)
	@$(PROTOPOOL) generate $(PROTOPOOL_FLAGS) -o $(PROTOPOOL_OUT) --depfile $(PROTOPOOL_STAMP).d --target $@ -- $(PROTOPOOL_SCHEMAS)
	@printf '%s\n' '$(subst ','\'',$(PROTOPOOL_ASKED))' >$@
$(PROTOPOOL_EMITTED): $(PROTOPOOL_STAMP) ;
$(PROTOPOOL_OBJECTS): | $(PROTOPOOL_HEADERS)
-include $(PROTOPOOL_STAMP).d

# An output that is missing is emitted again.
ifneq ($(shell cat $(PROTOPOOL_STAMP) 2>/dev/null)$(filter-out $(wildcard $(PROTOPOOL_EMITTED)),$(PROTOPOOL_EMITTED)),$(PROTOPOOL_ASKED))
.PHONY: $(PROTOPOOL_STAMP)
endif

.DEFAULT_GOAL := $(PROTOPOOL_GOAL)
