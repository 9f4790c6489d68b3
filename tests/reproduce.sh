#!/usr/bin/env bash
# bash tests/reproduce.sh NAME...: trains, certifies and attacks the networks behind one of README's tables and
# prints it. Known: see `known`. Data: TAUT_DATA (README). Runs land in runs/reproduce.
set -euo pipefail
cd "$(dirname "$0")/.."
known="cifar-mlp cifar-pair cifar-levers frontier sst2 shakespeare shakespeare-no-margin shakespeare-accurate shakespeare-adamw shakespeare-muon shakespeare-levers shakespeare-cap-levers shakespeare-shape-levers shakespeare-bounds nanogpt"
[ $# -gt 0 ] || { echo "reproduce: expected a name; known: $known" >&2; exit 2; }
for name in "$@"; do
  [[ " $known " == *" $name "* ]] || { echo "reproduce: unknown name '$name'; known: $known" >&2; exit 2; }
done
bash src/build.sh taut >&2
mkdir -p runs/reproduce

# run FOLDER PRESET OPTION...: the whole line for one network; certificates for every validation example, attacks on
# some of them at the sizes in `sizes`, a summary beside the folder; before that, accuracy on the first of them alone,
# as many as `slices` names.
defaults() {
  checkpoint=last
  sizes=(--threat l2 --eps 36/255,72/255)
  attacked=(--examples 200)
  slices=()
  runs=()
}
run() {
  local folder=runs/reproduce/$1 preset=$2 first
  build/taut train "$preset" --out "$folder" --force "${@:3}" >&2
  for first in "${slices[@]}"; do
    build/taut certify "$folder" --checkpoint $checkpoint "${sizes[@]}" --examples $first --json > "$folder.first-$first.json"
  done
  build/taut certify "$folder" --checkpoint $checkpoint "${sizes[@]}" --json > /dev/null
  build/taut attack "$folder" --checkpoint $checkpoint "${sizes[@]}" "${attacked[@]}" --json > /dev/null
  build/taut compare "$folder" --checkpoint $checkpoint --json --out "$folder/report" > "$folder.json"
  runs+=("$folder")
}

# The same for a text. Its first 6 and 41 windows of 256 characters are what the source measured on (1,535 characters,
# or 10,495). 64 rows are attacked.
text() {
  checkpoint=best
  sizes=(--threat every_token --relative true --eps 0.001,0.003,0.01)
  attacked=(--examples 16 --positions 4 --steps 10 --search 6)
  slices=(6 41)
  run "$@"
  build/taut inspect "runs/reproduce/$1" --threat every_token --json > "runs/reproduce/$1.inspect.json"
}

# lever NAME OPTION...: a short run of the certified GPT with 8 heads and something changed, certified on 12,800
# characters and not attacked.
lever() {
  local folder=runs/reproduce/lever-$1
  build/taut train shakespeare-gpt-2m --model.heads 8 --slices 1 --steps 400 --data.context 128 --evaluate_every 400 \
    --evaluate_examples 871 --out "$folder" --force "${@:2}" >&2
  build/taut certify "$folder" --threat every_token --relative true --eps 0.001,0.003,0.01 --examples 100 --json > "$folder.json"
  runs+=("$folder")
}

for name in "$@"; do
  defaults
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
    frontier)  # 45 short runs: accuracy against the bound, as a plot
      bash tests/frontier.sh runs/reproduce/frontier > runs/reproduce/frontier.toml
      build/taut sweep runs/reproduce/frontier.toml >&2
      for folder in runs/reproduce/frontier/*/; do
        build/taut certify "$folder" --checkpoint last --threat l2 --json > /dev/null
      done
      build/taut compare --frontier runs/reproduce/frontier/*/ --checkpoint last --relative_eps 0.002547 --out runs/reproduce/frontier.svg
      continue
      ;;
    shakespeare)
      python3 tests/ngram.py "${TAUT_DATA:?}/tinyshakespeare/input.txt"
      text shakespeare shakespeare-gpt-2m
      ;;
    shakespeare-no-margin)
      text "$name" shakespeare-gpt-2m --loss.certified_eps 0 --model.residual_add 0.5
      ;;
    shakespeare-accurate)  # accuracy at a small bound to the last hidden token, at the price of all radii
      text "$name" shakespeare-gpt-2m --loss.certified_eps 0 --loss.smoothing 0.1 --model.output_scale 1000 \
        --model.token_shift 1 --constraint.w_max 1.27 --optimizer.lr 0.02
      ;;
    shakespeare-adamw)
      text "$name" shakespeare-gpt-2m-baseline --slices 1
      ;;
    shakespeare-muon)
      text "$name" shakespeare-gpt-2m-baseline --slices 1 --optimizer.name muon --optimizer.lr 0.03 --schedule linear --warmup 0
      ;;
    shakespeare-levers)
      lever as-it-is
      lever no-margin --loss.certified_eps 0
      lever zero-outputs --model.zero_outputs true
      lever residual-.5 --model.residual_add 0.5
      lever relu --model.activation relu
      lever no-position-bias --model.position_bias false
      lever logit-scale-2 --model.logit_scale 2
      lever expansion-2 --model.expansion 2
      python3 tests/reproduce.py levers "${runs[@]}"
      continue
      ;;
    shakespeare-cap-levers)
      lever max_min --model.activation max_min
      lever query-key-clamp-1 --model.query_key_clamp 1
      lever value-cap-1.4 --constraint.w_max_value 1.4
      lever query-key-cap-1.4 --constraint.w_max_query_key 1.4
      python3 tests/reproduce.py levers "${runs[@]}"
      continue
      ;;
    shakespeare-shape-levers)
      lever deep --model.blocks 6 --model.width 184
      lever heads-4 --model.heads 4
      lever heads-16 --model.heads 16
      lever output-scale-30 --model.output_scale 30
      lever output-scale-1000 --model.output_scale 1000
      lever token-shift-1 --model.token_shift 1
      lever token-shift-3 --model.token_shift 3
      python3 tests/reproduce.py levers "${runs[@]}"
      continue
      ;;
    shakespeare-bounds)  # short runs under five caps, certified on 12,800 characters
      folder=runs/reproduce/shakespeare-bounds
      cat > $folder.toml <<EOF
base = "shakespeare-gpt-2m"
out = "$folder"
set.model.heads = 8
set.slices = 1
set.steps = 400
set.data.context = 128
set.evaluate_every = 400
set.evaluate_examples = 871
set.loss.certified_eps = 0
grid.constraint.w_max = [0.7, 1.0, 1.4, 2.0, 2.8]
EOF
      build/taut sweep $folder.toml >&2
      for run in $folder/*/; do
        build/taut certify "$run" --threat every_token --examples 100 --json > /dev/null
        build/taut inspect "$run" --threat every_token --json > "${run%/}.inspect.json"
      done
      build/taut compare --frontier $folder/*/ --relative_eps 0.003 --json > $folder.json
      python3 tests/reproduce.py bounds $folder
      continue
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
