#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# deb.sh FOLDER builds the Debian package of this checkout in the folder. The version is that of gen/__init__.py, the date that
# of CHANGELOG.md, the maintainer DEBFULLNAME and DEBEMAIL. Needs debhelper and dh-python, no network.
set -eu
[ $# = 1 ] || { echo "usage: sh install/deb.sh FOLDER" >&2; exit 2; }
for tool in dpkg-buildpackage dh dh_python3; do
    command -v "$tool" >/dev/null || { echo "make deb: there is no $tool: install debhelper and dh-python" >&2; exit 2; }
done
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' gen/__init__.py)
date=$(sed -n "s/^## $version - //p" CHANGELOG.md)
[ -n "$date" ] || { echo "make deb: CHANGELOG.md has no entry \"## $version - DATE\"" >&2; exit 1; }
maintainer="${DEBFULLNAME:-protopool} <${DEBEMAIL:-protopool@example.org}>"
source=$out/protopool-$version
rm -rf "$source" "$out"/protopool_*
mkdir "$source"
tar -cf - Makefile make bin gen templates install schema docs LICENSE-* CHANGELOG.md | tar -xf - -C "$source" --exclude=__pycache__
mv "$source/install/debian" "$source/debian"
sed '1,2d; s/^$/./; s/^/ /' LICENSE-MIT >>"$source/debian/copyright"
sed -i "s/^Maintainer: .*/Maintainer: $(printf '%s' "$maintainer" | sed 's/[\\&/]/\\&/g')/" "$source/debian/control"
cat >"$source/debian/changelog" <<END
protopool ($version-1) unstable; urgency=low

  * New version: see changelog.gz beside this file.

 -- $maintainer  $(LC_ALL=C date -u -d "$date" -R)
END
cd "$source"
# -d: dpkg would ask for build-essential, but nothing is compiled.
dpkg-buildpackage -d -b -us -uc >"$out/log" 2>&1 || { tail -30 "$out/log" >&2; exit 1; }
ls "$out"/*.deb
