#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <map>
#include <string>

namespace taut::cli {

// A verb binds its options to a subcommand and returns what to run once they are parsed: 0 done, 1
// a check of ours failed. Errors of the user are taut::Error.
using Run = std::function<int()>;

struct Verb {
  const char* name;
  const char* help;
  Run (*bind)(CLI::App& command);
  bool shared = false;  // ranks work together; of the other verbs the first rank does all
};

Run bind_train(CLI::App& command);
Run bind_sweep(CLI::App& command);
Run bind_certify(CLI::App& command);
Run bind_attack(CLI::App& command);
Run bind_compare(CLI::App& command);
Run bind_convert(CLI::App& command);
Run bind_inspect(CLI::App& command);
Run bind_data(CLI::App& command);

std::string version_text();
// What every result file says of its origin: revision, library versions, device, threads.
std::map<std::string, std::string> provenance();

}  // namespace taut::cli
