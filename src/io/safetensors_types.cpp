#include <algorithm>
#include <array>

#include "src/core/core.hpp"
#include "src/io/safetensors_types.hpp"

namespace taut::io {
namespace {

struct Dtype {
  const char* name;
  at::ScalarType torch;
};

// In the order in which tensors are laid out.
constexpr std::array kDtypes = {Dtype{"I64", at::kLong},
                                Dtype{"F64", at::kDouble},
                                Dtype{"F32", at::kFloat},
                                Dtype{"I32", at::kInt},
                                Dtype{"BF16", at::kBFloat16},
                                Dtype{"F16", at::kHalf},
                                Dtype{"I16", at::kShort},
                                Dtype{"F8_E4M3", at::kFloat8_e4m3fn},
                                Dtype{"F8_E5M2", at::kFloat8_e5m2},
                                Dtype{"I8", at::kChar},
                                Dtype{"U8", at::kByte},
                                Dtype{"BOOL", at::kBool}};

}  // namespace

at::ScalarType parse_dtype(const std::string& name) {
  std::vector<std::string> known;
  for (const Dtype& dtype : kDtypes) {
    if (name == dtype.name) return dtype.torch;
    known.emplace_back(dtype.name);
  }
  fail("{}", unknown_name("dtype", name, known));
}

size_t dtype_rank(at::ScalarType dtype) {
  const auto* const found = std::find_if(kDtypes.begin(), kDtypes.end(),
                                         [&](const Dtype& d) { return d.torch == dtype; });
  require(found != kDtypes.end(), "tensors of type {} cannot be stored", toString(dtype));
  return static_cast<size_t>(found - kDtypes.begin());
}

const char* dtype_name(at::ScalarType dtype) { return kDtypes[dtype_rank(dtype)].name; }

}  // namespace taut::io
