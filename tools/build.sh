#!/usr/bin/env bash
# Configures and builds one preset: build.sh PRESET JOBS [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1 jobs=$2
shift 2
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset "$preset" >/dev/null
dir=build
[ "$preset" = release ] || dir=build-$preset
cmake --build "$dir" -j "$jobs" ${1:+--target "$@"}
