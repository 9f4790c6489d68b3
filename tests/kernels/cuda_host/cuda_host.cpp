#include <cstdio>
#include <cstring>

#include "checks.hpp"
#include "planted.hpp"

// Executes the CUDA kernels on the CPU against double precision references. No LibTorch and no test
// framework, so that a sanitizer sees nothing but our kernels.
//   cuda_host                every check; exit status 1 if one fails
//   cuda_host races          a few shapes that take every path: race detection is slow
//   cuda_host PLANTED        one faulty kernel, for ThreadSanitizer or the emulation to find
namespace taut::test {
namespace {

int failed = 0;

}  // namespace

void check(bool holds, const std::string& what) {
  if (holds) return;
  ++failed;
  std::printf("failed: %s\n", what.c_str());
}

int failures() { return failed; }

}  // namespace taut::test

int main(int count, char** words) {
  using namespace taut::test;
  const bool races = count > 1 && std::strcmp(words[1], "races") == 0;
  if (count > 1 && !races) return run_planted(words[1]) ? 0 : 2;
  machine_checks();
  if (races) {
    race_checks();
  } else {
    polynomial_checks();
    row_laws();
    spectral_laws();
    ball_laws();
    compare_checks();
  }
  std::printf("%d checks failed\n", failures());
  return failures() == 0 ? 0 : 1;
}
