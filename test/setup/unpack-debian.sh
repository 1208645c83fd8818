#!/bin/sh
# Gets Debian packages, and those they need that are not installed, without being root: unpack-debian.sh FOLDER PACKAGE…
# They end up in FOLDER/root; apt keeps its lists in FOLDER too.
set -e
folder=$1
shift
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/debs" "$folder/root"

apt() {
  apt-get -q -o Dir::State::Lists="$folder/lists" -o Dir::Cache="$folder/cache" -o Debug::NoLocking=1 "$@"
}

apt update
needed=$(apt -s --no-install-recommends install "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
cd "$folder/debs"
# Word splitting is meant: one word a package.
apt download $needed
for package in ./*.deb; do dpkg-deb -x "$package" "$folder/root"; done
