#include <numeric>

#include "src/cli/checks.hpp"
#include "src/cli/complaint.hpp"
#include "src/cli/config.hpp"
#include "src/cli/options.hpp"
#include "src/cli/sweep_state.hpp"
#include "src/cli/training.hpp"
#include "src/cli/verbs.hpp"
#include "src/core/core.hpp"
#include "src/io/folder_lock.hpp"
#include "src/team/team.hpp"

namespace taut::cli {
namespace {

struct SweepCall {
  std::string grid;
  int64_t index = -1;  // -1: every point
  bool list = false, json = false;
};

std::vector<size_t> chosen_points(const SweepCall& call, const Grid& grid) {
  if (call.index >= 0) {
    require(call.index < static_cast<int64_t>(grid.points.size()),
            "--index: expected 0 to {}, the points of {}, got {}", grid.points.size() - 1,
            call.grid, call.index);
    return {static_cast<size_t>(call.index)};
  }
  std::vector<size_t> all(grid.points.size());
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

// Whether the point is finished now; false: stopped by the user.
bool train_point(const Grid& grid, const Point& point) {
  const std::filesystem::path folder = grid.out / point.name;
  const io::FolderLock lock(folder);  // two sweeps of one grid, or two jobs of one index
  const Stored stored = stored_run(grid, point);
  switch (stored.progress) {
    case Progress::finished:
      return true;
    case Progress::foreign:
      fail("{} is not this run, and is left alone: {}", folder.string(), stored.why);
    case Progress::damaged:
      fail("{} is damaged, and is left alone: {}", folder.string(), stored.why);
    case Progress::unfinished:
      if (stored.resumable) return !train_on(folder, Locked::by_caller).interrupted;
      // Stopped before its first checkpoint: nothing to go on from, nothing to lose.
      return !train_afresh(folder, point.options, point.config, true, Locked::by_caller)
                  .interrupted;
    case Progress::missing:
      return !train_afresh(folder, point.options, point.config, false, Locked::by_caller)
                  .interrupted;
  }
  return false;
}

// How many points failed; none after an interrupt.
std::optional<size_t> train_points(const Grid& grid, const std::vector<size_t>& chosen) {
  size_t failed = 0;
  for (const size_t i : chosen) {
    const Point& point = grid.points[i];
    if (interrupted()) return std::nullopt;
    say("point {} of 0 to {}: {}", i, grid.points.size() - 1, point.name);
    try {
      if (!train_point(grid, point)) return std::nullopt;
    } catch (const std::exception& error) {  // a point too large for memory, say: others may fit
      say("point {} failed: {}", i, complaint_of(error));
      ++failed;
    }
  }
  return failed;
}

void print(const SweepCall& call, const Grid& grid, const std::vector<size_t>& chosen) {
  if (call.json) {
    fmt::print("{}\n", sweep_json(grid, chosen));
  } else {
    fmt::print("{}", report::to_text(call.list ? list_of(grid, chosen) : results_of(grid, chosen)));
  }
  std::fflush(stdout);
}

int run_sweep(const SweepCall& call) {
  require(!call.grid.empty(), "expected GRID.toml");
  const Grid grid = read_grid(call.grid);
  const std::vector<size_t> chosen = chosen_points(call, grid);
  if (call.list) {
    print(call, grid, chosen);
    return 0;
  }
  require(team::world().size == 1,
          "sweep trains its points in one process, not in {}; start taut train under mpirun, or a "
          "job for every --index",
          team::world().size);
  const std::optional<size_t> failed = train_points(grid, chosen);
  print(call, grid, chosen);
  if (!failed) {
    say("interrupted; the same command goes on");
    return kInterrupted;
  }
  if (*failed > 0) say("{} of {} points failed", *failed, chosen.size());
  return *failed > 0 ? 2 : 0;
}

}  // namespace

Run bind_sweep(CLI::App& command) {
  auto call = std::make_shared<SweepCall>();
  command.add_option("GRID", call->grid, "a .toml file: base, out, set, grid, point")
      ->group(kCallGroup);
  command.add_option("--index", call->index, "train this point alone, counted from 0")
      ->check(whole_number(0, int64_t{1} << 30))
      ->group(kCallGroup);
  command.add_flag("--list", call->list, "print the points and what is there of them, and stop")
      ->group(kCallGroup);
  add_json(command, call->json);
  return [call] { return run_sweep(*call); };
}

}  // namespace taut::cli
