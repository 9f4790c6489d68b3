#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <thread>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "tests/cli/forked.hpp"

using namespace taut;
using namespace taut::test;

namespace {

std::map<std::string, at::Tensor> tensors_of(const models::Network& network) {
  std::map<std::string, at::Tensor> all;
  models::for_each_tensor(
      network, [&](const std::string& name, const at::Tensor& t, models::Role) { all[name] = t; });
  return all;
}

bool same_network(const models::Network& a, const models::Network& b) {
  const auto x = tensors_of(a), y = tensors_of(b);
  bool same = x.size() == y.size() && a.input == b.input;
  for (const auto& [name, t] : x) same = same && y.count(name) > 0 && at::equal(t, y.at(name));
  return same;
}

// Files that are neither whole nor named by anybody.
int litter(const std::filesystem::path& folder) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    count += entry.path().filename().string().find(".draft-") != std::string::npos ? 1 : 0;
  }
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(convert_test)

BOOST_AUTO_TEST_CASE(a_run_goes_to_safetensors_and_back) {
  const TempFolder folder;
  const std::string run = (folder / "run").string(), file = (folder / "w.safetensors").string(),
                    back = (folder / "back").string();
  BOOST_REQUIRE(call(folder, tiny_train("digits-vit", "synthetic", run)).status == 0);
  const Outcome out = done(call(folder, {"convert", run, file}));
  BOOST_TEST(contains(out.err, "wrote " + file), out.err);
  done(call(folder, {"convert", file, back}));
  const io::Checkpoint a = io::load_run_checkpoint(run, "best"),
                       b = io::load_run_checkpoint(back, "best");
  BOOST_TEST(same_network(a.network, b.network));
  BOOST_TEST(a.config == b.config);
  BOOST_TEST((a.provenance == b.provenance));
  // The file, the run made of it and the run itself are certified alike.
  for (const std::string& model : {run, back, file}) done(call(folder, {"certify", model}));
  const auto first = io::load_certificate(folder / "run" / "certificate.h5");
  for (const char* other : {"back", "w.taut"}) {
    const auto certificate = io::load_certificate(folder / other / "certificate.h5");
    BOOST_TEST(at::equal(certificate.threats[0].radius, first.threats[0].radius));
    BOOST_TEST(at::equal(certificate.threats[0].radius_deployed, first.threats[0].radius_deployed));
    BOOST_TEST(certificate.threats[0].constant == first.threats[0].constant);
  }
  // A run from a file of weights has no optimizer to go on with.
  refused(call(folder, {"train", "--resume", back}), "holds weights only");
  refused(call(folder, {"train", "--resume", file}), "folder");
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_and_directions_are_clear) {
  const TempFolder folder;
  const std::string run = (folder / "run").string(), file = (folder / "w.safetensors").string();
  BOOST_REQUIRE(call(folder, tiny_train("digits-mlp", "synthetic", run)).status == 0);
  refused(call(folder, {"convert", run}), "IN and OUT");
  refused(call(folder, {"convert", run, (folder / "x").string()}), ".safetensors");
  refused(call(folder, {"convert", (folder / "none").string(), file}), "none");
  refused(call(folder, {"convert", run, (folder / "none" / "w.safetensors").string()}), "none");
  std::ofstream(file) << "precious";
  refused(call(folder, {"convert", run, file}), "--force");
  BOOST_TEST(slurp(file) == "precious");
  // What cannot be read replaces nothing.
  const std::string before = slurp(folder / "run" / "checkpoint-best.h5");
  refused(call(folder, {"convert", file, run, "--force"}), "w.safetensors");
  BOOST_TEST(slurp(folder / "run" / "checkpoint-best.h5") == before);
  done(call(folder, {"convert", run, file, "--force"}));
  refused(call(folder, {"convert", file, run}), "--force");
}

// Killed at any moment, convert leaves the whole file or none; the next one tidies up.
BOOST_AUTO_TEST_CASE(a_killed_convert_leaves_no_half_file) {
  const TempFolder folder;
  const at::Tensor big = at::ones({4096, 4096});
  io::TensorFile weights;
  for (int i = 0; i < 4; ++i) weights.tensors[fmt::format("{}.weight", 2 * i)] = big;
  io::write_safetensors(folder / "in.safetensors", weights);
  std::filesystem::create_directory(folder / "to");
  const std::string in = (folder / "in.safetensors").string(),
                    out = (folder / "to" / "out.safetensors").string();
  const std::vector<std::string> words = {"convert",      in,    out, "--model", "mlp", "--force",
                                          "--activation", "relu"};
  done(call(folder, words));
  const auto whole = std::filesystem::file_size(out);
  std::filesystem::remove(out);
  int killed = 0, drafts = 0;
  for (int i = 0; i < 12; ++i) {
    const pid_t child = start_call(folder, words);
    // Spread over the time that a whole conversion takes; later ones wait for the draft itself.
    if (i % 2 == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(150 * (i + 1)));
    } else {
      for (int k = 0; k < 5000 && litter(folder / "to") == 0; ++k)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    kill(child, SIGKILL);
    killed += finish(folder, child).status == 128 + SIGKILL ? 1 : 0;
    drafts += litter(folder / "to");
    if (std::filesystem::exists(out)) {
      BOOST_TEST(std::filesystem::file_size(out) == whole);
      std::filesystem::remove(out);
    }
  }
  BOOST_TEST(killed > 0);
  BOOST_TEST(drafts > 0);
  done(call(folder, words));
  BOOST_TEST(litter(folder / "to") == 0);
}

BOOST_AUTO_TEST_SUITE_END()
