#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>

#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"

namespace {

using namespace taut;
using namespace taut::cli;

constexpr std::array kVerbs = {
    Verb{"train", "train a network from a preset or a .toml file", bind_train},
    Verb{"sweep", "train a grid of runs", bind_sweep},
    Verb{"certify", "prove radii within which predictions hold", bind_certify},
    Verb{"attack", "search for perturbations that change predictions", bind_attack},
    Verb{"compare", "write a report of one run or several", bind_compare},
    Verb{"inspect", "show the layers, their norms and what each adds to the bound", bind_inspect},
    Verb{"convert", "carry weights between runs and safetensors files", bind_convert},
    Verb{"data", "list or fetch data sets", bind_data},
};

int usage_error(const std::string& text) {
  fmt::print(stderr, "taut: {}\n", text.substr(0, text.find('\n')));
  return 2;
}

// CLI11 would call an unknown verb an "argument that was not expected".
std::string unknown_verb(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return {};
  std::vector<std::string> names;
  for (const Verb& verb : kVerbs) names.push_back(verb.name);
  if (std::find(names.begin(), names.end(), argv[1]) != names.end()) return {};
  return unknown_name("verb", argv[1], names);
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
  if (const std::string unknown = unknown_verb(argc, argv); !unknown.empty())
    return usage_error(unknown);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {  // --help, --version
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  catch_interrupts();
  for (size_t i = 0; i < kVerbs.size(); ++i) {
    if (app.got_subcommand(kVerbs[i].name)) return runs[i]();
  }
  return usage_error("expected a verb; taut --help lists them");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    std::string text = error.what();
    std::replace(text.begin(), text.end(), '\n', ' ');  // of a path, say
    return usage_error(text);
  } catch (const std::exception& error) {
    return usage_error(error.what());
  }
}
