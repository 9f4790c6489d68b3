#include "src/data/catalog.hpp"

#include <algorithm>
#include <cstdlib>

#include "src/core/core.hpp"
#include "src/data/data.hpp"
#include "src/data/files.hpp"

namespace taut::data {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::vector<fs::path> candidates(const Known& known) {
  std::vector<fs::path> folders;
  const std::string shared = environment("TAUT_DATA");
  if (!shared.empty()) folders.push_back(fs::path(shared) / known.shared);
  folders.push_back(cached_folder(known));
  return folders;
}

// The first file that `folder` lacks; empty: none.
fs::path missing_file(const Known& known, const fs::path& folder) {
  for (const std::string& file : known.files) {
    if (!fs::exists(plain_or_packed(folder / file))) return folder / file;
  }
  return {};
}

Source describe(const Known& known) {
  const std::vector<fs::path> folders = candidates(known);
  for (const fs::path& folder : folders) {
    if (missing_file(known, folder).empty())
      return {known.name, known.kind, folder.string(), "ready"};
  }
  const std::string path = folders.front().string();
  if (known.fetched)
    return {known.name, known.kind, path, "get it with: taut data get " + known.name};
  return {known.name, known.kind, path,
          fmt::format("place the files in {}: {}", path, join(known.files, ", "))};
}

}  // namespace

fs::path cache_folder() {
  const std::string cache = environment("XDG_CACHE_HOME");
  if (!cache.empty()) return fs::path(cache) / "taut";
  const std::string home = environment("HOME");
  require(!home.empty(), "no cache folder: set XDG_CACHE_HOME or HOME");
  return fs::path(home) / ".cache" / "taut";
}

const std::vector<Known>& known_sets() {
  static const std::vector<Known> sets{
      {"digits", "images 1 x 8 x 8, 10 classes", "digits", "digits", {"digits.csv.gz"}, true},
      {"cifar10",
       "images 3 x 32 x 32, 10 classes",
       "cifar-10-batches-bin",
       "cifar-10-batches-bin",
       {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
        "data_batch_5.bin", "test_batch.bin"}},
      {"mnist",
       "images 1 x 28 x 28, 10 classes",
       "mnist",
       "mnist",
       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte"}},
      {"shakespeare", "text, characters", "tinyshakespeare", "shakespeare", {"input.txt"}, true},
      {"sst2", "sentences, 2 classes", "sst2", "sst2", {"train.tsv", "dev.tsv"}},
  };
  return sets;
}

const Known* find_known(const std::string& name) {
  const auto& sets = known_sets();
  const auto found =
      std::find_if(sets.begin(), sets.end(), [&](const Known& k) { return k.name == name; });
  return found == sets.end() ? nullptr : &*found;
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const Known& known : known_sets()) names.push_back(known.name);
  names.insert(names.end(), {"synthetic", "synthetic_text", "text:PATH", "shards:FOLDER"});
  return names;
}

fs::path cached_folder(const Known& known) { return cache_folder() / "data" / known.cached; }

fs::path find_folder(const Known& known) {
  std::vector<std::string> expected;
  for (const fs::path& folder : candidates(known)) {
    const fs::path missing = missing_file(known, folder);
    if (missing.empty()) return folder;
    expected.push_back(missing.string());
  }
  fail("data set '{}' is not at hand: expected {}; {}", known.name, join(expected, " or "),
       known.fetched ? "get it with: taut data get " + known.name : "place its files there");
}

std::vector<Source> list_sources() {
  std::vector<Source> sources;
  for (const Known& known : known_sets()) sources.push_back(describe(known));
  sources.push_back({"synthetic", "images 1 x 4 x 4, 3 classes", "made in memory", "ready"});
  sources.push_back({"synthetic_text", "text, characters", "made in memory", "ready"});
  sources.push_back({"text:PATH", "text, tokens of any kind", "any text file", "ready"});
  sources.push_back(
      {"shards:FOLDER", "text, tokens in files", "what taut data tokenize writes", "ready"});
  return sources;
}

}  // namespace taut::data
