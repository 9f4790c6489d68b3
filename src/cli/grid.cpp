#include "src/cli/grid.hpp"

#include <algorithm>

#include "src/cli/config.hpp"
#include "src/cli/options.hpp"
#include "src/core/core.hpp"
#include "src/io/toml.hpp"

namespace taut::cli {
namespace {

using io::Tree;

constexpr size_t kMostPoints = 10000;  // a slip in a list, not a plan
constexpr size_t kLongestName = 200;   // bytes; file systems allow 255

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }

// Names of folders and lines of tables are made of it.
std::string spelled(const Tree& value, const std::string& key) {
  std::string text = option_text(value, key);
  require(std::none_of(text.begin(), text.end(), is_control), "'{}': expected a text of one line",
          key);
  return text;
}

using Lists = std::map<std::string, std::vector<std::string>>;

// Key `lr` of a table `optimizer` is the option optimizer.lr. `lists`: every value is a list.
void flatten(const Tree& table, const std::string& prefix, bool lists, Lists& out) {
  for (const auto& [name, value] : table.items()) {
    const std::string key = prefix.empty() ? name : prefix + "." + name;
    if (value.is_object()) {
      flatten(value, key, lists, out);
      continue;
    }
    require(!out.contains(key), "'{}' is given twice", key);
    if (!lists) {
      out[key] = {spelled(value, key)};
      continue;
    }
    require(value.is_array() && !value.empty(),
            "'{}': expected a list of at least one value; what all points share goes into 'set'",
            key);
    for (const Tree& entry : value) out[key].push_back(spelled(entry, key));
  }
}

Lists options_in(const Tree& tree, const char* key, bool lists) {
  Lists out;
  if (!tree.contains(key)) return out;
  require(tree[key].is_object(), "'{}': expected a table of options", key);
  flatten(tree[key], "", lists, out);
  return out;
}

std::string text_in(const Tree& tree, const char* key, const char* what) {
  require(tree.contains(key) && tree[key].is_string() && !tree[key].get<std::string>().empty(),
          "expected '{}', {}", key, what);
  return tree[key].get<std::string>();
}

// What a point varies, fit to be a folder.
std::string name_of(const Settings& settings) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : settings) parts.push_back(key + "=" + value);
  std::string name = join(parts, ",");
  for (char& c : name) {
    if (c == '/') c = '_';
  }
  require(name.size() <= kLongestName,
          "the options of a point make a name of more than {} bytes: write it as a [[point]] with "
          "a name",
          kLongestName);
  return name;
}

void require_folder_name(const std::string& name) {
  const bool plain = !name.empty() && name.front() != '.' && name.size() <= kLongestName &&
                     std::none_of(name.begin(), name.end(),
                                  [](unsigned char c) { return c == '/' || is_control(c); });
  require(plain, "'name': expected the name of a folder (no '/', not hidden), got '{}'", name);
}

// Every combination of the listed values, the last option moving fastest.
std::vector<Point> product(const Lists& lists) {
  std::vector<Point> points;
  if (lists.empty()) return points;
  size_t count = 1;
  for (const auto& [key, values] : lists) {
    count *= values.size();
    require(count <= kMostPoints, "the grid has more than {} points", kMostPoints);
  }
  for (size_t i = 0; i < count; ++i) {
    Point point;
    size_t rest = i;
    for (auto list = lists.rbegin(); list != lists.rend(); ++list) {
      point.settings[list->first] = list->second[rest % list->second.size()];
      rest /= list->second.size();
    }
    point.name = name_of(point.settings);
    points.push_back(std::move(point));
  }
  return points;
}

void add_single_points(const Tree& tree, std::vector<Point>& points) {
  if (!tree.contains("point")) return;
  require(tree["point"].is_array(), "'point': expected tables, each under [[point]]");
  for (Tree table : tree["point"]) {
    require(table.is_object(), "'point': expected tables, each under [[point]]");
    Point point;
    if (table.contains("name")) {
      point.name = text_in(table, "name", "the folder of the point");
      require_folder_name(point.name);
      table.erase("name");
    }
    Lists options;
    flatten(table, "", false, options);
    for (const auto& [key, values] : options) point.settings[key] = values.front();
    require(!point.name.empty() || !point.settings.empty(), "a [[point]] says nothing");
    if (point.name.empty()) point.name = name_of(point.settings);
    points.push_back(std::move(point));
  }
}

std::vector<Point> points_of(const Tree& tree) {
  std::vector<Point> points = product(options_in(tree, "grid", true));
  add_single_points(tree, points);
  require(!points.empty(), "it holds no points: expected lists under [grid], or [[point]]");
  const Lists shared = options_in(tree, "set", false);
  for (const auto& [key, values] : options_in(tree, "grid", true)) {
    require(!shared.contains(key), "'{}' is given twice, under 'set' and under 'grid'", key);
  }
  for (Point& point : points) {
    for (const auto& [key, values] : shared) point.settings.emplace(key, values.front());
  }
  return points;
}

// The options that `taut train BASE` with the settings of the point would have.
void resolve(Point& point, const std::string& base, const std::string& text) {
  CLI::App scratch;
  add_train_options(scratch, point.options);
  for (const auto& [key, value] : point.settings) set_option(scratch, key, {value}, point.name);
  apply_config(scratch, text, base);
  try {
    train::check(point.options);
  } catch (const Error& error) {
    fail("{}: {}", point.name, error.what());
  }
  point.config = print_config(scratch);
  point.everything = settings(scratch);
}

// Two runs in one folder, or one run twice.
void require_distinct(const std::vector<Point>& points) {
  std::map<std::string, size_t> names;
  std::map<Settings, size_t> runs;
  for (size_t i = 0; i < points.size(); ++i) {
    const auto name = names.emplace(points[i].name, i);
    require(name.second, "points {} and {} have one name, '{}'", name.first->second, i,
            points[i].name);
    const auto run = runs.emplace(points[i].everything, i);
    require(run.second, "points {} and {} are the same run: '{}' and '{}'", run.first->second, i,
            points[run.first->second].name, points[i].name);
  }
}

}  // namespace

Grid read_grid(const std::filesystem::path& path) {
  const Tree tree = io::read_toml(path);
  try {
    const std::vector<std::string> known = {"base", "out", "set", "grid", "point"};
    for (const auto& [key, value] : tree.items()) {
      const bool found = std::find(known.begin(), known.end(), key) != known.end();
      require(found, "{}", unknown_name("key", key, known));
    }
    const std::string base = text_in(tree, "base", "a preset or a .toml file");
    Grid grid{text_in(tree, "out", "the folder of the runs"), points_of(tree)};
    const std::string text = config_text(base);
    for (Point& point : grid.points) resolve(point, base, text);
    require_distinct(grid.points);
    return grid;
  } catch (const Error& error) {
    fail("{}: {}", path.string(), error.what());
  }
}

Settings settings_of(const std::string& config, const std::string& source) {
  train::TrainOptions ignored;
  CLI::App scratch;
  add_train_options(scratch, ignored);
  apply_config(scratch, config, source);
  return settings(scratch);
}

}  // namespace taut::cli
