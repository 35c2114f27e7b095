# SPDX-License-Identifier: Apache-2.0 OR MIT
# protopool: generates C from the schemas in schema/, builds it, tests it. `make help` lists the targets.
#
# Here stands what users call. make/rules.mk compiles; make/bench.mk measures; make/ci.mk and make/combinations.mk have what only CI runs.

ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS ?= -O2 -g
SANITIZE ?=
VALGRIND ?=
MESSAGES ?= 5000000
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: all help build demo clean deps deps-ci deps-bench generate fresh check check-long check-user suites
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# `make deps demo` installs first, also under -j.
ifneq ($(filter deps deps-ci deps-bench,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

# $(call step,CC,calc.o)COMMAND prints one short line in place of the command, which V=1 and -n print.
SHOW = $(V)$(findstring n,$(firstword -$(MAKEFLAGS)))
step = $(if $(SHOW),,@printf '  %-5s %s\n' '$(1)' '$(2)';)

# An interpreter that can import what the generator needs; looked for when a recipe runs, after `deps`.
PYTHON ?=
FIND_PYTHON = for p in $(PYTHON) /usr/bin/python3 python3; do "$$p" -c 'import sys, jinja2, yaml; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && break; p=; done; \
    [ -n "$$p" ] || { echo "make: no python3 here has jinja2 and yaml: run make deps" >&2; exit 2; }

#@ Build and run

all: build ## generate, and build the examples (the default)

help: ## list the targets
	@awk -F ':.*## ' '/^#@ /{print "\n" substr($$0, 4)} /^[a-z-]+:.*## /{printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nVariables: V=1 shows the commands; CC, CFLAGS, SANITIZE, VALGRIND, PYTHON, JOBS, MESSAGES (of demo)\n'

include make/deps.mk make/rules.mk

build: $(EXAMPLES)

demo: build ## run the four examples, and explain what each shows
	@sh examples/demo.sh $(BUILD) $(MESSAGES)

generate: build/generated ## write generated/ from schema/

deps: ## install what build, demo and check need (apt; elsewhere it names the packages)
	@$(call INSTALL_PACKAGES,$(DEPS))

clean: ## remove what was built
	rm -rf build

#@ Test

ifdef SCHEMA
check: check-user
else
check: generate ## run all tests but the long ones, in at most 90 seconds; SCHEMA=mine.yaml: the tests of your schema
	@$(call BUILD_PROGRAMS,$(SHORT_SUITES) $(BUILD)/closure1)
	@STEP=97; export STEP; $(call TEST,$(PYTHON_TESTS) $(SHORT_SUITES) '$(BUILD)/closure1 4')
endif

check-long: generate ## run the long tests: every state, every interleaving, memory, random schemas
	@$(call BUILD_PROGRAMS,$(LONG_SUITES) $(CLOSURES))
	@$(call TEST,--long $(PYTHON_TESTS) $(LONG_SUITES) $(CLOSURES:%='% 8'))

suites: generate ## run the tests in C alone; CC=clang, SANITIZE=address,undefined, VALGRIND=1, ONLY="plain-O2 m4"
	@$(call BUILD_PROGRAMS,$(TESTED))
	@$(call TEST,$(TESTED))

# Touches nothing but build/user.
check-user:
	$(call step,GEN,$(SCHEMA))$(FIND_PYTHON); rm -rf build/user; "$$p" -m gen -q -o build/user --tests build/user/tests "$(SCHEMA)"
	@set -e; for source in build/user/tests/*_check.c; do \
	    name=$${source##*/}; name=$${name%_check.c}; \
	    echo "  CC    $${name}_check"; \
	    $(COMPILE) -O0 -Ibuild/user "$$source" "build/user/$$name.c" build/user/protopool.c -o "build/user/$${name}_check" $(CHECK_LIBS); \
	done
	@$(call TEST,build/user/*_check)

include make/install.mk make/bench.mk make/ci.mk make/combinations.mk
