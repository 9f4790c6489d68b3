#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/foreign.hpp"
#include "tests/cli/forked.hpp"

using namespace taut::test;

namespace {

std::string trained(const TempFolder& folder, const std::string& name,
                    const std::vector<std::string>& more, bool certified = true) {
  const std::string run = (folder / name).string();
  auto words = tiny_train("digits-mlp", "synthetic", run);
  words.insert(words.end(), more.begin(), more.end());
  done(call(folder, words));
  if (certified) done(call(folder, {"certify", run}));
  return run;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(frontier_test)

BOOST_AUTO_TEST_CASE(certified_runs_become_rows_and_one_plot) {
  const TempFolder folder;
  const std::string a = trained(folder, "a", {}),
                    b = trained(folder, "b", {"--constraint.w_max", "0.5"}),
                    c = trained(folder, "c",
                                {"--constraint.name", "none", "--optimizer.weight_decay", "0.1"}),
                    bare = trained(folder, "bare", {}, false);
  const std::string svg = (folder / "front.svg").string();
  const Outcome table = done(call(folder, {"compare", "--frontier", a, b, c, bare, "--out", svg}));
  BOOST_TEST(contains(table.out, "K: l2, pixels in [0, 1] -> l2, last hidden token"));
  BOOST_TEST(contains(table.out, "muon + soft_cap"));
  BOOST_TEST(contains(table.out, "muon + weight_decay"));
  BOOST_TEST(contains(table.out, "certified at 0.003 of the pixel range"));
  BOOST_TEST(std::count(table.out.begin(), table.out.end(), '\n') == 6);
  BOOST_TEST(contains(table.err, "bare: not certified, left out"));
  BOOST_TEST(contains(slurp(svg), "<?xml"));
  BOOST_TEST(contains(slurp(svg), "muon + soft_cap"));
  BOOST_TEST(!std::filesystem::exists(folder / "a" / "report"));

  const Outcome json = done(call(folder, {"compare", "--frontier", a + "/", b, "--json", "--threat",
                                          "linf", "--relative_eps", "1/50"}));
  const auto runs = nlohmann::json::parse(json.out).at("runs");
  BOOST_TEST_REQUIRE(runs.size() == 2u);
  BOOST_TEST(runs[0].at("run") == "a");
  for (const auto& run : runs) {
    const auto certificate =
        taut::io::load_certificate(folder / run.at("run").get<std::string>() / "certificate.h5");
    const auto& linf = certificate.threats.at(1);
    BOOST_TEST(run.at("log10_constant").get<double>() == linf.log10_constant);
    const at::Tensor right = certificate.label == certificate.prediction;
    const auto proved = (right & (linf.radius > 0.02)).sum().item<int64_t>();
    BOOST_TEST(run.at("certified_accuracy").get<double>() ==
               static_cast<double>(proved) / static_cast<double>(right.numel()));
    BOOST_TEST(run.at("accuracy").get<double>() ==
               static_cast<double>(right.sum().item<int64_t>()) /
                   static_cast<double>(right.numel()));
  }
}

BOOST_AUTO_TEST_CASE(pixels_are_measured_by_their_range) {
  const TempFolder folder;
  const std::string run = trained(folder, "a", {});
  const Outcome l2 =
      done(call(folder, {"compare", "--frontier", run, "--json", "--relative_eps", "0.5"}));
  // 4 x 4 pixels in [0, 1]: all moved by the whole range is 4 in l2.
  BOOST_TEST(nlohmann::json::parse(l2.out)["runs"][0]["eps"].get<double>() == 2.0,
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(embeddings_are_measured_by_their_rms) {
  const TempFolder folder;
  const std::string run = (folder / "gpt").string();
  done(call(folder, tiny_train("shakespeare-gpt", "synthetic_text", run)));
  done(call(folder, {"certify", run, "--examples", "4"}));
  const Outcome out = done(call(folder, {"compare", "--frontier", run, "--json"}));
  const double rms = taut::io::load_certificate(folder / "gpt" / "certificate.h5").embedding_rms;
  BOOST_TEST(nlohmann::json::parse(out.out)["runs"][0]["eps"].get<double>() == 0.003 * rms * 4,
             boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(foreign_weights_have_a_row_and_other_data_none) {
  const TempFolder folder;
  const std::string run = trained(folder, "a", {}), file = saved(folder, sequential());
  done(call(folder, {"certify", file, "--data", "synthetic"}, kMlp));
  const Outcome both = done(call(folder, {"compare", "--frontier", run, file}));
  BOOST_TEST(contains(both.out, "foreign weights"));
  BOOST_TEST(contains(both.out, "muon + soft_cap"));
  const std::string examples = (folder / "rows.safetensors").string();
  taut::io::write_safetensors(
      examples, {{}, {{"input", at::rand({6, 1, 4, 4})}, {"label", at::zeros({6}, at::kLong)}}});
  done(call(folder, {"certify", file, "--data", examples}));
  const Outcome one = done(call(folder, {"compare", "--frontier", run, file}));
  BOOST_TEST(!contains(one.out, "foreign weights"));
  BOOST_TEST(contains(one.err, "about other examples"));
}

// As runs/* has it.
BOOST_AUTO_TEST_CASE(what_is_no_run_or_damaged_is_left_out) {
  const TempFolder folder;
  const std::string run = trained(folder, "a", {}), torn = trained(folder, "torn", {}),
                    cut = trained(folder, "cut", {}, false), empty = (folder / "empty").string(),
                    stray = (folder / "stray.txt").string();
  std::filesystem::create_directory(empty);
  std::ofstream(stray) << "notes";
  std::ofstream(folder / "torn" / "certificate.h5") << "no HDF5";
  std::ofstream(folder / "cut" / "checkpoint-best.h5") << "no HDF5";
  const Outcome out = done(call(folder, {"compare", "--frontier", empty, run, stray, torn, cut}));
  BOOST_TEST(std::count(out.out.begin(), out.out.end(), '%') == 2, out.out);
  for (const std::string& left : {empty, stray, torn, cut}) BOOST_TEST(contains(out.err, left));
  BOOST_TEST(std::count(out.err.begin(), out.err.end(), '\n') == 4, out.err);
  const Outcome none = call(folder, {"compare", "--frontier", empty, stray});
  BOOST_TEST(none.status == 2);
  BOOST_TEST(contains(none.err, "got 2 paths of which none can be opened"));
  refused(call(folder, {"compare", "--frontier", empty}), "holds no checkpoint.h5");
}

BOOST_AUTO_TEST_CASE(wrong_calls_are_one_line) {
  const TempFolder folder;
  const std::string run = trained(folder, "a", {});
  refused(call(folder, {"compare", "--frontier"}), "RUN");
  refused(call(folder, {"compare", "--frontier", run, "--out", (folder / "report").string()}),
          ".svg");
  refused(call(folder, {"compare", "--frontier", run, "--eps", "0.1"}), "--relative_eps");
  for (const char* size : {"0", "-1", "nan", "1/0", "x"}) {
    refused(call(folder, {"compare", "--frontier", run, "--relative_eps", size}), size);
  }
  refused(call(folder, {"compare", run, "--relative_eps", "0.1"}), "--frontier");
  refused(call(folder,
               {"compare", "--frontier", run, "--out", (folder / "none" / "front.svg").string()}),
          "none");
  const Outcome threat = call(folder, {"compare", "--frontier", run, "--threat", "every_token"});
  BOOST_TEST(threat.status == 2);
  BOOST_TEST(contains(threat.err, "no run to compare is certified against every_token"));
  std::filesystem::remove(folder / "a" / "certificate.h5");
  BOOST_TEST(call(folder, {"compare", "--frontier", run}).status == 2);
}

BOOST_AUTO_TEST_SUITE_END()
