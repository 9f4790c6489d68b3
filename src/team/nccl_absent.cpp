#include "src/core/core.hpp"
#include "src/team/device.hpp"

namespace taut::team {

Pending start_gather_on_device(const Team&, const at::Tensor& part, const at::Tensor&, int) {
  fail("this taut was built without NCCL: several processes cannot exchange tensors on {}",
       part.device().str());
}

Pending start_broadcast_on_device(const Team&, const at::Tensor& tensor, int) {
  fail("this taut was built without NCCL: several processes cannot exchange tensors on {}",
       tensor.device().str());
}

}  // namespace taut::team
