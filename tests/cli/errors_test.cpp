#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>

#include "src/cli/complaint.hpp"
#include "src/io/io.hpp"
#include "tests/cli/forked.hpp"

using namespace taut::test;

namespace {

std::string trained(const TempFolder& folder) {
  const std::string run = (folder / "run").string();
  BOOST_REQUIRE(call(folder, tiny_train("digits-mlp", "synthetic", run)).status == 0);
  return run;
}

// Replaces the best checkpoint, which certify, attack and inspect read.
void rewrite(const TempFolder& folder, const std::string& bytes) {
  std::ofstream(folder / "run" / "checkpoint-best.h5", std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(errors_test)

BOOST_AUTO_TEST_CASE(what_no_memory_holds_is_refused_before_any_work) {
  const TempFolder folder;
  const std::string out = (folder / "x").string();
  for (const auto& [option, value] :
       {std::pair("--model.width", "2000000"), std::pair("--model.blocks", "2147483647"),
        std::pair("--model.expansion", "2147483647"), std::pair("--batch", "2000000000")}) {
    refused(call(folder,
                 {"train", "digits-vit", "--data.name", "synthetic", "--out", out, option, value}),
            "need at least");
    refused(call(folder,
                 {"train", "digits-vit", "--data.name", "synthetic", "--dry-run", option, value}),
            "need at least");
  }
  // Known by what two examples keep.
  std::vector<std::string> large = tiny_train("digits-vit", "synthetic", out);
  const int64_t half = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGE_SIZE) / 8192;  // at 36 kB each
  large.insert(large.end(), {"--batch", std::to_string(2 * half)});
  const std::string what = fmt::format("slices of {} examples need at least", half);
  refused(call(folder, large), what);
  refused(call(folder, with(large, {"--dry-run"})), what);
  BOOST_TEST(!std::filesystem::exists(out));
}

BOOST_AUTO_TEST_CASE(unknown_names_are_named_with_the_nearest_known_one) {
  const TempFolder folder;
  refused(call(folder, {"trian"}), "nearest: 'train'");
  refused(call(folder, {}), "--help");
  refused(call(folder, {"train", "digit-vit"}), "nearest: 'digits-vit'");
  std::ofstream(folder / "bad.toml") << "[model]\nwidht = 32\n";
  refused(call(folder, {"train", (folder / "bad.toml").string()}),
          "unknown key 'model.widht' (nearest: 'model.width')");
  refused(call(folder, {"train", "digits-vit", "--model.style", "lipshitz"}), "lipshitz");
  refused(call(folder,
               {"train", "digits-vit", "--data.name", "digit", "--out", (folder / "x").string()}),
          "digits");
  BOOST_TEST(!std::filesystem::exists(folder / "x"));
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_refused_before_any_work) {
  const TempFolder folder;
  const std::string out = (folder / "x").string();
  refused(call(folder,
               {"train", "digits-vit", "--data.name", "synthetic", "--out", out, "--steps", "0"}),
          "steps");
  refused(call(folder, {"train", "digits-vit", "--data.name", "synthetic", "--out", out,
                        "--optimizer.lr", "nan"}),
          "lr");
  refused(call(folder, {"train", "digits-vit", "--data.name", "synthetic", "--out", out,
                        "--optimizer.lr", "0.9"}),
          "lr");
  refused(call(folder, {"train", "digits-vit", "--data.name", "synthetic", "--out", out,
                        "--model.heads", "5"}),
          "heads");
  refused(call(folder, {"train", "digits-vit", "--data.name", "synthetic", "--out", out, "--warmup",
                        "1.5"}),
          "warmup");
  refused(call(folder, {"train", "digits-vit", "--data.name", "synthetic", "--out", out,
                        "--constraint.w_max", "-1"}),
          "w_max");
  BOOST_TEST(!std::filesystem::exists(out));
}

BOOST_AUTO_TEST_CASE(a_missing_run_or_a_run_that_is_there_already) {
  const TempFolder folder;
  refused(call(folder, {"certify", (folder / "none").string()}), "none");
  refused(call(folder, {"compare"}), "RUN");
  const std::string run = trained(folder);
  const std::string before = slurp(folder / "run" / "checkpoint-best.h5");
  refused(call(folder, tiny_train("digits-mlp", "synthetic", run)), "--force");
  BOOST_TEST(slurp(folder / "run" / "checkpoint-best.h5") == before);
  // A bad option beside --force loses nothing either.
  auto forced = tiny_train("digits-mlp", "synthetic", run);
  forced.insert(forced.end(), {"--force", "--optimizer.lr", "0.9"});
  refused(call(folder, forced), "lr");
  BOOST_TEST(slurp(folder / "run" / "checkpoint-best.h5") == before);
}

BOOST_AUTO_TEST_CASE(kernels_cannot_be_checked_without_a_gpu) {
  if (at::globalContext().hasCUDA()) return skip("this machine has a GPU");
  const TempFolder folder;
  refused(call(folder, {"inspect", trained(folder), "--check-kernels"}), "");
}

BOOST_AUTO_TEST_CASE(a_device_that_is_not_there_loses_no_run) {
  const TempFolder folder;
  const std::string run = trained(folder);
  const std::string before = slurp(folder / "run" / "checkpoint-best.h5");
  auto elsewhere = tiny_train("digits-mlp", "synthetic", run);
  elsewhere.insert(elsewhere.end(), {"--force", "--device", "tpu"});
  refused(call(folder, elsewhere), "cuda");
  elsewhere.back() = "cuda";
  if (at::globalContext().hasCUDA()) return skip("this machine has a GPU");
  refused(call(folder, elsewhere), "no GPU");
  elsewhere.push_back("--dry-run");
  refused(call(folder, elsewhere), "no GPU");
  BOOST_TEST(slurp(folder / "run" / "checkpoint-best.h5") == before);
}

BOOST_AUTO_TEST_CASE(losses_and_constraints_are_checked_before_an_old_run_is_replaced) {
  const TempFolder folder;
  const std::string run = trained(folder);
  const std::string before = slurp(folder / "run" / "checkpoint-best.h5");
  const auto with = [&](const std::string& data, const std::string& option,
                        const std::string& value) {
    auto words = tiny_train(data == "synthetic" ? "digits-mlp" : "shakespeare-gpt", data, run);
    words.insert(words.end(), {"--force", option, value});
    return call(folder, words);
  };
  refused(with("synthetic", "--constraint.head", "hard"), "constraint.head");
  refused(with("synthetic", "--constraint.start", "1e300"), "constraint.start");
  auto lost = tiny_train("digits-mlp", "synthetic", run);
  lost.insert(lost.end(),
              {"--force", "--loss.certified_eps", "0.1", "--loss.threat", "every_token"});
  refused(call(folder, lost), "every_token");
  refused(with("synthetic", "--loss.temperature", "0"), "loss.temperature");
  refused(with("synthetic", "--optimizer.polar_steps", "4"), "modula6");
  refused(with("synthetic_text", "--data.flip", "true"), "data.flip");
  refused(with("synthetic_text", "--loss.adversarial_eps", "0.1"), "loss.adversarial_eps");
  BOOST_TEST(slurp(folder / "run" / "checkpoint-best.h5") == before);
}

BOOST_AUTO_TEST_CASE(a_damaged_checkpoint_is_one_line) {
  const TempFolder folder;
  const std::string run = trained(folder);
  const std::string whole = slurp(folder / "run" / "checkpoint-best.h5");
  for (const size_t length : {size_t{0}, size_t{7}, whole.size() / 2, whole.size() - 1}) {
    rewrite(folder, whole.substr(0, length));
    refused(call(folder, {"certify", run}), "checkpoint-best.h5");
  }
  rewrite(folder, std::string("not HDF5 at all"));
  refused(call(folder, {"attack", run}), "checkpoint-best.h5");
}

BOOST_AUTO_TEST_CASE(weights_with_nan_are_named) {
  const TempFolder folder;
  const std::string run = trained(folder);
  // Saving refuses NaN, so the bytes are changed in the file; without its seal it passes for
  // another program's.
  const auto checkpoint = taut::io::load_run_checkpoint(run, "best");
  const auto& head = std::get<taut::models::Linear>(checkpoint.network.layers.back().kind);
  const std::string stored(static_cast<const char*>(head.weight.const_data_ptr()), 64);
  std::string bytes = slurp(folder / "run" / "checkpoint-best.h5");
  const size_t place = bytes.find(stored);
  BOOST_REQUIRE(place != std::string::npos);
  const float nan = std::nanf("");
  bytes.replace(place, sizeof nan, reinterpret_cast<const char*>(&nan), sizeof nan);
  bytes.replace(0, 512, 512, '\0');
  rewrite(folder, bytes);
  refused(call(folder, {"certify", run}), "head.weight");
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written) {
  const TempFolder folder;
  std::ofstream(folder / "file") << "here";
  refused(call(folder, tiny_train("digits-mlp", "synthetic", (folder / "file" / "run").string())),
          "file");
  // A device that is always full.
  const std::string run = trained(folder);
  std::filesystem::create_symlink("/dev/full", folder / "full");
  refused(call(folder, {"compare", run, "--out", (folder / "full" / "report").string()}), "full");
}

// Through a shell, since call() has a file behind standard output.
BOOST_AUTO_TEST_CASE(output_that_is_lost_is_no_success) {
  const TempFolder folder;
  const std::string run = trained(folder);
  done(call(folder, {"certify", run}));
  std::ofstream(folder / "grid.toml") << fmt::format(
      "base = \"digits-mlp\"\nout = \"{}\"\n[grid]\nseed = [1]\n", (folder / "runs").string());
  const auto lost = [&](const std::string& words) {
    return finish(
        folder,
        start_program(folder, {"sh", "-c", fmt::format("{} {} >/dev/full", TAUT_PROGRAM, words)}));
  };
  const std::vector<std::string> calls = {
      "--help",
      "--version",
      "train --help",
      "train digits-mlp --print-config",
      "train digits-mlp --data.name synthetic --steps 2 --dry-run",
      "sweep " + (folder / "grid.toml").string() + " --list",
      "compare --frontier " + run,
      "inspect " + run,
      "data list"};
  for (const std::string& words : calls) {
    const Outcome outcome = lost(words);
    BOOST_TEST(outcome.status == 2, words);
    BOOST_TEST(contains(outcome.err, "taut: cannot write to"), words << ": " << outcome.err);
  }
  const std::string trained =
      lost("train digits-mlp --data.name synthetic --steps 2 --out " + (folder / "x").string()).err;
  BOOST_TEST(contains(trained, "taut: cannot write to"), trained);
  BOOST_TEST(std::filesystem::exists(folder / "x" / "checkpoint.h5"));
}

// What the check before the work cannot know.
BOOST_AUTO_TEST_CASE(running_out_of_memory_is_one_line) {
  using taut::cli::complaint_of;
  BOOST_TEST(contains(complaint_of(std::bad_alloc()), "out of memory: a smaller batch"));
  // As LibTorch says it; AddressSanitizer would not let it come to that.
  const std::runtime_error refused(
      "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
      "you tried to allocate 4096 bytes. Error code 12 (Cannot allocate memory)\nmore");
  BOOST_TEST(complaint_of(refused) ==
             "out of memory: cannot allocate 4096 bytes; a smaller batch or network needs less");
}

BOOST_AUTO_TEST_CASE(windows_beyond_the_image_are_refused) {
  const TempFolder folder;
  refused(call(folder, {"train", "digits-mlp", "--data.name", "synthetic", "--data.shift",
                        "2147483647", "--out", (folder / "x").string()}),
          "data.shift: expected at most the 4 pixels");
}

BOOST_AUTO_TEST_CASE(threats_and_sizes_are_checked) {
  const TempFolder folder;
  const std::string run = trained(folder);
  refused(call(folder, {"certify", run, "--threat", "every_token"}), "l2, linf");
  refused(call(folder, {"attack", run, "--eps", "8/0"}), "8/0");
  refused(call(folder, {"attack", run, "--eps", "-1"}), "-1");
  refused(call(folder, {"certify", run, "--relative", "true"}), "relative");
  refused(call(folder, {"certify", run, "--data", "synthetic_text"}), "does not fit");
  refused(call(folder, {"train", "--resume", run, "--steps", "50"}), "--resume");
}

BOOST_AUTO_TEST_CASE(an_empty_text_is_an_error) {
  const TempFolder folder;
  std::ofstream(folder / "empty.txt") << "";
  refused(call(folder, tiny_train("shakespeare-gpt", "text:" + (folder / "empty.txt").string(),
                                  (folder / "x").string())),
          "empty.txt");
}

BOOST_AUTO_TEST_SUITE_END()
