#!/usr/bin/env bash
# Everything taut needs on Debian 12, as root or with sudo: packages, and LibTorch in a per-user cache.
# Quick when nothing is missing. Writes what the build must know to $cache/env.sh.
set -euo pipefail

torch_version=2.11.0
cuda_version=13.0.2
cache=${XDG_CACHE_HOME:-$HOME/.cache}/taut
mkdir -p "$cache"

packages=(g++ cmake ninja-build ccache git python3-venv clang clang-format libclang-rt-dev gnuplot-nox libboost-test-dev
  libcli11-dev libtomlplusplus-dev libhdf5-dev nlohmann-json3-dev libfmt-dev libbenchmark-dev libopenblas-serial-dev zlib1g-dev libssl-dev libpcre2-dev
  libopenmpi-dev openmpi-bin)

say() { printf 'setup: %s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else say "not root and no sudo; ask an administrator to run: $*"; exit 2; fi
}

install_packages() {
  local missing=()
  mapfile -t missing < <(comm -13 \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^installed //p' | sort) \
    <(printf '%s\n' "${packages[@]}" | sort))
  [ ${#missing[@]} = 0 ] && return
  say "installing Debian packages: ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# The first LibTorch >= 2.4 on CMAKE_PREFIX_PATH, if any.
own_torch() {
  local folder version
  while IFS= read -r folder; do
    version=$(sed -n 's/.*PACKAGE_VERSION "\([0-9.]*\).*/\1/p' "$folder/share/cmake/Torch/TorchConfigVersion.cmake" 2>/dev/null | head -n 1)
    if [ -n "$version" ] && [ "$(printf '2.4\n%s\n' "$version" | sort -V | head -n 1)" = 2.4 ]; then
      printf '%s\n' "$folder"; return
    fi
  done < <(printf '%s\n' "${CMAKE_PREFIX_PATH:-}" | tr ':;' '\n\n')
}

# A virtual environment of our own: the user's Python is never touched.
install_torch() {
  local python=$cache/python
  if ! "$python/bin/python" -c "import importlib.metadata as m; assert m.version('torch').split('+')[0] == '$torch_version'" 2>/dev/null; then
    say "installing LibTorch $torch_version into $python (4.7 GB, a few minutes)"
    [ -x "$python/bin/pip" ] || /usr/bin/python3 -m venv "$python"
    "$python/bin/pip" install -q --no-input "torch==$torch_version"
  fi
  packages_of "$python"
}
packages_of() { echo "$1"/lib/python3.*/site-packages; }

# nvcc >= 12.8 (sm_100) of the machine.
system_nvcc() {
  local nvcc version
  for nvcc in "${CUDACXX:-}" "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc; do
    [ -x "$nvcc" ] || continue
    version=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\),.*/\1/p')
    if [ "$(printf '12.8\n%s\n' "$version" | sort -V | head -n 1)" = 12.8 ]; then printf '%s\n' "$nvcc"; return; fi
  done
}

# LibTorch's CUDA build does not configure without a toolkit; the wheels bring one without the
# unversioned names that a linker looks for.
install_nvcc() {
  local toolkit=$1/nvidia/cu13 library name
  if [ ! -x "$toolkit/bin/nvcc" ]; then
    say "no nvcc >= 12.8 here: installing one into $toolkit"
    "$cache/python/bin/pip" install -q --no-input "cuda-toolkit[nvcc,crt,cccl,nvvm]==$cuda_version"
  fi
  ln -sfn lib "$toolkit/lib64"
  for name in cudart nvrtc cublas cublasLt cufft curand cusparse cusolver cupti nvJitLink; do
    library=$(cd "$toolkit/lib" && ls "lib$name".so.* 2>/dev/null | head -n 1)
    [ -z "$library" ] || ln -sfn "$library" "$toolkit/lib/lib$name.so"
  done
  printf '%s\n' "$toolkit/bin/nvcc"
}

write_env() {
  local torch=$1 nvcc=$2
  {
    printf 'export TAUT_TORCH=%q\n' "$torch"
    if [ -n "$nvcc" ]; then
      printf 'export CUDACXX=%q CUDA_HOME=%q\n' "$nvcc" "$(dirname "$(dirname "$(readlink -f "$nvcc")")")"
    fi
  } > "$cache/env.sh.new"
  mv "$cache/env.sh.new" "$cache/env.sh"
}

install_packages
torch=$(own_torch)
nvcc=$(system_nvcc)
if [ -n "$torch" ]; then
  say "using LibTorch in $torch"
  if [ -z "$nvcc" ] && [ -e "$torch/lib/libtorch_cuda.so" ]; then
    say "it is built with CUDA and does not configure without nvcc >= 12.8: install one or take a LibTorch for CPUs"
    exit 2
  fi
else
  site=$(install_torch)
  torch=$site/torch
  [ -n "$nvcc" ] || nvcc=$(install_nvcc "$site")
fi
write_env "$torch" "$nvcc"
say "ready: LibTorch in $torch, nvcc ${nvcc:-not present (no CUDA kernels)}"
