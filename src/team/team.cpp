#include "src/team/team.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>

#include "src/core/core.hpp"
#include "src/team/launcher.hpp"
#include "src/team/transport.hpp"

namespace taut::team {
namespace {

// MPI is one thing of the whole process, and so is the team that it makes.
Team joined;

void complain(const std::string& complaint) {
  if (!complaint.empty()) fmt::print(stderr, "{}\n", complaint);
  std::fflush(nullptr);
}

// The text of the first rank.
std::string spread(const Team& team, const std::string& text) {
  const at::Tensor length = at::full({1}, static_cast<int64_t>(text.size()), at::kLong);
  broadcast(team, length, 0);
  const at::Tensor bytes = at::empty({length.item<int64_t>()}, at::kByte);
  char* const data = reinterpret_cast<char*>(bytes.data_ptr());
  if (team.rank == 0) text.copy(data, text.size());
  broadcast(team, bytes, 0);
  return {data, static_cast<size_t>(bytes.numel())};
}

}  // namespace

Team join() {
  const Launch found = launch();
  // A shell that srun started alone passes its variables on to everything it runs.
  if (found.size == 1 || (!found.started && found.size == 0)) return joined;
  require(
      found.started,
      "srun started {} processes that do not know of each other: srun --mpi=pmix (srun --mpi=list "
      "shows what there is)",
      found.size);
  Team team;
  require(
      start_transport(team),
      "this taut was built without MPI and runs as one process: install libopenmpi-dev and build "
      "it again");
  joined = team;
  require(found.size == 0 || found.size == team.size,
          "the launcher started {} processes, MPI knows of {}: it is the launcher of another MPI",
          found.size, team.size);
  return joined;
}

Team world() { return joined; }

int finish(int status, const std::string& complaint) {
  if (joined.size == 1) {
    // Processes that could not join have no other way to agree.
    if (launch().rank == 0) complain(complaint);
    stop_transport();
    return status;
  }
  const int speaker = agree_on_the_end(joined, !complaint.empty());
  if (speaker < 0 || speaker == joined.rank) complain(complaint);
  if (speaker < 0) end_job(status);
  std::fflush(nullptr);
  stop_transport();
  return status;
}

void broadcast(const Team& team, const at::Tensor& tensor, int owner) {
  start_broadcast(team, tensor, owner).wait();
}

// MPI's own sums are rounded as their implementation likes.
void sum(const Team& team, const at::Tensor& tensor) {
  if (team.size == 1) return;
  std::vector<int64_t> shape = tensor.sizes().vec();
  shape.insert(shape.begin(), team.size);
  const at::Tensor all = team.rank == 0 ? at::empty(shape, tensor.options()) : at::Tensor();
  start_gather(team, tensor, all, 0).wait();
  for (int rank = 1; team.rank == 0 && rank < team.size; ++rank) tensor.add_(all[rank]);
  broadcast(team, tensor, 0);
}

bool any(const Team& team, bool mine) {
  if (team.size == 1) return mine;
  const at::Tensor count = at::full({1}, mine ? 1 : 0, at::kLong);
  sum(team, count);
  return count.item<int64_t>() > 0;
}

void on_first(const Team& team, const std::function<void()>& work) {
  if (team.size == 1) return work();
  std::string problem;
  if (team.rank == 0) {
    try {
      work();
    } catch (const Error& error) {
      problem = error.what();
      if (problem.empty()) problem = "failed";
    }
  }
  problem = spread(team, problem);
  require(problem.empty(), "{}", problem);
}

void require_same(const Team& team, const std::string& text, const char* what) {
  if (team.size == 1) return;
  const bool differs = spread(team, text) != text;
  require(!any(team, differs), "the ranks do not have the same {}", what);
}

Share share_of(const Team& team, int64_t total) {
  const int64_t least = total / team.size, more = total % team.size, rank = team.rank;
  return {rank * least + std::min(rank, more), least + (rank < more ? 1 : 0)};
}

}  // namespace taut::team
