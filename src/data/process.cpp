#include "src/data/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "src/core/error.hpp"

extern char** environ;

namespace taut::data {
namespace {

std::string read_all(int descriptor) {
  std::string out;
  std::array<char, 4096> chunk;
  for (;;) {
    const ssize_t got = read(descriptor, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return out;
    out.append(chunk.data(), static_cast<size_t>(got));
  }
}

// posix_spawn rather than fork and exec: LibTorch's threads run, and between fork and exec only
// async-signal-safe calls would be allowed; it also reports a missing program as an error here.
pid_t spawn(const std::vector<std::string>& arguments, int output) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t child = 0;
  errno = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return errno == 0 ? child : -1;
}

}  // namespace

Outcome run_process(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  require(pipe2(ends.data(), O_CLOEXEC) == 0, "cannot open a pipe: {}", std::strerror(errno));
  const pid_t child = spawn(arguments, ends[1]);
  const int problem = errno;
  close(ends[1]);
  Outcome outcome;
  if (child > 0) outcome.output = read_all(ends[0]);
  close(ends[0]);
  require(child > 0, "cannot start {}: {}", arguments.front(), std::strerror(problem));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

std::string last_line(const std::string& output) {
  const size_t end = output.find_last_not_of(" \t\r\n");
  if (end == std::string::npos) return "";
  const size_t start = output.find_last_of("\r\n", end);
  return output.substr(start + 1, end - start);  // npos + 1 = 0: the only line
}

}  // namespace taut::data
