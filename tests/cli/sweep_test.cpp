#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "src/io/folder_lock.hpp"
#include "src/io/io.hpp"
#include "tests/cli/forked.hpp"

using namespace taut::test;

namespace {

constexpr const char* kTiny =
    "[set]\ndata.name = \"synthetic\"\nsteps = 12\nbatch = 16\nmodel.width = 16\n"
    "evaluate_every = 4\ncheckpoint_every = 4\nkeep = 3\n";

// A grid file whose runs lie in `runs` beside it.
std::string written(const TempFolder& folder, const std::string& points,
                    const std::string& shared = kTiny) {
  const std::filesystem::path path = folder / "grid.toml";
  std::ofstream(path) << fmt::format("base = \"digits-mlp\"\nout = \"{}\"\n{}{}",
                                     (folder / "runs").string(), shared, points);
  return path.string();
}

const std::string kTwoCaps = "[grid]\nconstraint.w_max = [0.5, 1.0]\n";

nlohmann::json listed(const TempFolder& folder, const std::string& grid) {
  return nlohmann::json::parse(done(call(folder, {"sweep", grid, "--list", "--json"})).out);
}

std::string state(const nlohmann::json& list, size_t point) {
  return list.at(point).at("state").get<std::string>();
}

std::vector<at::Tensor> weights(const std::filesystem::path& run) {
  std::vector<at::Tensor> all;
  taut::models::for_each_tensor(
      taut::io::load_run_checkpoint(run, "last").network,
      [&](const std::string&, const at::Tensor& w, taut::models::Role) { all.push_back(w); });
  return all;
}

bool same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const at::Tensor& x, const at::Tensor& y) { return at::equal(x, y); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sweep_test)

BOOST_AUTO_TEST_CASE(points_are_numbered_trained_one_by_one_and_skipped_when_finished) {
  const TempFolder folder;
  const std::string grid =
      written(folder, kTwoCaps +
                          "seed = [3, 4]\n[[point]]\nname = \"free\"\nseed = 3\n"
                          "optimizer.name = \"adamw\"\nconstraint.name = \"none\"\n");
  auto list = listed(folder, grid);
  BOOST_TEST_REQUIRE(list.size() == 5u);
  BOOST_TEST(list[1]["name"] == "constraint.w_max=0.5,seed=4");
  BOOST_TEST(list[2]["name"] == "constraint.w_max=1,seed=3");
  BOOST_TEST(list[4]["name"] == "free");
  BOOST_TEST(list[4]["options"]["steps"] == "12");
  BOOST_TEST(!std::filesystem::exists(folder / "runs"));

  done(call(folder, {"sweep", grid, "--index", "2"}));
  list = listed(folder, grid);
  for (const size_t i : {0, 1, 3, 4}) BOOST_TEST(state(list, i) == "missing");
  BOOST_TEST(state(list, 2) == "finished");

  const std::filesystem::path two = folder / "runs" / "constraint.w_max=1,seed=3";
  const auto before = std::filesystem::last_write_time(two / "checkpoint.h5");
  const Outcome all = done(call(folder, {"sweep", grid}));
  BOOST_TEST((std::filesystem::last_write_time(two / "checkpoint.h5") == before));
  BOOST_TEST(contains(all.out, "l2, pixels in [0, 1] -> l2, last hidden token"));
  BOOST_TEST(std::count(all.out.begin(), all.out.end(), '%') == 5);
  list = listed(folder, grid);
  for (size_t i = 0; i < 5; ++i) {
    BOOST_TEST(state(list, i) == "finished");
    const auto last = taut::io::load_run_checkpoint(list[i]["run"].get<std::string>(), "last");
    BOOST_TEST(list[i]["accuracy"].get<double>() == last.numbers.at("validation_accuracy"));
    BOOST_TEST(list[i]["log10_bound"].get<double>() == last.numbers.at("log10_bound"));
  }
}

BOOST_AUTO_TEST_CASE(a_point_is_the_run_that_taut_train_makes) {
  const TempFolder folder;
  done(call(folder, {"sweep", written(folder, kTwoCaps), "--index", "0"}));
  const std::string alone = (folder / "alone").string();
  done(call(folder, {"train",
                     "digits-mlp",
                     "--out",
                     alone,
                     "--data.name",
                     "synthetic",
                     "--steps",
                     "12",
                     "--batch",
                     "16",
                     "--model.width",
                     "16",
                     "--evaluate_every",
                     "4",
                     "--checkpoint_every",
                     "4",
                     "--keep",
                     "3",
                     "--constraint.w_max",
                     "0.5"}));
  const std::filesystem::path point = folder / "runs" / "constraint.w_max=0.5";
  BOOST_TEST(taut::io::load_run_checkpoint(point, "last").config ==
             taut::io::load_run_checkpoint(alone, "last").config);
  BOOST_TEST(same(weights(point), weights(alone)));
}

BOOST_AUTO_TEST_CASE(an_unfinished_point_goes_on_from_its_checkpoint) {
  const TempFolder folder;
  const std::string grid = written(folder, kTwoCaps);
  done(call(folder, {"sweep", grid}));
  const std::filesystem::path cut = folder / "runs" / "constraint.w_max=0.5",
                              bare = folder / "runs" / "constraint.w_max=1";
  const auto whole = weights(cut), other = weights(bare);
  std::filesystem::remove(cut / "checkpoint.h5");
  std::filesystem::copy_file(cut / "checkpoint-4.h5", cut / "checkpoint.h5");
  // Killed before its first checkpoint: only what names the run is left.
  for (const auto& file : std::filesystem::directory_iterator(bare)) {
    if (file.path().filename() != "run.json") std::filesystem::remove(file.path());
  }
  const Outcome list = done(call(folder, {"sweep", grid, "--list"}));
  BOOST_TEST(contains(list.out, "unfinished (4 of 12 steps)"));
  BOOST_TEST(contains(list.out, "unfinished (0 of 12 steps)"));
  const Outcome resumed = done(call(folder, {"sweep", grid}));
  BOOST_TEST(!contains(resumed.err.substr(0, resumed.err.find("point 1")), "\n1/12"));
  BOOST_TEST(same(weights(cut), whole));
  BOOST_TEST(same(weights(bare), other));
  for (const size_t i : {0, 1}) BOOST_TEST(state(listed(folder, grid), i) == "finished");
}

BOOST_AUTO_TEST_CASE(a_run_of_other_options_is_refused_kept_and_stops_no_other_point) {
  const TempFolder folder;
  done(call(folder, {"sweep", written(folder, kTwoCaps), "--index", "0"}));
  const std::filesystem::path old = folder / "runs" / "constraint.w_max=0.5" / "checkpoint.h5";
  const std::string before = slurp(old);
  const std::string grid = written(folder, "seed = 9\n" + kTwoCaps);
  const Outcome swept = call(folder, {"sweep", grid});
  BOOST_TEST(swept.status == 2);
  BOOST_TEST(contains(swept.err, "seed is 0 there, 9 in the grid"));
  BOOST_TEST(contains(swept.err, "1 of 2 points failed"));
  BOOST_TEST(slurp(old) == before);
  const auto list = listed(folder, grid);
  BOOST_TEST(state(list, 0) == "another run");
  BOOST_TEST(list[0]["accuracy"].is_null());
  BOOST_TEST(state(list, 1) == "finished");
  // A number spelled otherwise is the same number.
  const std::string spelled = written(folder, "[grid]\nconstraint.w_max = [\"5e-1\"]\n");
  std::filesystem::rename(folder / "runs" / "constraint.w_max=0.5",
                          folder / "runs" / "constraint.w_max=5e-1");
  BOOST_TEST(state(listed(folder, spelled), 0) == "finished");
  // What cannot be read is not trained over either.
  std::ofstream(folder / "runs" / "constraint.w_max=5e-1" / "checkpoint.h5") << "no HDF5";
  BOOST_TEST(call(folder, {"sweep", spelled}).status == 2);
  BOOST_TEST(slurp(folder / "runs" / "constraint.w_max=5e-1" / "checkpoint.h5") == "no HDF5");
  BOOST_TEST(state(listed(folder, spelled), 0) == "damaged");
  BOOST_TEST(listed(folder, spelled)[0]["accuracy"].is_null());
}

BOOST_AUTO_TEST_CASE(a_failing_point_shows_in_the_exit_status_alone) {
  const TempFolder folder;
  const std::string grid = written(folder,
                                   "[[point]]\nname = \"bad\"\nloss.threat = \"every_token\"\n"
                                   "[[point]]\nname = \"good\"\n");
  const Outcome swept = call(folder, {"sweep", grid});
  BOOST_TEST(swept.status == 2);
  BOOST_TEST(contains(swept.err, "point 0 failed:"));
  BOOST_TEST(contains(swept.err, "every_token"));
  const auto list = listed(folder, grid);
  BOOST_TEST(state(list, 0) == "missing");
  BOOST_TEST(state(list, 1) == "finished");
}

BOOST_AUTO_TEST_CASE(two_processes_never_train_one_point) {
  const TempFolder folder;
  const std::string grid = written(folder, kTwoCaps);
  {
    const taut::io::FolderLock lock(folder / "runs" / "constraint.w_max=0.5");
    const Outcome swept = call(folder, {"sweep", grid});
    BOOST_TEST(swept.status == 2);
    BOOST_TEST(contains(swept.err, "point 0 failed: another process works in"));
    const auto list = listed(folder, grid);
    BOOST_TEST(state(list, 0) == "missing");
    BOOST_TEST(state(list, 1) == "finished");
  }
  done(call(folder, {"sweep", grid}));
  BOOST_TEST(state(listed(folder, grid), 0) == "finished");
}

BOOST_AUTO_TEST_CASE(ctrl_c_stops_the_sweep_and_the_same_command_goes_on) {
  const TempFolder folder;
  const std::string shared =
      "[set]\ndata.name = \"synthetic\"\nsteps = 2000\nbatch = 16\nmodel.width = 16\n"
      "evaluate_every = 1000\ncheckpoint_every = 100\n";
  const std::string grid = written(folder, kTwoCaps, shared);
  const pid_t child = start_call(folder, {"sweep", grid});
  const std::filesystem::path first = folder / "runs" / "constraint.w_max=0.5";
  while (!std::filesystem::exists(first / "checkpoint.h5"))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kill(child, SIGINT);
  const Outcome stopped = finish(folder, child);
  BOOST_TEST(stopped.status == 130, stopped.err);
  BOOST_TEST(contains(stopped.err, "the same command goes on"));
  BOOST_TEST(!std::filesystem::exists(folder / "runs" / "constraint.w_max=1"));
  BOOST_TEST(state(listed(folder, grid), 0) == "unfinished");
  // A last point that is stopped is not a finished one.
  const pid_t alone = start_call(folder, {"sweep", grid, "--index", "0"});
  while (!contains(slurp(folder / "err"), "point 0"))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kill(alone, SIGINT);
  BOOST_TEST(finish(folder, alone).status == 130);
  done(call(folder, {"sweep", grid}));
  for (const size_t i : {0, 1}) BOOST_TEST(state(listed(folder, grid), i) == "finished");
}

BOOST_AUTO_TEST_CASE(bad_grids_are_one_line_before_any_work) {
  const TempFolder folder;
  const auto refused_as = [&](const std::string& points, const std::string& part) {
    refused(call(folder, {"sweep", written(folder, points)}), part);
  };
  refused_as("", "no points");
  refused_as("[grid]\n", "no points");
  refused_as("[grid]\nseed = []\n", "'seed': expected a list of at least one value");
  refused_as("[grid]\nseed = 1\n", "'seed': expected a list");
  refused_as("[grid]\nseed = [[1]]\n", "'seed': expected a text, a number, true or false");
  refused_as("[grid]\nconstraint.w_mx = [1]\n", "nearest: 'constraint.w_max'");
  refused_as("[grid]\nsteps = [5]\n", "'steps' is given twice");
  refused_as("[grid]\nseed = [1, 1]\n", "have one name");
  refused_as("[grid]\nconstraint.w_max = [1, \"1e0\"]\n", "are the same run");
  refused_as("[grid]\nconstraint.w_max = [-1]\n", "w_max");
  refused_as("[grid]\noptimizer.lr = [nan]\n", "optimizer.lr");
  refused_as("[grid]\noptimizer.lr = [0.1, 0.9]\n", "optimizer.lr=0.9");
  refused_as("[grid]\nseed = [2020-01-01]\n", "no date");
  refused_as("[grid]\nseed = [1\n", "line");
  refused_as("[grid]\ndata.name = [\"a\\nsteps = 1\"]\n",
             "'data.name': expected a text of one line");
  refused_as("[grids]\nseed = [1]\n", "nearest: 'grid'");
  refused_as("[[point]]\nname = \"../up\"\nseed = 1\n", "'name'");
  refused_as("[[point]]\nname = 5\n", "'name'");
  refused_as("[[point]]\n", "says nothing");
  refused_as("[point]\nseed = 1\n", "[[point]]");
  std::string many = "[grid]\n";
  for (const char* key : {"seed", "keep2", "a", "b"}) {
    many += fmt::format("{} = [0", key);
    for (int i = 1; i < 20; ++i) many += fmt::format(", {}", i);
    many += "]\n";
  }
  refused_as(many, "more than 10000 points");
  refused(call(folder, {"sweep"}), "GRID.toml");
  refused(call(folder, {"sweep", (folder / "none.toml").string()}), "none.toml");
  refused(call(folder, {"sweep", written(folder, kTwoCaps), "--index", "2"}), "0 to 1");
  refused(call(folder, {"sweep", written(folder, kTwoCaps), "--index", "-1"}), "--index");
  BOOST_TEST(!std::filesystem::exists(folder / "runs"));
}

BOOST_AUTO_TEST_SUITE_END()
