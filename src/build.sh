#!/usr/bin/env bash
# bash src/build.sh [TARGET...]: sets up, configures build/ and builds. TAUT_BUILD and TAUT_CMAKE change the
# folder and add options.
set -euo pipefail
cd "$(dirname "$0")/.."
bash src/setup.sh
# shellcheck disable=SC1091
. "${XDG_CACHE_HOME:-$HOME/.cache}/taut/env.sh"
folder=${TAUT_BUILD:-build}
options=(-G Ninja -DCMAKE_PREFIX_PATH="$TAUT_TORCH${CMAKE_PREFIX_PATH:+;${CMAKE_PREFIX_PATH//:/;}}")
# The second is for LibTorch's own search, which else takes the first nvcc on PATH.
[ -z "${CUDA_HOME:-}" ] || options+=(-DCUDAToolkit_ROOT="$CUDA_HOME" -DCUDA_TOOLKIT_ROOT_DIR="$CUDA_HOME")
read -r -a more <<< "${TAUT_CMAKE:-}"
log=$folder/configure.log
mkdir -p "$folder"
if ! cmake -S . -B "$folder" "${options[@]}" "${more[@]}" > "$log" 2>&1; then
  tail -n 30 "$log" >&2
  exit 2
fi
cmake --build "$folder" --parallel "$(nproc)" ${1:+--target "$@"}
