#include "src/cli/config.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <vector>

#include "src/cli/presets.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"

namespace taut::cli {
namespace {

bool configurable(const CLI::Option& option) {
  return option.get_group() != kCallGroup && !option.get_lnames().empty() &&
         option.get_lnames().front() != "help";
}

std::vector<std::string> known_keys(const CLI::App& command) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : command.get_options()) {
    if (configurable(*option)) keys.push_back(option->get_lnames().front());
  }
  return keys;
}

// The tables that hold known keys.
std::vector<std::string> known_sections(const CLI::App& command) {
  std::vector<std::string> sections;
  for (const std::string& key : known_keys(command)) {
    const std::string section = key.substr(0, key.rfind('.'));
    if (section == key) continue;
    if (sections.empty() || sections.back() != section) sections.push_back(section);
  }
  return sections;
}

bool is_list(const CLI::Option& option) { return option.get_items_expected_max() > 1; }

// The value as TOML. What names and paths look like does not matter: a text is quoted.
std::string scalar_text(const CLI::Option& option, const std::string& value) {
  const std::string type = option.get_type_name();
  if (type.starts_with("BOOLEAN")) return value == "1" || value == "true" ? "true" : "false";
  if (type.starts_with("INT") || type.starts_with("UINT")) return value;
  // The command line takes .5 and 5., which are not TOML.
  if (type.starts_with("FLOAT")) return fmt::format("{}", std::strtod(value.c_str(), nullptr));
  return toml_text(value);
}

std::string value_text(const CLI::Option& option) {
  std::vector<std::string> values = option.results();
  if (values.empty() && !option.get_default_str().empty()) values = {option.get_default_str()};
  if (!is_list(option)) {
    return scalar_text(option, values.empty() ? std::string() : values.back());
  }
  std::vector<std::string> parts;
  for (std::string value : values) {
    // A default list is captured as "[a,b]".
    if (value.size() >= 2 && value.front() == '[') value = value.substr(1, value.size() - 2);
    for (const std::string& part : CLI::detail::split(value, ',')) {
      if (!part.empty()) parts.push_back(scalar_text(option, part));
    }
  }
  return "[" + join(parts, ", ") + "]";
}

struct Setting {
  std::vector<std::string> values;
  bool list = false;
};
using Table = std::map<std::string, Setting>;

// Key `lr` of a table `optimizer` is the option optimizer.lr.
void flatten(const CLI::App& command, const io::Tree& table, const std::string& prefix,
             Table& out) {
  for (const auto& [name, value] : table.items()) {
    const std::string key = prefix.empty() ? name : prefix + "." + name;
    if (value.is_object()) {
      const std::vector<std::string> known = known_sections(command);
      require(std::find(known.begin(), known.end(), key) != known.end(), "{}",
              unknown_name("section", key, known));
      flatten(command, value, key, out);
      continue;
    }
    const bool first = out.emplace(key, Setting{{}, value.is_array()}).second;
    require(first, "'{}' is given twice", key);  // "model.width" and width of [model]
    Setting& setting = out.at(key);
    if (setting.list) {
      for (const io::Tree& entry : value) setting.values.push_back(option_text(entry, key));
    } else {
      setting.values = {option_text(value, key)};
    }
  }
}

CLI::Option& known_option(CLI::App& command, const std::string& key) {
  CLI::Option* const option = command.get_option_no_throw("--" + key);
  if (option == nullptr || !configurable(*option)) {
    const std::vector<std::string> keys = known_keys(command);
    fail("unknown key '{}' (nearest: '{}')", key, nearest(key, keys));
  }
  return *option;
}

void set_values(CLI::App& command, const std::string& key, const std::vector<std::string>& values) {
  CLI::Option& option = known_option(command, key);
  if (option.count() > 0 || (values.empty() && is_list(option))) return;
  try {
    option.add_result(values);
    // CLI11 would read the first of no values.
    require(option.count() > 0, "{}: expected a value, got none", key);
    option.run_callback();
  } catch (const CLI::Error& error) {
    fail("{}", error.what());
  }
}

// One spelling of a number: 1, 1.0 and 1e0 are 1.
std::string canonical(const std::string& value) {
  const auto integral = [](char c) { return c >= '0' && c <= '9'; };
  if (!value.empty() && std::all_of(value.begin(), value.end(), integral)) return value;
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  return !value.empty() && *end == '\0' ? fmt::format("{}", number) : value;
}

}  // namespace

std::string config_text(const std::string& path_or_preset) {
  const auto preset = presets().find(path_or_preset);
  if (preset != presets().end()) return preset->second;
  if (std::filesystem::exists(path_or_preset)) return io::read_text(path_or_preset);
  std::vector<std::string> names;
  for (const auto& [name, text] : presets()) names.push_back(name);
  fail("{}; a path to a .toml file works too", unknown_name("preset", path_or_preset, names));
}

std::string option_text(const io::Tree& value, const std::string& key) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number_integer()) return std::to_string(value.get<int64_t>());
  if (value.is_number_float()) return fmt::format("{}", value.get<double>());
  fail("'{}': expected a text, a number, true or false", key);
}

std::string toml_text(const std::string& text) {
  try {
    std::string quoted = io::Tree(text).dump();  // JSON's spelling, but for this one character
    for (size_t at = 0; (at = quoted.find('\x7f', at)) != std::string::npos;)
      quoted.replace(at, 1, "\\u007f");
    return quoted;
  } catch (const io::Tree::exception&) {
    fail("'{}' is not UTF-8, as TOML has to be", text);
  }
}

void set_option(CLI::App& command, const std::string& key, const std::vector<std::string>& values,
                const std::string& source) {
  try {
    set_values(command, key, values);
  } catch (const Error& error) {
    fail("{}: {}", source, error.what());
  }
}

void apply_config(CLI::App& command, const std::string& text, const std::string& source) {
  try {
    Table table;
    flatten(command, io::tree_from_toml(text), "", table);
    for (const auto& [key, setting] : table) {
      require(!setting.list || is_list(known_option(command, key)),
              "{}: expected one value, got a list", key);
      set_values(command, key, setting.values);
    }
  } catch (const Error& error) {
    fail("{}: {}", source, error.what());
  }
}

std::string print_config(const CLI::App& command) {
  std::map<std::string, std::string> sections;  // by name; keys without a section come first
  for (const CLI::Option* option : command.get_options()) {
    if (!configurable(*option)) continue;
    const std::string& key = option->get_lnames().front();
    const size_t dot = key.find('.');
    const std::string section = dot == std::string::npos ? "" : key.substr(0, dot);
    const std::string name = dot == std::string::npos ? key : key.substr(dot + 1);
    sections[section] +=
        fmt::format("# {}\n{} = {}\n", option->get_description(), name, value_text(*option));
  }
  std::string text;
  for (const auto& [section, lines] : sections) {
    if (!section.empty()) text += fmt::format("\n[{}]\n", section);
    text += lines;
  }
  return text;
}

std::map<std::string, std::string> settings(const CLI::App& command) {
  std::map<std::string, std::string> all;
  for (const CLI::Option* option : command.get_options()) {
    if (configurable(*option)) {
      all[option->get_lnames().front()] = canonical(value_text(*option));
    }
  }
  return all;
}

void add_print_config(CLI::App& command, PrintConfig& print) {
  command
      .add_flag("--print-config", print.given, "print the complete configuration as TOML and stop")
      ->group(kCallGroup);
}

}  // namespace taut::cli
