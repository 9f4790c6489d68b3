#include "src/data/data.hpp"

#include <nlohmann/json.hpp>

#include "src/cli/checks.hpp"
#include "src/cli/config.hpp"
#include "src/cli/options.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"
#include "src/data/tokenize.hpp"
#include "src/report/table.hpp"

namespace taut::cli {
namespace {

struct DataCall {
  std::string name, text, out;
  bool json = false;
  data::TokenizeOptions tokenize;
};

int list(bool json) {
  const std::vector<data::Source> sources = data::list_sources();
  if (json) {
    nlohmann::json all = nlohmann::json::array();
    for (const data::Source& s : sources) {
      all.push_back({{"name", s.name}, {"kind", s.kind}, {"path", s.path}, {"state", s.state}});
    }
    fmt::print("{}\n", nlohmann::json{{"data", all}}.dump());
    return 0;
  }
  report::Table table{{"name", "kind", "path", "state"}, {}};
  for (const data::Source& s : sources) table.rows.push_back({s.name, s.kind, s.path, s.state});
  fmt::print("{}", report::to_text(table));
  return 0;
}

int tokenize(const DataCall& call) {
  const data::Tokenized made = data::tokenize(call.text, call.out, call.tokenize);
  if (made.interrupted) {
    say("interrupted: nothing written");
    return kInterrupted;
  }
  if (call.json) {
    const nlohmann::json summary = {
        {"folder", call.out},         {"bytes", made.bytes},
        {"train_tokens", made.train}, {"validation_tokens", made.validation},
        {"shards", made.shards},      {"vocabulary", made.vocabulary}};
    fmt::print("{}\n", summary.dump());
    return 0;
  }
  fmt::print("{}: {} tokens to train on and {} for validation, from {} bytes, in {} shards\n",
             call.out, made.train, made.validation, made.bytes, made.shards);
  return 0;
}

void add_tokenize_options(CLI::App& command, DataCall& call) {
  data::TokenizeOptions& o = call.tokenize;
  command.add_option("TEXT", call.text, "a text file")->required();
  command.add_option("OUT", call.out, "folder of the shards; must be new or empty")->required();
  command.add_option("--tokenizer", o.tokenizer, "byte or bpe:FOLDER")->capture_default_str();
  command.add_option("--shard_tokens", o.shard_tokens, "tokens in one shard")
      ->capture_default_str()
      ->check(count(2));
  command.add_option("--validation", o.validation, "share of the text, from its end, held out")
      ->capture_default_str()
      ->check(share());
  add_json(command, call.json);
}

}  // namespace

Run bind_data(CLI::App& command) {
  auto call = std::make_shared<DataCall>();
  command.require_subcommand(1);
  CLI::App* all = command.add_subcommand("list", "the data sets, where they are, how to get them");
  add_json(*all, call->json);
  CLI::App* get = command.add_subcommand("get", "fetch a data set into the per-user cache");
  get->add_option("NAME", call->name, "digits or shakespeare")->required();
  CLI::App* shards = command.add_subcommand(
      "tokenize", "write a text as token shards, which --data.name shards:OUT trains on");
  add_tokenize_options(*shards, *call);
  return [call, all, get] {
    if (all->parsed()) return list(call->json);
    if (!get->parsed()) return tokenize(*call);
    data::fetch(call->name);
    return 0;
  };
}

}  // namespace taut::cli
