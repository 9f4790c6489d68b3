#include "tests/cli/forked.hpp"

#include <ATen/Parallel.h>

#include <csignal>
#include <cstdio>
#include <iostream>

#include "src/cli/program.hpp"

namespace taut::test {
namespace {

// A copy of a process has none of its other threads, and OpenMP would wait for them.
const struct SingleThread {
  SingleThread() { at::set_num_threads(1); }
} single_thread;

// What the test's framework listens to is not for the program.
void forget_signals() {
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
}

void redirect(int stream, const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || dup2(file, stream) < 0) _exit(99);
  close(file);
}

}  // namespace

pid_t start_call(const TempFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "taut");
  std::fflush(nullptr);
  std::cout.flush();
  const pid_t child = fork();
  if (child != 0) return child;
  forget_signals();
  redirect(1, folder / "out");
  redirect(2, folder / "err");
  std::vector<char*> argv;
  for (std::string& word : arguments) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int status = cli::program(static_cast<int>(arguments.size()), argv.data());
  std::fflush(nullptr);
  _exit(status);
}

}  // namespace taut::test
