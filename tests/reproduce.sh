#!/usr/bin/env bash
# bash tests/reproduce.sh NAME...: trains, certifies and attacks the networks behind one of README's tables and
# prints it. Known: cifar-mlp cifar-pair. Data: TAUT_DATA (README). Runs land in runs/reproduce.
set -euo pipefail
cd "$(dirname "$0")/.."
known="cifar-mlp cifar-pair"
[ $# -gt 0 ] || { echo "reproduce: expected a name; known: $known" >&2; exit 2; }
for name in "$@"; do
  [[ " $known " == *" $name "* ]] || { echo "reproduce: unknown name '$name'; known: $known" >&2; exit 2; }
done
bash src/build.sh taut >&2
mkdir -p runs/reproduce

# run PRESET: the whole line for one network; certificates for every validation image, attacks on 200 of them.
run() {
  local folder=runs/reproduce/$1
  build/taut train "$1" --out "$folder" --force >&2
  build/taut certify "$folder" --checkpoint last --threat l2 --eps 36/255,72/255 --json > /dev/null
  build/taut attack "$folder" --checkpoint last --threat l2 --eps 36/255,72/255 --examples 200 --json > /dev/null
}

for name in "$@"; do
  case $name in
    cifar-mlp) runs=(cifar-mlp) ;;
    cifar-pair) runs=(cifar-mlp-robust cifar-mlp-baseline) ;;
  esac
  for preset in "${runs[@]}"; do run "$preset"; done
  for preset in "${runs[@]}"; do
    build/taut compare "runs/reproduce/$preset" --eps 36/255,72/255 --json \
      --out "runs/reproduce/report-$preset" > "runs/reproduce/$preset.json"
  done
  python3 tests/reproduce.py "$name" "${runs[@]/#/runs/reproduce/}"
done
