#!/usr/bin/env bash
# bash tests/fuzz.sh [SECONDS [TARGET...]]: fuzzes the readers of foreign bytes (safetensors, run, config) for so long
# each. With clang under libFuzzer, else with a blind mutator; AddressSanitizer and UBSan watch in both cases.
# Finds are left in build-fuzz/.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(safetensors run config)
export TAUT_BUILD=build-fuzz
[ -z "$(command -v clang++)" ] || export CXX=clang++ CC=clang
TAUT_CMAKE="-DTAUT_FUZZ=$(IFS=';'; echo "${targets[*]}") -DTAUT_SANITIZE=address,undefined" \
  bash src/build.sh "${targets[@]/#/fuzz_}"
cd build-fuzz
for target in "${targets[@]}"; do
  mkdir -p "found/$target"
  # LibTorch's own allocations at start are not ours to free.
  ASAN_OPTIONS=detect_leaks=0 "tests/fuzz/fuzz_$target" -max_total_time="$seconds" -rss_limit_mb=4096 \
    "found/$target" "../tests/fuzz/corpus/$target"
done
