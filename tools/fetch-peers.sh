#!/usr/bin/env bash
# Unpacks Debian packages of the servers that tests and benchmarks run beside mimird into build/peers, without installing
# them: no service of theirs is started on this machine.  fetch-peers.sh PACKAGE...
set -euo pipefail
cd "$(dirname "$0")/.."
peers=$PWD/build/peers
for package in "$@"; do
  [ -e "$peers/.$package" ] && continue
  [ -n "$(apt-cache policy "$package" 2>/dev/null | grep 'Candidate: [^(]')" ] || {
    if [ "$(id -u)" = 0 ]; then apt-get update -q; else sudo apt-get update -q; fi >/dev/null
  }
  work=$(mktemp -d)
  (cd "$work" && apt-get download -q "$package" >log 2>&1) || { cat "$work/log" >&2; echo "could not download $package" >&2; exit 1; }
  mkdir -p "$peers"
  dpkg-deb -x "$work"/*.deb "$peers"
  rm -rf "$work"
  touch "$peers/.$package"
done
