#!/usr/bin/env bash
# bash src/quickstart.sh [digits|text] [--check]
# Trains a constrained and a baseline network, certifies, attacks and compares both. --check also fails
# when the results are not what README promises.
set -euo pipefail
cd "$(dirname "$0")/.."

task=digits check=
for argument in "$@"; do
  case "$argument" in
    digits|text) task=$argument ;;
    --check) check=1 ;;
    *) echo "quickstart: expected digits, text or --check, got '$argument'" >&2; exit 2 ;;
  esac
done

bash src/build.sh taut >&2
taut=build/taut
out=runs/quickstart-$task
start=$SECONDS

if [ "$task" = digits ]; then
  data=digits constrained=digits-vit baseline=digits-vit-baseline
  rows=() attack=(--examples 128 --steps 20 --search 6)
else
  data=shakespeare constrained=shakespeare-gpt baseline=shakespeare-gpt-baseline
  rows=(--examples 32) attack=(--examples 32 --positions 4 --steps 15 --search 6)
fi
"$taut" data list | grep -q "^$data .*ready" || "$taut" data get "$data"

for preset in "$constrained" "$baseline"; do
  "$taut" train "$preset" --out "$out/$preset" --force
  "$taut" certify "$out/$preset" "${rows[@]}"
  "$taut" attack "$out/$preset" "${attack[@]}"
done
"$taut" compare "$out/$constrained" "$out/$baseline" --out "$out/report"
echo "quickstart: $((SECONDS - start)) s after set-up and build; report: $out/report/report.html" >&2

if [ -n "$check" ]; then
  "$taut" compare "$out/$constrained" "$out/$baseline" --out "$out/report" --json 2>/dev/null |
    python3 tests/check_quickstart.py "$task"
fi
