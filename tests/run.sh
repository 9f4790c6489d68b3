#!/usr/bin/env bash
# Sets up, builds and runs every test: those of core, io, certify and cli under AddressSanitizer and UBSan, with all
# code that reads foreign bytes or proves something, all of them as released, and a minute of fuzzing for every reader.
set -euo pipefail
cd "$(dirname "$0")/.."
bash src/setup.sh

git ls-files '*.cpp' '*.hpp' '*.cu' | xargs clang-format --dry-run --Werror

bash src/build.sh
# Data that can be fetched; without a network the tests that want them report skipped.
for name in digits shakespeare; do
  build/taut data list | grep -q "^$name .*ready" || build/taut data get "$name" || true
done

bash tests/sanitize.sh test_core test_io test_certify test_cli fuzz_safetensors fuzz_run fuzz_config
# LibTorch's globals would be reported twice, its caches as leaks. To keep whole stacks of who allocated what takes a
# third of the time: who needs them runs a suite with malloc_context_size=30.
(cd build-sanitize && ASAN_OPTIONS=detect_odr_violation=0:detect_leaks=0:malloc_context_size=1 \
  ctest --output-on-failure -j "$(nproc)" -R '^(core|io|certify|cli)\.')
(cd build && ctest --output-on-failure -j "$(nproc)")
bash tests/fuzz.sh 60
