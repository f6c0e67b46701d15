#!/usr/bin/env bash
# Installs the Debian packages that are missing: install-deps.sh [build] [run] [test] [bench] [tidy] [package]
# Asks for root through sudo when it is not root. Does nothing, quickly, when all is there.
set -euo pipefail

build=(
  clang-19 lld-19 libclang-rt-19-dev cmake ninja-build ccache pkg-config
  libboost1.81-dev libboost-url1.81-dev nlohmann-json3-dev libcli11-dev libspdlog-dev libfmt-dev
  doctest-dev libsnappy-dev libzstd-dev zlib1g-dev libxxhash-dev libre2-dev libyaml-cpp-dev libjemalloc-dev
  libssl-dev libsystemd-dev libexpected-dev libbenchmark-dev libsqlitecpp-dev libsqlite3-dev
)
run=(curl)
test=(python3 curl openssl chromium chromium-driver strace dpkg-dev file fish lintian systemd-container zsh)
package=(dpkg-dev file)
bench=(python3 util-linux)
tidy=(clang-tidy-19 clang-format-19)

wanted=()
for group in "$@"; do
  declare -n packages="$group"
  wanted+=("${packages[@]}")
done

missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "installing: ${missing[*]}"
root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "not root, and there is no sudo: install the packages above and try again" >&2; exit 1; }
  root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${root[@]}" apt-get update -q &&
       "${root[@]}" apt-get -o DPkg::Lock::Timeout=900 install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -20 "$log" >&2
  echo "apt-get could not install the packages above" >&2
  exit 1
fi
