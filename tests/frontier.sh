#!/usr/bin/env bash
# bash tests/frontier.sh OUT: a grid for `taut sweep` on standard output. Every method of Newhouse et al. 2025 under
# Muon and AdamW at three strengths, 45 short runs of the CIFAR-10 MLP into OUT.
set -euo pipefail

cat <<EOF
base = "cifar-mlp"
out = "$1"
set.slices = 1
set.steps = 400
set.evaluate_every = 400
set.checkpoint_every = 400
set.data.flip = false
set.loss.certified_eps = 0
EOF

# point OPTIMIZER LR NAME KEY=VALUE...
point() {
  printf '\n[[point]]\nname = "%s-%s"\noptimizer.name = "%s"\noptimizer.lr = %s\n' "$1" "$3" "$1" "$2"
  printf '%s\n' "${@:4}"
}

methods() {
  local optimizer=$1 lr=$2 decays=$3 name w strength
  for strength in 0.3 1 3; do
    point "$optimizer" "$(awk "BEGIN { print $lr * $strength }")" "none-$strength" 'constraint.name = "none"'
  done
  for strength in $decays; do
    point "$optimizer" "$lr" "weight_decay-$strength" 'constraint.name = "none"' "optimizer.weight_decay = $strength"
    point "$optimizer" "$lr" "spectral_weight_decay-$strength" 'constraint.name = "spectral_weight_decay"' \
      "constraint.decay = $strength"
  done
  for w in 2 4 8; do
    for name in spectral_normalize stiefel hammer hard_cap soft_cap; do
      [ "$optimizer $name" != "adamw soft_cap" ] || continue  # its theorem needs steps of bounded norm
      point "$optimizer" "$lr" "$name-$w" "constraint.name = \"$name\"" "constraint.w_max = $w" "constraint.w_max_head = $w"
    done
  done
}

methods muon 0.1 "0.1 0.3 1"
methods adamw 0.002 "1 10 30"
