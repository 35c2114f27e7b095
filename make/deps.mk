# SPDX-License-Identifier: Apache-2.0 OR MIT
# What a fresh machine needs, by Debian's names.

DEPS = gcc libc6-dev make python3 python3-jinja2 python3-yaml check pkg-config valgrind
DEPS_CI = python3-jsonschema python3-protobuf python3-scapy protobuf-compiler cmake ninja-build g++ clang libclang-rt-dev clang-format clang-tidy pyflakes3 mypy shellcheck gcc-i686-linux-gnu \
    g++-i686-linux-gnu libc6-dev-i386-cross gcc-powerpc-linux-gnu libc6-dev-powerpc-cross gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user \
    gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm musl-tools tcc \
    gcc-mingw-w64-x86-64-posix g++-mingw-w64-x86-64-posix gcc-mingw-w64-i686-posix wine wine64 \
    libzmq3-dev tshark \
    mandoc meson debhelper dh-python lintian python3-setuptools python3-wheel python3-pip python3-venv
# The benchmark leaves out the allocators that are missing.
DEPS_BENCH = python3-scipy python3-matplotlib python3-tqdm libjemalloc-dev libmimalloc-dev libgoogle-perftools-dev util-linux \
    g++ nanopb libnanopb-dev protobuf-compiler protobuf-c-compiler libprotobuf-c-dev

INSTALL_PACKAGES = missing=; for p in $(1); do \
	    [ "$$(dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null)" = installed ] || missing="$$missing $$p"; done; \
	[ -n "$$missing" ] || exit 0; \
	if ! command -v apt-get >/dev/null; then \
	    echo "make: there is no apt-get here: install with your package manager (Debian's names):$$missing" >&2; exit 1; fi; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	if [ -n "$$sudo" ] && ! command -v sudo >/dev/null; then \
	    echo "make: you are not root and there is no sudo; as root: apt-get install$$missing" >&2; exit 1; fi; \
	echo "installing:$$missing"; \
	$$sudo apt-get -q update && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $$missing
