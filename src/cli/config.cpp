#include "src/cli/config.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
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

// The value as TOML: numbers and booleans bare, everything else quoted, lists in brackets.
std::string scalar_text(const std::string& value) {
  char* end = nullptr;
  const bool number = !value.empty() && (std::strtod(value.c_str(), &end), *end == '\0');
  if (number || value == "true" || value == "false") return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string value_text(const CLI::Option& option) {
  std::vector<std::string> values = option.results();
  if (values.empty() && !option.get_default_str().empty()) values = {option.get_default_str()};
  if (option.get_type_name() == "BOOLEAN" && !values.empty()) {
    return values.back() == "1" || values.back() == "true" ? "true" : "false";
  }
  if (option.get_items_expected_max() <= 1) {
    return scalar_text(values.empty() ? std::string() : values.back());
  }
  std::vector<std::string> parts;
  for (std::string value : values) {
    // A default list is captured as "[a,b]".
    if (value.size() >= 2 && value.front() == '[') value = value.substr(1, value.size() - 2);
    for (const std::string& part : CLI::detail::split(value, ',')) {
      if (!part.empty()) parts.push_back(scalar_text(part));
    }
  }
  return "[" + join(parts, ", ") + "]";
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

void set_option(CLI::App& command, const std::string& key, const std::vector<std::string>& values,
                const std::string& source) {
  CLI::Option* option = command.get_option_no_throw("--" + key);
  if (option == nullptr || !configurable(*option)) {
    const std::vector<std::string> keys = known_keys(command);
    fail("{}: unknown key '{}' (nearest: '{}')", source, key, nearest(key, keys));
  }
  if (option->count() > 0) return;
  try {
    option->add_result(values);
    option->run_callback();
  } catch (const CLI::Error& error) {
    fail("{}: {}", source, error.what());
  }
}

void apply_config(CLI::App& command, const std::string& text, const std::string& source) {
  std::istringstream stream(text);
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigTOML().from_config(stream);
  } catch (const CLI::Error& error) {
    fail("{}: {}", source, error.what());
  }
  for (const CLI::ConfigItem& item : items) {
    if (item.name == "++" || item.name == "--") continue;  // borders of a section
    const std::string key = item.fullname();
    set_option(command, key, item.inputs, source);
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
