#include <ATen/ATen.h>
#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <nccl.h>

#include <cstring>
#include <memory>
#include <optional>

#include "src/core/core.hpp"
#include "src/team/device.hpp"
#include "src/team/pending.hpp"

namespace taut::team {
namespace {

void check(ncclResult_t result) {
  require(result == ncclSuccess, "NCCL: {}", ncclGetErrorString(result));
}

// The communicator and a stream beside the one that computes.
struct Room {
  ncclComm_t comm = nullptr;
  c10::cuda::CUDAStream stream;
};

// Lives as long as the process: NCCL's own end may wait for ranks that are gone.
const Room& room(const Team& team, at::Device device) {
  static std::optional<Room> opened;
  if (opened) {
    require(opened->stream.device_index() == device.index(),
            "a rank works on one GPU, cuda:{}; got a tensor on {}", opened->stream.device_index(),
            device.str());
    return *opened;
  }
  ncclUniqueId id;
  if (team.rank == 0) check(ncclGetUniqueId(&id));
  const at::Tensor bytes = at::empty({static_cast<int64_t>(sizeof(id))}, at::kByte);
  std::memcpy(bytes.data_ptr(), &id, sizeof(id));
  broadcast(team, bytes, 0);
  std::memcpy(&id, bytes.data_ptr(), sizeof(id));
  const c10::cuda::CUDAGuard guard(device);
  ncclComm_t comm = nullptr;
  check(ncclCommInitRank(&comm, team.size, id, team.rank));
  opened.emplace(Room{comm, c10::cuda::getStreamFromPool(/*isHighPriority=*/true, device.index())});
  return *opened;
}

ncclDataType_t type_of(const at::Tensor& tensor) {
  require(tensor.is_contiguous(), "expected a contiguous tensor to send, got strides");
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return ncclFloat32;
    case at::kDouble:
      return ncclFloat64;
    case at::kLong:
      return ncclInt64;
    case at::kByte:
    case at::kBool:
      return ncclUint8;
    default:
      fail("ranks exchange no tensors of type {}", toString(tensor.scalar_type()));
  }
}

// `queue` gets the communicator and a stream that begins where the current one is.
template <class Queue>
Pending transfer(const Team& team, const at::Tensor& first, std::vector<at::Tensor> kept,
                 const Queue& queue) {
  const Room& r = room(team, first.device());
  const c10::cuda::CUDAGuard guard(first.device());
  at::cuda::CUDAEvent begin;
  begin.record(c10::cuda::getCurrentCUDAStream());
  begin.block(r.stream);
  queue(r.comm, r.stream.stream());
  const auto end = std::make_shared<at::cuda::CUDAEvent>();
  end->record(r.stream);
  auto started = std::make_shared<Pending::Transfer>(std::move(kept));
  started->join = [end] { end->block(c10::cuda::getCurrentCUDAStream()); };
  return {std::move(started)};
}

}  // namespace

Pending start_gather_on_device(const Team& team, const at::Tensor& part, const at::Tensor& all,
                               int owner) {
  if (team.rank == owner) all[owner].copy_(part);
  const auto count = static_cast<size_t>(part.numel());
  const ncclDataType_t type = type_of(part);
  return transfer(team, part, {part, all}, [&](ncclComm_t comm, cudaStream_t stream) {
    check(ncclGroupStart());
    if (team.rank != owner) check(ncclSend(part.data_ptr(), count, type, owner, comm, stream));
    for (int rank = 0; team.rank == owner && rank < team.size; ++rank) {
      if (rank == owner) continue;
      check(ncclRecv(all[rank].data_ptr(), count, type, rank, comm, stream));
    }
    check(ncclGroupEnd());
  });
}

Pending start_broadcast_on_device(const Team& team, const at::Tensor& tensor, int owner) {
  const auto count = static_cast<size_t>(tensor.numel());
  const ncclDataType_t type = type_of(tensor);
  return transfer(team, tensor, {tensor}, [&](ncclComm_t comm, cudaStream_t stream) {
    check(ncclBroadcast(tensor.data_ptr(), tensor.data_ptr(), count, type, owner, comm, stream));
  });
}

}  // namespace taut::team
