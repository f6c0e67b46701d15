#!/usr/bin/env bash
# Every test: all of the release build; units, conformance and fuzz replays under ASan+UBSan and TSan.
#   test.sh            all three
#   test.sh release    one of release, asan, tsan
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)

run() {  # run PRESET CTEST-ARGUMENTS...
  local preset=$1 dir=build
  shift
  [ "$preset" = release ] || dir=build-$preset
  echo "== $preset"
  tools/build.sh "$preset" "$jobs"
  ctest --test-dir "$dir" --output-on-failure -j "$jobs" "$@"
}

for preset in ${1:-release asan tsan}; do
  case $preset in
    release) run release ;;
    asan) ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 run asan -L 'unit|fuzz|sanitized' ;;
    tsan) TSAN_OPTIONS=halt_on_error=1 run tsan -L 'unit|sanitized' ;;
    *) echo "unknown part: $preset (release, asan, tsan)" >&2; exit 2 ;;
  esac
done
