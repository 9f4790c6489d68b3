#include "src/train/precision.hpp"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>

#include "models/models.hpp"
#include "src/core/core.hpp"

namespace taut::train {
namespace {

// Weights are cast once and kept until the last guard is gone: the next step has other ones.
class Autocast {
 public:
  explicit Autocast(at::DeviceType device)
      : device_(device),
        enabled_(at::autocast::is_autocast_enabled(device)),
        dtype_(at::autocast::get_autocast_dtype(device)) {
    at::autocast::set_autocast_enabled(device_, true);
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    at::autocast::increment_nesting();
  }
  ~Autocast() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_dtype(device_, dtype_);
    at::autocast::set_autocast_enabled(device_, enabled_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::DeviceType device_;
  bool enabled_;
  at::ScalarType dtype_;
};

}  // namespace

const std::vector<std::string>& precision_names() {
  static const std::vector<std::string> names{"fp32", "bf16"};
  return names;
}

at::Tensor logits_in(const std::string& precision, const models::Network& network,
                     const at::Tensor& input) {
  if (precision == "fp32") return models::forward(network, input);
  require(precision == "bf16", "{}", unknown_name("precision", precision, precision_names()));
  const Autocast cast(input.device().type());
  return models::forward(network, input).to(at::kFloat);
}

}  // namespace taut::train
