#!/bin/sh
# Run scripts/test.sh on Debian 13 (oneDNN 3) in a folder into which debootstrap installs it.
#
#   scripts/test-debian13.sh [FOLDER]      the folder is kept and reused
#
# Needs root, debootstrap and the network; without one of them, prints the reason and succeeds.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-$PWD/build/debian13}

skip() {
    echo "skipped: the tests on Debian 13: $1"
    exit 0
}

[ "$(id -u)" = 0 ] || skip "not root"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"

# Use the mirror of this machine's apt.
mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian //p' | head -n 1)
[ -n "$mirror" ] || skip "apt has no Debian mirror"

mkdir -p "$folder"
if [ ! -e "$folder/ready" ]; then
    echo "Filling $folder with Debian 13"
    debootstrap --variant=minbase trixie "$folder" "$mirror" >"$folder.log" 2>&1 ||
        skip "debootstrap failed, see $folder.log"
    touch "$folder/ready"
fi

leave() {
    for mounted in dev/pts dev proc; do umount "$folder/$mounted" 2>/dev/null || true; done
}
trap leave EXIT
trap 'exit 130' INT TERM
mount -t proc proc "$folder/proc" 2>/dev/null || skip "cannot mount /proc"
mount --bind /dev "$folder/dev" 2>/dev/null || skip "cannot mount /dev"
mount --bind /dev/pts "$folder/dev/pts" 2>/dev/null || skip "cannot mount /dev/pts"

# Copy this machine's network settings for apt into the folder.
cp /etc/resolv.conf "$folder/etc/resolv.conf"
for file in $(grep -lis 'proxy\|Verify' /etc/apt/apt.conf.d/* /etc/apt/apt.conf || true); do
    cp "$file" "$folder/etc/apt/apt.conf.d/"
done

# Copy the tracked and the untracked, not ignored files; keep the folder's build for the next time.
rm -rf "$folder/src.new"
mkdir -p "$folder/src.new" "$folder/src"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - |
    tar -C "$folder/src.new" -xf -
if [ -d "$folder/src/build" ]; then mv "$folder/src/build" "$folder/src.new/build"; fi
rm -rf "$folder/src"
mv "$folder/src.new" "$folder/src"
chroot "$folder" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" sh /src/scripts/test.sh
