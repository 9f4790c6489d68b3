#include "src/io/format.hpp"

#include "src/core/core.hpp"

namespace taut::io {

void write_format(Group& root, const std::string& format) {
  root.set_text("format", format);
  root.set_integer("version", kFormatVersion);
}

void require_format(const Group& root, const std::string& format) {
  const std::string found = root.has_attribute("format") ? root.text("format") : "unknown";
  require(found == format, "{}: expected a {}, got the format '{}'", root.where(), format, found);
  const int64_t version = root.integer("version");
  require(version == kFormatVersion, "{}: {} of version {}; this program reads version {}",
          root.where(), format, version, kFormatVersion);
}

void write_strings(Group& parent, const std::string& name,
                   const std::map<std::string, std::string>& values) {
  Group group = parent.create(name);
  for (const auto& [key, value] : values) group.set_text(key, value);
}

std::map<std::string, std::string> read_strings(const Group& parent, const std::string& name) {
  const Group group = parent.open(name);
  std::map<std::string, std::string> values;
  for (const std::string& key : group.attributes()) values[key] = group.text(key);
  return values;
}

void explain(const std::string& where, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    fail("{}: {}", where, error.what());
  }
}

}  // namespace taut::io
