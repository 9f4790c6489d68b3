#!/usr/bin/env bash
# bash tests/reproduce.sh NAME...: trains, certifies and attacks the networks behind one of README's tables and
# prints it. Known: cifar-mlp cifar-pair cifar-levers sst2 nanogpt. Data: TAUT_DATA (README). Runs land in runs/reproduce.
set -euo pipefail
cd "$(dirname "$0")/.."
known="cifar-mlp cifar-pair cifar-levers sst2 nanogpt"
[ $# -gt 0 ] || { echo "reproduce: expected a name; known: $known" >&2; exit 2; }
for name in "$@"; do
  [[ " $known " == *" $name "* ]] || { echo "reproduce: unknown name '$name'; known: $known" >&2; exit 2; }
done
bash src/build.sh taut >&2
mkdir -p runs/reproduce

# run FOLDER PRESET OPTION...: the whole line for one network; certificates for every validation example, attacks on
# 200 of them at the sizes in `sizes`, a summary beside the folder.
sizes=(--threat l2 --eps 36/255,72/255)
run() {
  local folder=runs/reproduce/$1 preset=$2
  build/taut train "$preset" --out "$folder" --force "${@:3}" >&2
  build/taut certify "$folder" --checkpoint last "${sizes[@]}" --json > /dev/null
  build/taut attack "$folder" --checkpoint last "${sizes[@]}" --examples 200 --json > /dev/null
  build/taut compare "$folder" --checkpoint last --json --out "$folder/report" > "$folder.json"
  runs+=("$folder")
}

for name in "$@"; do
  runs=()
  case $name in
    cifar-mlp)
      run cifar-mlp cifar-mlp
      ;;
    cifar-pair)
      run cifar-mlp-robust cifar-mlp-robust
      run cifar-mlp-baseline cifar-mlp-baseline
      ;;
    cifar-levers)
      run robust cifar-mlp-robust
      run relu cifar-mlp-robust --model.activation relu
      run max_min cifar-mlp-robust --model.activation max_min
      run no-margin cifar-mlp-robust --loss.certified_eps 0
      run no-flip cifar-mlp-robust --data.flip false
      run w_max-5 cifar-mlp-robust --constraint.w_max 5
      ;;
    sst2)
      sizes=(--threat every_token --relative true --eps 0.001,0.003,0.01,0.03)
      run sst2 sst2
      run sst2-no-margin sst2 --loss.certified_eps 0
      run sst2-baseline sst2-baseline
      ;;
    nanogpt)  # one step of each, on tokens drawn at random
      python3 tests/random_shards.py runs/reproduce/random-tokens 50257 40000
      for preset in nanogpt nanogpt-baseline; do
        build/taut train "$preset" --data.name shards:runs/reproduce/random-tokens --batch 1 --dry-run
      done
      continue
      ;;
  esac
  python3 tests/reproduce.py "$name" "${runs[@]}"
done
