#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Tries the README's two set-up commands as a newcomer does: in a bare Debian with git and make, from a fresh clone of
# what is committed here. Each command gets a root of its own. Needs root and debootstrap. DEBIAN_MIRROR and
# DEBIAN_SUITE may name others.
set -eu
repository=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) # under TMPDIR, where that is set
trap 'umount "$work"/*/proc 2>/dev/null || true; rm -rf "$work"' EXIT

debootstrap --variant=minbase --include=git,make,ca-certificates "${DEBIAN_SUITE:-bookworm}" "$work/base" \
    ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$work/debootstrap.log" || { tail -20 "$work/debootstrap.log"; exit 1; }
for goals in "deps demo" "deps check"; do
    root="$work/$(echo "$goals" | tr ' ' _)"
    cp -a "$work/base" "$root"
    mount -t proc proc "$root/proc"
    if [ -e /etc/apt/apt.conf ]; then cp /etc/apt/apt.conf "$root/etc/apt/"; fi
    cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
    cp /etc/resolv.conf "$root/etc/"
    git clone -q "$repository" "$root/root/protopool"
    # shellcheck disable=SC2086 # the goals are words
    env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" make -C /root/protopool $goals ||
        { echo "bare Debian: make $goals failed"; exit 1; }
    umount "$root/proc"
    echo "bare Debian: make $goals succeeded"
done
