# SPDX-License-Identifier: Apache-2.0 OR MIT
# Installs the command, what build systems need, and the manual; makes packages. A checkout works without any of these.

#@ Install

.PHONY: install uninstall wheel deb build/install

PREFIX ?= /usr/local
DESTDIR ?=
prefix = $(patsubst ~/%,$(HOME)/%,$(PREFIX))
exec_prefix = $(prefix)
bindir = $(exec_prefix)/bin
libdir = $(exec_prefix)/lib
includedir = $(prefix)/include
datarootdir = $(prefix)/share
datadir = $(datarootdir)
mandir = $(datarootdir)/man
docdir = $(datarootdir)/doc/protopool
cmakedir = $(libdir)/cmake/protopool
pkgconfigdir = $(datadir)/pkgconfig
bashcompletiondir = $(datadir)/bash-completion/completions
INSTALL = install
INSTALL_PROGRAM = $(INSTALL)
INSTALL_DATA = $(INSTALL) -m 644

# Here bin/, gen/, templates/ and cmake/ lie as in the tree. $(bindir)/protopool is a link to the command in it.
HOME_DIR = $(datadir)/protopool
HOME_FOLDERS = bin cmake $(sort $(patsubst %/,%,$(dir $(shell find gen templates -type f -name '*.*' ! -name '*.md' ! -path '*/__pycache__/*'))))
HOME_FILES = $(filter-out %.md,$(wildcard $(1)/*.*))
MADE = build/install

build/install:
	@$(FIND_PYTHON); "$$p" -B -m install $(MADE) prefix="$(prefix)" bindir="$(bindir)" includedir="$(includedir)" cmakedir="$(cmakedir)" \
	    pkgconfigdir="$(pkgconfigdir)" home="$(HOME_DIR)"
	@$(FIND_PYTHON); sed "1s|.*|#!$$("$$p" -c 'import sys; print(sys.executable)')|" bin/protopool >$(MADE)/protopool

install: build/install ## install for all users; PREFIX=/usr/local, DESTDIR=, PYTHON=, and GNU's variables such as bindir
	@$(INSTALL) -d $(foreach d,bindir includedir cmakedir pkgconfigdir bashcompletiondir docdir HOME_DIR,"$(DESTDIR)$($d)") \
	    "$(DESTDIR)$(mandir)/man1" "$(DESTDIR)$(mandir)/man5" $(HOME_FOLDERS:%="$(DESTDIR)$(HOME_DIR)/%")
	$(call copy,$(HOME_DIR))$(foreach d,$(filter-out bin cmake,$(HOME_FOLDERS)),$(INSTALL_DATA) $(call HOME_FILES,$d) "$(DESTDIR)$(HOME_DIR)/$d/" &&) \
	    $(INSTALL_DATA) install/protopoolConfig.cmake $(MADE)/protopoolConfigVersion.cmake "$(DESTDIR)$(HOME_DIR)/cmake/" && \
	    $(INSTALL_DATA) gen/language/schema.json "$(DESTDIR)$(HOME_DIR)/" && \
	    $(INSTALL_PROGRAM) $(MADE)/protopool "$(DESTDIR)$(HOME_DIR)/bin/protopool"
	$(call copy,$(bindir)/protopool)$(FIND_PYTHON); \
	    ln -sf "$$("$$p" -c 'import os, sys; print(os.path.relpath(*map(os.path.realpath, sys.argv[1:])))' "$(DESTDIR)$(HOME_DIR)/bin/protopool" "$(DESTDIR)$(bindir)")" "$(DESTDIR)$(bindir)/"
	$(call copy,$(includedir)/protopool.mk)$(INSTALL_DATA) $(MADE)/protopool.mk "$(DESTDIR)$(includedir)/"
	$(call copy,$(cmakedir))$(INSTALL_DATA) $(MADE)/protopoolConfig.cmake $(MADE)/protopoolConfigVersion.cmake "$(DESTDIR)$(cmakedir)/"
	$(call copy,$(pkgconfigdir)/protopool.pc)$(INSTALL_DATA) $(MADE)/protopool.pc "$(DESTDIR)$(pkgconfigdir)/"
	$(call copy,$(bashcompletiondir)/protopool)$(INSTALL_DATA) $(MADE)/protopool.bash "$(DESTDIR)$(bashcompletiondir)/protopool"
	$(call copy,$(mandir)/man1/protopool.1)$(INSTALL_DATA) $(MADE)/protopool.1 "$(DESTDIR)$(mandir)/man1/"
	$(call copy,$(mandir)/man5/protopool-schema.5)$(INSTALL_DATA) $(MADE)/protopool-schema.5 "$(DESTDIR)$(mandir)/man5/"
	$(call copy,$(docdir))$(INSTALL_DATA) LICENSE-APACHE LICENSE-MIT CHANGELOG.md "$(DESTDIR)$(docdir)/"
	@$(if $(DESTDIR),,$(WARM))
	@rm -rf $(MADE); rmdir build 2>/dev/null || :

copy = $(call step,COPY,$(1))

# The first run keeps compiled templates beside the modules; the users of an installed copy may not be able to. It also shows
# that the copy works.
WARM = "$(bindir)/protopool" generate -q --cpp --bench -o $(MADE)/first --tests $(MADE)/first schema/calc.yaml && "$(bindir)/protopool" --version

uninstall: ## remove what install has installed; with the same variables
	$(call step,RM,$(prefix))rm -f "$(DESTDIR)$(bindir)/protopool" "$(DESTDIR)$(includedir)/protopool.mk" "$(DESTDIR)$(pkgconfigdir)/protopool.pc" \
	    "$(DESTDIR)$(bashcompletiondir)/protopool" "$(DESTDIR)$(mandir)/man1/protopool.1" "$(DESTDIR)$(mandir)/man5/protopool-schema.5" \
	    "$(DESTDIR)$(cmakedir)/protopoolConfig.cmake" "$(DESTDIR)$(cmakedir)/protopoolConfigVersion.cmake" \
	    $(foreach f,LICENSE-APACHE LICENSE-MIT CHANGELOG.md,"$(DESTDIR)$(docdir)/$f") && \
	    rm -rf "$(DESTDIR)$(HOME_DIR)"
	@rmdir "$(DESTDIR)$(mandir)/man1" "$(DESTDIR)$(mandir)/man5" "$(DESTDIR)$(pkgconfigdir)" 2>/dev/null; \
	    for d in "$(DESTDIR)$(cmakedir)" "$(DESTDIR)$(docdir)" "$(DESTDIR)$(bashcompletiondir)"; do \
	        rmdir "$$d" "$$(dirname "$$d")" 2>/dev/null; done; :

# ---- Packages

wheel: ## make a Python package, in build/wheel; needs setuptools and wheel, but no network
	$(call step,WHEEL,build/wheel)$(FIND_PYTHON); rm -rf build/wheel build/lib && "$$p" -m pip -q wheel --no-build-isolation --no-index --no-deps -w build/wheel .
	@ls build/wheel

deb: ## make a Debian package, in build/deb; needs debhelper and dh-python, but no network
	$(call step,DEB,build/deb)sh install/deb.sh build/deb
