#pragma once

#include <CLI/CLI.hpp>

#include <map>
#include <string>
#include <vector>

#include "src/io/toml.hpp"

// Options and TOML files are two spellings of the same thing: key `width` of section [model] is the
// option --model.width. The command line wins over a file.
namespace taut::cli {

// The text of a configuration: a path to a .toml file, or the name of a preset.
std::string config_text(const std::string& path_or_preset);

// Sets every option of `command` that the text names and the command line did not. An unknown key
// or section is an Error that names it, its nearest relative and `source`.
void apply_config(CLI::App& command, const std::string& text, const std::string& source);

// Sets one option as the command line would, unless it is set already; Errors as above. No values
// leave an option that is a list as it is.
void set_option(CLI::App& command, const std::string& key, const std::vector<std::string>& values,
                const std::string& source);

// A text, a number or a truth of a file as the command line would spell it.
std::string option_text(const io::Tree& value, const std::string& key);

// A text as TOML spells it; Error where it is not UTF-8.
std::string toml_text(const std::string& text);

// The value of every option that a file can set, by key; equal numbers are spelled alike.
std::map<std::string, std::string> settings(const CLI::App& command);

// Every option that a file can set, with its value and help, as TOML that apply_config reads back.
std::string print_config(const CLI::App& command);

// Adds --print-config; returns whether it was given once the command line is parsed.
struct PrintConfig {
  bool given = false;
};
void add_print_config(CLI::App& command, PrintConfig& print);

// Options that are about this call and not about the result (paths, --force, --json): never part of
// a configuration.
inline constexpr char kCallGroup[] = "This call";

}  // namespace taut::cli
