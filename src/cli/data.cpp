#include "src/data/data.hpp"

#include <nlohmann/json.hpp>

#include "src/cli/config.hpp"
#include "src/cli/options.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"
#include "src/report/table.hpp"

namespace taut::cli {
namespace {

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

}  // namespace

Run bind_data(CLI::App& command) {
  struct DataCall {
    std::string name;
    bool json = false;
  };
  auto call = std::make_shared<DataCall>();
  command.require_subcommand(1);
  CLI::App* all = command.add_subcommand("list", "the data sets, where they are, how to get them");
  add_json(*all, call->json);
  CLI::App* get = command.add_subcommand("get", "fetch a data set into the per-user cache");
  get->add_option("NAME", call->name, "digits or shakespeare")->required();
  return [call, all] {
    if (all->parsed()) return list(call->json);
    data::fetch(call->name);
    return 0;
  };
}

}  // namespace taut::cli
