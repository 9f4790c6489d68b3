#!/usr/bin/env bash
# bash tests/bench.sh NAME...: runs benchmarks, prints a table of ratios measured in one run, writes
# build/bench-NAME.json. Known: spine kernels train. Exit status 1 when a target is missed.
set -euo pipefail
cd "$(dirname "$0")/.."
known="spine kernels train"
[ $# -gt 0 ] || { echo "bench: expected a name; known: $known" >&2; exit 2; }
for name in "$@"; do
  [[ " $known " == *" $name "* ]] || { echo "bench: unknown name '$name'; known: $known" >&2; exit 2; }
done
TAUT_CMAKE="-DTAUT_BENCH=ON" bash src/build.sh "${@/#/bench_}" >&2
status=0
for name in "$@"; do
  build/tests/bench/"bench_$name" --benchmark_repetitions=5 --benchmark_report_aggregates_only=true \
    --benchmark_out="build/bench-$name.raw.json" --benchmark_out_format=json >&2
  python3 tests/bench/table.py "$name" "build/bench-$name.raw.json" "build/bench-$name.json" || status=1
done
exit $status
