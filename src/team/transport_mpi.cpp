#include <ATen/ATen.h>
#include <mpi.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

#include "src/core/core.hpp"
#include "src/team/device.hpp"
#include "src/team/pending.hpp"
#include "src/team/transport.hpp"

namespace taut::team {

namespace {

// Counts of MPI are ints.
constexpr int64_t kMostAtOnce = int64_t{1} << 30;

bool running = false;
// The agreement on the end comes while other ranks may wait in a transfer: it needs room of its
// own.
MPI_Comm data_room = MPI_COMM_NULL, end_room = MPI_COMM_NULL;

MPI_Datatype type_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return MPI_FLOAT;
    case at::kDouble:
      return MPI_DOUBLE;
    case at::kLong:
      return MPI_INT64_T;
    case at::kByte:
      return MPI_UINT8_T;
    case at::kBool:
      return MPI_CXX_BOOL;
    default:
      fail("ranks exchange no tensors of type {}", toString(tensor.scalar_type()));
  }
}

}  // namespace

void Pending::wait() {
  if (!transfer) return;
  if (transfer->join) std::exchange(transfer->join, {})();
  std::vector<MPI_Request>& all = transfer->requests;
  MPI_Waitall(static_cast<int>(all.size()), all.data(), MPI_STATUSES_IGNORE);
  all.clear();
  transfer.reset();
}

void Pending::poll() {
  if (!transfer || transfer->join) return;
  int done = 0;
  std::vector<MPI_Request>& all = transfer->requests;
  MPI_Testall(static_cast<int>(all.size()), all.data(), &done, MPI_STATUSES_IGNORE);
  if (done == 0) return;
  all.clear();
  transfer.reset();
}

namespace {

// `start` gets an address, a count and a type, piece by piece.
template <class Start>
void start_pieces(Pending::Transfer& transfer, const at::Tensor& tensor, const Start& start) {
  require(tensor.is_contiguous(), "expected a contiguous tensor to send, got strides");
  const MPI_Datatype type = type_of(tensor);
  char* const data = static_cast<char*>(tensor.data_ptr());
  for (int64_t from = 0; from < tensor.numel(); from += kMostAtOnce) {
    const auto count = static_cast<int>(std::min(kMostAtOnce, tensor.numel() - from));
    transfer.requests.push_back(MPI_REQUEST_NULL);
    start(data + from * tensor.element_size(), count, type, &transfer.requests.back());
  }
}

}  // namespace

// Messages of one pair of ranks do not overtake each other: no tags are needed.
Pending start_gather(const Team& team, const at::Tensor& part, const at::Tensor& all, int owner) {
  if (team.size == 1) {
    all[0].copy_(part);
    return {};
  }
  if (part.is_cuda()) return start_gather_on_device(team, part, all, owner);
  auto transfer = std::make_shared<Pending::Transfer>(std::vector<at::Tensor>{part, all});
  if (team.rank != owner) {
    start_pieces(*transfer, part, [&](char* data, int count, MPI_Datatype type, MPI_Request* to) {
      MPI_Isend(data, count, type, owner, 0, data_room, to);
    });
    return {std::move(transfer)};
  }
  for (int rank = 0; rank < team.size; ++rank) {
    if (rank == owner) {
      all[rank].copy_(part);
      continue;
    }
    const auto receive = [&](char* data, int count, MPI_Datatype type, MPI_Request* to) {
      MPI_Irecv(data, count, type, rank, 0, data_room, to);
    };
    start_pieces(*transfer, all[rank], receive);
  }
  return {std::move(transfer)};
}

Pending start_broadcast(const Team& team, const at::Tensor& tensor, int owner) {
  if (team.size == 1) return {};
  if (tensor.is_cuda()) return start_broadcast_on_device(team, tensor, owner);
  auto transfer = std::make_shared<Pending::Transfer>(std::vector<at::Tensor>{tensor});
  start_pieces(*transfer, tensor, [&](char* data, int count, MPI_Datatype type, MPI_Request* to) {
    MPI_Ibcast(data, count, type, owner, data_room, to);
  });
  return {std::move(transfer)};
}

bool start_transport(Team& team) {
  int level = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level);
  running = true;
  MPI_Comm_dup(MPI_COMM_WORLD, &data_room);
  MPI_Comm_dup(MPI_COMM_WORLD, &end_room);
  MPI_Comm_rank(data_room, &team.rank);
  MPI_Comm_size(data_room, &team.size);
  return true;
}

int place_on_machine(const Team& team) {
  if (team.size == 1) return 0;
  MPI_Comm machine = MPI_COMM_NULL;
  int place = 0;
  MPI_Comm_split_type(data_room, MPI_COMM_TYPE_SHARED, team.rank, MPI_INFO_NULL, &machine);
  MPI_Comm_rank(machine, &place);
  MPI_Comm_free(&machine);
  return place;
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);  // allowed before MPI is started
  const std::string all(text, static_cast<size_t>(length));
  return all.substr(0, all.find_first_of(",\n"));
}

int agree_on_the_end(const Team& team, bool complains) {
  using Clock = std::chrono::steady_clock;
  // A rank that was stopped by another's end has nothing to say.
  if (complains) std::signal(SIGTERM, SIG_DFL);
  // Bad input stops all ranks within moments of each other. Only one that is stopped alone waits
  // this long, higher ranks a little longer, so that one of several speaks.
  const auto patience = std::chrono::milliseconds(3000 + 200 * std::min(team.rank, 50));
  const auto give_up = Clock::now() + patience;
  const int mine = complains ? team.rank : team.size;
  int lowest = 0, done = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, end_room, &request);
  for (;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return lowest;
    if (complains && Clock::now() > give_up) return -1;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void stop_transport() {
  if (running) MPI_Finalize();
  running = false;
}

void end_job(int status) {
  MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

}  // namespace taut::team
