#include "src/report/facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace taut::report {
namespace {

using Facts = std::map<std::string, std::string>;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r";
  const size_t begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) + 1 - begin);
}

// What a result says of its origin and the run itself does not say.
Facts news(const Facts& provenance, const Facts& known) {
  Facts out;
  for (const auto& [key, value] : provenance) {
    const auto same = known.find(key);
    if (same == known.end() || same->second != value) out[key] = value;
  }
  return out;
}

// Sections, keys and comments; a line that is none of these is kept under its number.
void add_lines(Facts& out, const std::string& name, std::string_view text) {
  std::string section;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    const size_t equals = line.find('=');
    if (line.front() == '[' && line.back() == ']' && equals == std::string_view::npos) {
      section = std::string(trimmed(line.substr(1, line.size() - 2))) + '.';
    } else if (equals == std::string_view::npos) {
      out.insert({fmt::format("{}: line {}", name, number), std::string(line)});
    } else {
      out.insert({fmt::format("{}: {}{}", name, section, trimmed(line.substr(0, equals))),
                  std::string(trimmed(line.substr(equals + 1)))});
    }
  }
}

void add(Facts& out, const std::string& name, const std::string& value) {
  if (value.find('\n') == std::string::npos) {
    out.insert({name, value});
  } else {
    add_lines(out, name, value);
  }
}

}  // namespace

Facts all_facts(const RunReport& run) {
  Facts out;
  for (const auto& [key, value] : run.facts) add(out, key, value);
  if (run.certificate) {
    for (const auto& [key, value] : news(run.certificate->provenance, run.facts)) {
      add(out, "certificate: " + key, value);
    }
  }
  for (size_t i = 0; i < run.attacks.size(); ++i) {
    const std::string which =
        fmt::format("attack {} ({}): ", i + 1, models::threat_name(run.attacks[i].threat));
    for (const auto& [key, value] : news(run.attacks[i].provenance, run.facts))
      add(out, which + key, value);
  }
  return out;
}

}  // namespace taut::report
