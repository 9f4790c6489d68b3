#include <sys/mount.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <thread>

#include "tests/cli/foreign.hpp"

using namespace taut;
using namespace taut::test;

namespace {

// Linear layers 16 -> width -> ... -> width -> 3, all zeros.
std::string sparse_mlp(const TempFolder& folder, int64_t width, int64_t layers) {
  std::string header = "{";
  int64_t end = 0;
  for (int64_t i = 0; i <= layers; ++i) {
    const int64_t out = i == layers ? 3 : width, in = i == 0 ? 16 : width;
    header +=
        fmt::format(R"({}"{}.weight":{{"dtype":"F32","shape":[{},{}],"data_offsets":[{},{}]}})",
                    i == 0 ? "" : ",", i, out, in, end, end + 4 * out * in);
    end += 4 * out * in;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  const std::filesystem::path path = folder / "sparse.safetensors";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(&length), sizeof length)
      .write(header.data(), static_cast<std::streamsize>(header.size()));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + static_cast<size_t>(end));
  return path.string();
}

// The most memory without a file behind it that a process had, watched until it ends.
int64_t peak_anonymous_kb(pid_t child) {
  int64_t most = 0;
  for (siginfo_t info{};
       waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
       info.si_pid == 0;
       std::this_thread::sleep_for(std::chrono::milliseconds(2))) {
    std::ifstream status(fmt::format("/proc/{}/status", child));
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("RssAnon:"))
        most = std::max<int64_t>(most, std::atoll(line.c_str() + 8));
    }
  }
  return most;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hostile_test)

// Layers of 16 MB, in a file without blocks on the disk.
BOOST_AUTO_TEST_CASE(memory_does_not_grow_with_the_number_of_layers) {
  constexpr int64_t kWidth = 2048, kLayerKb = kWidth * kWidth * 4 / 1024;
  const auto peak = [&](int64_t layers) {
    const TempFolder folder;
    const std::string file = sparse_mlp(folder, kWidth, layers);
    const pid_t child = start_call(folder, {"certify", file, "--model", "mlp", "--activation",
                                            "relu", "--data", "synthetic", "--examples", "2"});
    const int64_t most = peak_anonymous_kb(child);
    done(finish(folder, child));
    return most;
  };
  const int64_t few = peak(4), many = peak(44);
  fmt::print("{} kB with 4 layers, {} kB with 44\n", few, many);
  BOOST_TEST(few > 0);
  BOOST_TEST(many - few < 20 * kLayerKb);  // a sanitizer keeps 256 MB of what was freed
}

BOOST_AUTO_TEST_CASE(mistakes_are_one_line) {
  const TempFolder folder;
  io::TensorFile weights = sequential();
  const std::string file = saved(folder, weights);
  refused(call(folder, {"certify", file}), "give --model, one of mlp, nanogpt, gpt2");
  refused(call(folder, {"certify", file, "--model", "gpt3"}), "known: mlp, nanogpt, gpt2, vit");
  refused(call(folder, {"certify", file, "--model", "mlp"}), "--activation");
  refused(call(folder, {"certify", file}, kMlp), "expected --data");
  refused(call(folder, {"certify", file, "--data", "synthetic_text"}, kMlp), "does not fit");
  refused(call(folder, {"certify", file, "--model", (folder / "none.toml").string()}), "none.toml");
  weights.tensors["3.weight"][1][1] = std::nan("");
  saved(folder, weights);
  refused(call(folder, {"certify", file, "--data", "synthetic"}, kMlp), "3.weight holds NaN");
  std::filesystem::resize_file(file, 100);
  refused(call(folder, {"inspect", file}, kMlp), "net.safetensors");
  BOOST_TEST(!std::filesystem::exists(folder / "net.taut"));
}

// What would change nothing would be believed to have changed something.
BOOST_AUTO_TEST_CASE(options_that_change_nothing_are_refused) {
  const TempFolder folder;
  const std::string file = saved(folder, sequential());
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"certify", file, "--data", "synthetic"});
    return call(folder, more);
  };
  const std::vector<std::vector<std::string>> given = {
      {"--heads", "2"}, {"--context", "3"}, {"--norm_eps", "1e-5"}};
  for (std::vector<std::string> option : given) {
    const std::string name = option.front();
    option.insert(option.end(), kMlp.begin(), kMlp.end());
    refused(with(option), name + " says nothing of mlp");
  }
  refused(with({"--model", "bert", "--heads", "2", "--mean", "0.5", "--std", "1"}),
          "--mean says nothing of bert");
  done(with(kMlp));
  for (const std::string option : {"--heads", "--context", "--norm_eps", "--mean", "--std"}) {
    refused(with({option, "1"}), option + " says nothing of a model that is described already");
  }
  refused(with({"--activation", "abs"}), "described already");
  done(with({}));
}

BOOST_AUTO_TEST_CASE(names_that_are_hard_to_write) {
  const TempFolder folder;
  const std::string lines = (folder / "two\nlines.safetensors").string(),
                    bytes = (folder / "\xff.safetensors").string(),
                    loop = (folder / "loop.safetensors").string();
  refused(call(folder, {"inspect", lines}, kMlp), "two lines.safetensors: cannot open");
  io::write_safetensors(bytes, sequential());
  refused(call(folder, {"certify", bytes, "--data", "synthetic"}, kMlp), "is not UTF-8");
  BOOST_TEST(!std::filesystem::exists(folder / "\xff.taut"));
  done(call(folder, {"convert", bytes, (folder / "run").string()}, kMlp));
  done(call(folder, {"inspect", (folder / "run").string()}));
  std::filesystem::create_symlink(loop, loop);
  refused(call(folder, {"inspect", loop}, kMlp), "cannot open " + loop + ": Too many levels");
}

// Before the work, not after it.
BOOST_AUTO_TEST_CASE(results_that_cannot_be_written_cost_no_attack) {
  const TempFolder folder;
  const std::string file = saved(folder, sequential());
  std::ofstream(folder / "net.taut") << "a file where the folder would be";
  refused(call(folder, {"certify", file, "--data", "synthetic"}, kMlp), "cannot make the folder");
  const Outcome attack = call(folder, {"attack", file, "--data", "synthetic"}, kMlp);
  BOOST_TEST(attack.status == 2);
  BOOST_TEST(contains(attack.err, "cannot make the folder"), attack.err);
  BOOST_TEST(!contains(attack.err, "attacking"), attack.err);
  BOOST_TEST(slurp(folder / "net.taut") == "a file where the folder would be");
}

BOOST_AUTO_TEST_CASE(a_full_file_system_loses_nothing) {
  const TempFolder folder, small;
  if (mount("tmpfs", small.path().c_str(), "tmpfs", 0, "size=12k") != 0) {
    return skip("mounting a small file system is not permitted");
  }
  const std::string file = saved(small, sequential());
  const std::string before = slurp(file);
  std::ofstream(small / "fill") << std::string(size_t{1} << 16, 'x');
  const std::vector<std::vector<std::string>> calls = {
      {"convert", file, file, "--force"},
      {"convert", file, (small / "other.safetensors").string()},
      {"convert", file, (small / "run").string()},
      {"certify", file, "--data", "synthetic"}};
  for (const auto& arguments : calls)
    refused(call(folder, arguments, kMlp), "No space left on device");
  BOOST_TEST(slurp(file) == before);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(small.path())) {
    const std::string name = entry.path().filename().string();
    BOOST_TEST(!contains(name, ".draft-"), name);
    BOOST_TEST(name != "other.safetensors");
  }
  umount2(small.path().c_str(), MNT_DETACH);
}

BOOST_AUTO_TEST_SUITE_END()
