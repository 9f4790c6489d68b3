#include "src/cli/program.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "src/cli/complaint.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"
#include "src/team/team.hpp"

namespace taut::cli {
namespace {

constexpr std::array kVerbs = {
    Verb{"train", "train a network from a preset or a .toml file", bind_train, true},
    Verb{"sweep", "train a grid of runs", bind_sweep},
    Verb{"certify", "prove radii within which predictions hold", bind_certify, true},
    Verb{"attack", "search for perturbations that change predictions", bind_attack, true},
    Verb{"compare", "write a report of one run or several", bind_compare},
    Verb{"inspect", "show the layers, their norms and what each adds to the bound", bind_inspect},
    Verb{"convert", "carry weights between runs and safetensors files", bind_convert},
    Verb{"data", "list or fetch data sets", bind_data},
};

// The first rank speaks for all; only complaints are heard of any.
void be_quiet() {
  set_talkative(false);
  require(std::freopen("/dev/null", "w", stdout) != nullptr, "cannot open /dev/null");
}

// CLI11 would call an unknown verb an "argument that was not expected".
std::string unknown_verb(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return {};
  std::vector<std::string> names;
  for (const Verb& verb : kVerbs) names.push_back(verb.name);
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return {};
  return unknown_name("verb", argv[1], names);
}

// Why what was printed has not all arrived; "" where it has.
std::string lost_output() {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && std::ferror(stdout) == 0) return {};
  return fmt::format("cannot write to standard output: {}",
                     errno != 0 ? std::strerror(errno) : "what was printed is not complete");
}

int run(int argc, char** argv) {
  CLI::App app(
      "taut: train Lipschitz-constrained transformers, certify them, attack them, compare them");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(0, 1);
  std::array<Run, kVerbs.size()> runs;
  for (size_t i = 0; i < kVerbs.size(); ++i) {
    runs[i] = kVerbs[i].bind(*app.add_subcommand(kVerbs[i].name, kVerbs[i].help));
  }
  const std::string unknown = unknown_verb(argc, argv);
  require(unknown.empty(), "{}", unknown);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {  // --help, --version
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    fail("{}", complaint_of(error));
  }
  catch_interrupts();
  for (size_t i = 0; i < kVerbs.size(); ++i) {
    if (!app.got_subcommand(kVerbs[i].name)) continue;
    return kVerbs[i].shared || team::world().rank == 0 ? runs[i]() : 0;
  }
  fail("expected a verb; taut --help lists them");
}

}  // namespace

int program(int argc, char** argv) {
  int status = 2;
  std::string complaint;
  // LibTorch and MKL share one team of threads from here on; without a number set it is taken apart
  // and made again wherever work passes from one to the other.
  at::set_num_threads(at::get_num_threads());
  try {
    if (team::join().rank > 0) be_quiet();
    status = run(argc, argv);
  } catch (const std::exception& error) {
    complaint = complaint_of(error);
  }
  if (complaint.empty()) {
    complaint = lost_output();
    if (!complaint.empty() && status == 0) status = 2;
  }
  if (!complaint.empty()) complaint = "taut: " + complaint;
  return team::finish(status, complaint);
}

}  // namespace taut::cli
