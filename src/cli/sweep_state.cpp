#include "src/cli/sweep_state.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "src/cli/complaint.hpp"
#include "src/cli/json_number.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "src/report/format.hpp"

namespace taut::cli {
namespace {

namespace fs = std::filesystem;

// The first option in which a stored run is another one than the point; "" where there is none.
std::string difference(const Point& point, const Settings& stored) {
  for (const auto& [key, value] : point.everything) {
    const auto found = stored.find(key);
    const std::string there = found == stored.end() ? "nothing" : found->second;
    if (there != value) return fmt::format("{} is {} there, {} in the grid", key, there, value);
  }
  return "";
}

// The configuration of a run that was stopped before its first checkpoint.
std::string config_of(const fs::path& facts) {
  const auto json = nlohmann::json::parse(io::read_text(facts), nullptr, false);
  require(json.is_object() && json.contains("config") && json["config"].is_string(),
          "{} is no JSON object with a \"config\"", facts.string());
  return json["config"].get<std::string>();
}

void read_figures(Stored& stored, const io::Checkpoint& checkpoint) {
  const auto figure = [&](const char* name) -> std::optional<double> {
    const auto found = checkpoint.numbers.find(name);
    if (found == checkpoint.numbers.end()) return std::nullopt;
    return found->second;
  };
  stored.step = checkpoint.step;
  stored.log10_bound = figure("log10_bound");
  if (stored.log10_bound) stored.accuracy = figure("validation_accuracy");
  const models::InputSpec& input = checkpoint.network.input;
  stored.norms =
      models::describe(models::parse_threat(models::threat_names(input).front(), input)) +
      " -> l2, last hidden token";
}

void look_into(Stored& stored, const fs::path& folder, const Point& point) {
  const fs::path facts = folder / "run.json", last = folder / "checkpoint.h5";
  stored.resumable = fs::exists(last);
  if (!stored.resumable && !fs::exists(facts)) return;
  std::string config;
  if (stored.resumable) {
    const io::Checkpoint checkpoint = io::load_run_checkpoint(folder, "last");
    config = checkpoint.config;
    read_figures(stored, checkpoint);
  } else {
    config = config_of(facts);
  }
  try {
    stored.why = difference(point, settings_of(config, folder.string()));
  } catch (const Error& error) {  // options that this program does not have
    stored.why = error.what();
  }
  const bool done = stored.step >= point.options.steps;
  stored.progress = !stored.why.empty() ? Progress::foreign
                    : done              ? Progress::finished
                                        : Progress::unfinished;
}

std::string described(const Settings& settings) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : settings) parts.push_back(key + "=" + value);
  return join(parts, " ");
}

// Its figures are not those of the point.
bool withheld(const Stored& stored) {
  return stored.progress == Progress::foreign || stored.progress == Progress::damaged;
}

std::string state_text(const Stored& stored, const Point& point) {
  const char* name = progress_name(stored.progress);
  if (withheld(stored)) return fmt::format("{}: {}", name, stored.why);
  if (stored.progress != Progress::unfinished) return name;
  return fmt::format("{} ({} of {} steps)", name, stored.step, point.options.steps);
}

nlohmann::json number(const std::optional<double>& value) {
  return value ? json_number(*value) : nlohmann::json();
}

}  // namespace

const char* progress_name(Progress progress) {
  switch (progress) {
    case Progress::missing:
      return "missing";
    case Progress::unfinished:
      return "unfinished";
    case Progress::finished:
      return "finished";
    case Progress::foreign:
      return "another run";
    case Progress::damaged:
      return "damaged";
  }
  return "";
}

Stored stored_run(const Grid& grid, const Point& point) {
  Stored stored;
  try {
    look_into(stored, grid.out / point.name, point);
  } catch (const std::exception& error) {  // of the file system too
    stored.progress = Progress::damaged;
    stored.why = complaint_of(error);
  }
  return stored;
}

report::Table list_of(const Grid& grid, const std::vector<size_t>& chosen) {
  report::Table table{{"index", "name", "state", "options"}, {}};
  for (const size_t i : chosen) {
    const Point& point = grid.points[i];
    table.rows.push_back({std::to_string(i), point.name, state_text(stored_run(grid, point), point),
                          described(point.settings)});
  }
  return table;
}

report::Table results_of(const Grid& grid, const std::vector<size_t>& chosen) {
  report::Table table{{"index", "name", "state", "accuracy", "log10 K", "K from -> to"}, {}};
  for (const size_t i : chosen) {
    const Point& point = grid.points[i];
    const Stored s = stored_run(grid, point);
    std::vector<std::string> row = {std::to_string(i), point.name, state_text(s, point)};
    if (s.log10_bound && s.accuracy && !withheld(s)) {
      row.push_back(fmt::format("{:.2f} %", 100 * *s.accuracy));
      row.push_back(report::number(*s.log10_bound, report::Round::up));
      row.push_back(s.norms);
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string sweep_json(const Grid& grid, const std::vector<size_t>& chosen) {
  nlohmann::json all = nlohmann::json::array();
  for (const size_t i : chosen) {
    const Point& point = grid.points[i];
    const Stored s = stored_run(grid, point);
    all.push_back({{"index", i},
                   {"name", point.name},
                   {"run", (grid.out / point.name).string()},
                   {"options", point.settings},
                   {"state", progress_name(s.progress)},
                   {"why", s.why},
                   {"step", s.step},
                   {"steps", point.options.steps},
                   {"accuracy", withheld(s) ? nullptr : number(s.accuracy)},
                   {"log10_bound", withheld(s) ? nullptr : number(s.log10_bound)},
                   {"norms", s.norms}});
  }
  return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace taut::cli
