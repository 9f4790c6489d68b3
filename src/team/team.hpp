#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

// The processes ("ranks") of one job that a launcher such as mpirun or srun started together. A
// team of one costs nothing: every function below returns at once.
namespace taut::team {

struct Team {
  int rank = 0, size = 1;
};

// Starts MPI where a launcher says that there are other ranks. Error when they cannot be reached: a
// build without MPI, a launcher that speaks another protocol.
Team join();

// What join() found; before it, a team of one.
Team world();

// The end of every rank, and the exit status of the process. Waits until the others have come here
// too. Of those with a complaint the lowest rank writes it to stderr, a line; a rank that waits in
// vain, because the others wait for what it did not send, says it and ends the job.
int finish(int status, const std::string& complaint);

// How many of the ranks before this one run on its machine. Every rank calls it.
int place_on_machine(const Team& team);

std::string mpi_version();  // "Open MPI v4.1.4"; "not in this build"

// A transfer under way, which keeps its tensors. Dropped before its end, as an error does, it keeps
// them for good: MPI may still write to it.
class Pending {
 public:
  void wait();
  void poll();  // MPI moves nothing by itself: something has to call it

  struct Transfer;
  std::shared_ptr<Transfer> transfer;  // none: done
};

// Every rank calls the same transfers in the same order, with contiguous tensors of the same shape
// and type: fp32, fp64, int64, bytes or bools; of the CPU, or of a GPU of each rank's own.

// The parts of all ranks, in their order, in `all` (ranks, ...) of `owner`; of the others `all` is
// undefined.
Pending start_gather(const Team& team, const at::Tensor& part, const at::Tensor& all, int owner);
// The tensor of `owner` in those of all.
Pending start_broadcast(const Team& team, const at::Tensor& tensor, int owner);

void broadcast(const Team& team, const at::Tensor& tensor, int owner);
// Summed in the order of the ranks, with the same bits on each.
void sum(const Team& team, const at::Tensor& tensor);
// Whether it is true of any rank.
bool any(const Team& team, bool mine);

// Does `work` on the first rank alone. When that throws an Error, every rank does.
void on_first(const Team& team, const std::function<void()>& work);

// Error on every rank unless all have the same text; `what` it is about.
void require_same(const Team& team, const std::string& text, const char* what);

// The part of `total` things in a row that a rank takes; parts differ by one at most.
struct Share {
  int64_t first = 0, count = 0;
};
Share share_of(const Team& team, int64_t total);

}  // namespace taut::team
