#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>

#include "tests/io/sample.hpp"
#include "tests/io/tamper.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;

namespace {

enum class Outcome { loaded, error, other };

Outcome load(const std::filesystem::path& path) {
  try {
    io::load_checkpoint(path);
    return Outcome::loaded;
  } catch (const Error& error) {
    // One line that names the file.
    const std::string text = error.what();
    const bool clear = contains(text, path.string()) && !contains(text, "\n");
    return clear ? Outcome::error : Outcome::other;
  } catch (...) {
    return Outcome::other;
  }
}

std::string checkpoint_bytes(const TempFolder& folder) {
  io::save_checkpoint(folder / "c.h5", sample_checkpoint(sample_text()));
  return io::read_text(folder / "c.h5");
}

// Files may not grow beyond `bytes` while this lives.
struct FileLimit {
  explicit FileLimit(rlim_t bytes) {
    old_handler = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    const rlimit limit{bytes, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() {
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, old_handler);
  }
  rlimit old{};
  sighandler_t old_handler;
};

io::Checkpoint large_checkpoint(int64_t step) {
  io::Checkpoint c = sample_checkpoint(sample_text());
  c.optimizer["large"] = at::full({300, 1000}, static_cast<double>(step));
  c.step = step;
  return c;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(damage_test)

BOOST_AUTO_TEST_CASE(no_truncated_checkpoint_loads) {
  const TempFolder folder;
  const std::string whole = checkpoint_bytes(folder);
  for (const std::string& bytes : {whole, unsealed(whole)}) {
    for (size_t size = 0; size < bytes.size(); size += size < 1200 ? 50 : 97) {
      put(folder / "cut.h5", bytes.substr(0, size));
      BOOST_TEST((load(folder / "cut.h5") == Outcome::error), size);
    }
    put(folder / "cut.h5", bytes.substr(0, bytes.size() - 1));
    BOOST_TEST((load(folder / "cut.h5") == Outcome::error));
  }
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_is_noticed) {
  const TempFolder folder;
  const std::string whole = checkpoint_bytes(folder);
  std::mt19937_64 random(seed());
  for (int i = 0; i < 500; ++i) {
    std::string bytes = whole;
    const size_t at = 512 + random() % (bytes.size() - 512);
    bytes[at] = static_cast<char>(bytes[at] ^ (1 + random() % 255));
    put(folder / "flipped.h5", bytes);
    BOOST_TEST((load(folder / "flipped.h5") == Outcome::error), at);
  }
  for (size_t at = 0; at < 60; ++at) {  // in the seal itself
    std::string bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    put(folder / "flipped.h5", bytes);
    BOOST_TEST((load(folder / "flipped.h5") != Outcome::other), at);
  }
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_without_a_seal_loads_or_is_an_error) {
  const TempFolder folder;
  const std::string whole = unsealed(checkpoint_bytes(folder));
  std::mt19937_64 random(seed());
  int loaded = 0, refused = 0;
  for (int i = 0; i < 500; ++i) {
    std::string bytes = whole;
    const size_t at = 512 + random() % (bytes.size() - 512);
    bytes[at] = static_cast<char>(bytes[at] ^ (1 + random() % 255));
    put(folder / "flipped.h5", bytes);
    const Outcome outcome = load(folder / "flipped.h5");
    BOOST_TEST((outcome != Outcome::other), at);
    loaded += outcome == Outcome::loaded;
    refused += outcome == Outcome::error;
  }
  fmt::print("{} loaded, {} refused\n", loaded, refused);
  BOOST_TEST(refused > 100);
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_old_checkpoint) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "c.h5";
  const io::Checkpoint old = large_checkpoint(1), next = large_checkpoint(2);
  io::save_checkpoint(path, old);
  const size_t size = std::filesystem::file_size(path);
  for (const size_t limit : {size_t{0}, size_t{100}, size_t{600}, size_t{3000}, size_t{20000},
                             size / 2, size - 2000, size - 1}) {
    const FileLimit full(limit);
    const std::string text = error_of([&] { io::save_checkpoint(path, next); });
    BOOST_TEST(contains(text, "c.h5"), text);
    BOOST_TEST(contains(text, "cannot write"), text);
    BOOST_TEST(contains(text, "File too large"), text);
    BOOST_TEST(entries(folder.path()) == 1u);
    BOOST_CHECK_THROW(io::write_atomically(folder / "t", std::string(limit + 1, 'x')), Error);
    BOOST_TEST(entries(folder.path()) == 1u);
  }
  BOOST_TEST(same(old, io::load_checkpoint(path)));
  io::save_checkpoint(path, next);
  BOOST_TEST(same(next, io::load_checkpoint(path)));
}

BOOST_AUTO_TEST_CASE(a_full_file_system_leaves_the_old_checkpoint) {
  const TempFolder folder;
  if (mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=2m") != 0) {
    return skip("mounting a small file system is not permitted");
  }
  const io::Checkpoint old = large_checkpoint(1), next = large_checkpoint(2);
  io::save_run_checkpoint(folder.path(), old, 1, false);
  const std::string text = error_of([&] { io::save_run_checkpoint(folder.path(), next, 1, true); });
  BOOST_TEST(contains(text, "No space left on device"), text);
  BOOST_TEST(same(old, io::load_run_checkpoint(folder.path(), "last")));
  BOOST_TEST(entries(folder.path()) == 2u);
  umount2(folder.path().c_str(), MNT_DETACH);
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written_is_named) {
  const TempFolder folder;
  put(folder / "file", "text");
  const io::Checkpoint c = sample_checkpoint(sample_text());
  const std::string under = error_of([&] { io::save_checkpoint(folder / "file/c.h5", c); });
  BOOST_TEST(contains(under, "file/c.h5: Not a directory"), under);
  const std::string missing = error_of([&] { io::save_checkpoint(folder / "none/c.h5", c); });
  BOOST_TEST(contains(missing, "none/c.h5: No such file"), missing);
  std::filesystem::create_directories(folder / "c.h5/inside");
  const std::string taken = error_of([&] { io::save_checkpoint(folder / "c.h5", c); });
  BOOST_TEST(contains(taken, "c.h5"), taken);
  BOOST_TEST(entries(folder.path()) == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
