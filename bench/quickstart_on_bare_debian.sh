#!/bin/bash
# How long scripts/quickstart takes from nothing: in a Debian 12 that debootstrap has just made, with none of our packages
# and no compiler's cache, on a clone of what is committed here.
#
#   bench/quickstart_on_bare_debian.sh [FOLDER]     as root; FOLDER (a new one in /tmp) is removed afterwards
#
# Nothing outside FOLDER is changed. The time of the mirror is part of what is measured. Needs the package debootstrap.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if ((EUID != 0)) || ! command -v debootstrap > /dev/null; then
    echo "quickstart_on_bare_debian: needs root and the package debootstrap" >&2
    exit 2
fi
folder=${1:-$(mktemp -d /tmp/jobrunner_bare.XXXXXX)}
trap 'rm -rf --one-file-system "$folder"' EXIT

debootstrap --variant=minbase bookworm "$folder" > "$folder.log" 2>&1 || {
    tail -n 20 "$folder.log" >&2
    exit 1
}
rm -f "$folder.log"
git clone --quiet "$top" "$folder/root/jobrunner"
# The way to the mirror is the host's.
cp /etc/resolv.conf /etc/hosts "$folder/etc/"
grep -lZ '^ *Acquire::' /etc/apt/apt.conf.d/* | xargs -0r cp -t "$folder/etc/apt/apt.conf.d"

# In a mount namespace of its own: what is mounted in there goes with it.
# shellcheck disable=SC2016
time unshare --mount --pid --fork --kill-child bash -c '
    mount -t proc proc "$1/proc"
    mount --rbind /dev "$1/dev"
    exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
        ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
        bash -c "cd /root/jobrunner && scripts/quickstart"' _ "$folder"
