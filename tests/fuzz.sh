#!/usr/bin/env bash
# bash tests/fuzz.sh [SECONDS [TARGET...]]: fuzzes the readers of foreign bytes (safetensors, run, config) for so long
# each, all at once. With clang under libFuzzer, else with a blind mutator; AddressSanitizer and UBSan watch in both
# cases. Inputs and finds are kept in build-sanitize/: the corpus in tests/ stays as it is.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(safetensors run config)
bash tests/sanitize.sh "${targets[@]/#/fuzz_}"
cd build-sanitize

fuzz() {
  mkdir -p "inputs/$1" "finds/$1"
  # LibTorch's own allocations at start are not ours to free. A reader that takes seconds over one input is a find.
  OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0 "tests/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=4096 -artifact_prefix="finds/$1/" "inputs/$1" "../tests/fuzz/corpus/$1" > "$1.log" 2>&1
}

declare -A started
for target in "${targets[@]}"; do
  fuzz "$target" &
  started[$target]=$!
done
status=0
for target in "${targets[@]}"; do
  if wait "${started[$target]}"; then
    printf 'fuzz %s: %s\n' "$target" "$(tail -n 1 "$target.log")"
  else
    printf 'fuzz %s: a find\n' "$target"
    tail -n 60 "$target.log"
    status=1
  fi
done
exit "$status"
