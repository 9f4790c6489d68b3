#include "src/train/device.hpp"

#include <ATen/ATen.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "src/core/core.hpp"

namespace taut::train {

const std::vector<std::string>& device_names() {
  static const std::vector<std::string> names{"cpu", "cuda"};
  return names;
}

at::Device open_device(const std::string& name, const team::Team& team) {
  if (name == "cpu") return at::kCPU;
  require(name == "cuda", "{}", unknown_name("device", name, device_names()));
  const int place = team::place_on_machine(team);
  require(at::globalContext().hasCUDA(),
          "device cuda: no GPU that this LibTorch can use is here; --device cpu");
  const c10::impl::VirtualGuardImpl gpus(at::kCUDA);
  const int count = gpus.deviceCount();
  // A launcher may show every process its own one alone.
  require(count == 1 || place < count,
          "device cuda: {} GPUs here for {} processes or more: start at most one for each", count,
          place + 1);
  const at::Device device(at::kCUDA, static_cast<at::DeviceIndex>(count == 1 ? 0 : place));
  gpus.setDevice(device);
  team::broadcast(team, at::zeros({1}, device), 0);
  return device;
}

void wait_for(at::Device device) {
  if (device.is_cpu()) return;
  c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

at::Tensor sent_to(const at::Tensor& tensor, at::Device device) {
  if (device.is_cpu()) return tensor;
  return (device.is_cuda() ? tensor.pin_memory() : tensor).to(device, /*non_blocking=*/true);
}

}  // namespace taut::train
