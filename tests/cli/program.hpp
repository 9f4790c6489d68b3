#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support.hpp"

// The program as a user runs it.
namespace taut::test {

struct Outcome {
  int status = -1;  // exit status; 128 + signal when killed
  std::string out, err;
};

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// Starts a program, its name first, with stdout and stderr in files of `folder`.
inline pid_t start_program(const TempFolder& folder, std::vector<std::string> command) {
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, 1, (folder / "out").c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, (folder / "err").c_str(), flags, 0600);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? child : -1;
}

// Starts taut.
inline pid_t start(const TempFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), TAUT_PROGRAM);
  return start_program(folder, std::move(arguments));
}

inline Outcome finish(const TempFolder& folder, pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, slurp(folder / "out"), slurp(folder / "err")};
}

inline Outcome invoke(const TempFolder& folder, const std::vector<std::string>& arguments) {
  return finish(folder, start(folder, arguments));
}

// One line on stderr that holds `part`, nothing on stdout, exit status 2.
inline void refused(const Outcome& outcome, const std::string& part) {
  BOOST_TEST(outcome.status == 2, outcome.err);
  BOOST_TEST(outcome.out.empty(), outcome.out);
  BOOST_TEST(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1, outcome.err);
  BOOST_TEST(contains(outcome.err, part), outcome.err);
}

inline Outcome done(const Outcome& outcome) {
  BOOST_TEST(outcome.status == 0, outcome.err);
  return outcome;
}

// A training run of a few steps on data made in memory.
inline std::vector<std::string> tiny_train(const std::string& preset, const std::string& data,
                                           const std::string& out) {
  std::vector<std::string> arguments = {"train",
                                        preset,
                                        "--out",
                                        out,
                                        "--data.name",
                                        data,
                                        "--steps",
                                        "30",
                                        "--batch",
                                        "16",
                                        "--model.width",
                                        "16",
                                        "--evaluate_every",
                                        "10",
                                        "--checkpoint_every",
                                        "10"};
  if (!contains(preset, "mlp")) arguments.insert(arguments.end(), {"--model.heads", "2"});
  if (data == "synthetic_text") arguments.insert(arguments.end(), {"--data.context", "12"});
  return arguments;
}

// The same with more words.
inline std::vector<std::string> with(std::vector<std::string> command,
                                     const std::vector<std::string>& more) {
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

}  // namespace taut::test
