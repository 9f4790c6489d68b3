#!/usr/bin/env bash
# bash tests/sanitize.sh TARGET...: builds tests and fuzz targets in build-sanitize/ under AddressSanitizer and UBSan,
# by clang where there is one: it tells libFuzzer where an input has been. What reads foreign bytes or proves something
# is compiled for it (TAUT_INSTRUMENTED), attacks, train and report serve as build/ has them. LibTorch is not
# instrumented either.
set -euo pipefail
cd "$(dirname "$0")/.."
bash src/build.sh taut
if command -v clang++ >/dev/null; then export CXX=clang++ CC=clang; fi
TAUT_BUILD=build-sanitize TAUT_CMAKE="-DTAUT_SANITIZE=address,undefined -DTAUT_FUZZ=safetensors;run;config -DTAUT_PLAIN=$PWD/build -DCMAKE_BUILD_TYPE=Sanitize" \
  bash src/build.sh "$@"
