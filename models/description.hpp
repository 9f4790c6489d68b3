#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/network.hpp"

// A network without its tensors: what each layer is, and where each tensor is found among named
// ones. Everything that another program saved enters here; so does a model described in a file.
namespace taut::models {

using NamedTensors = std::map<std::string, Tensor>;

// One tensor of a layer: a part of a named tensor, or numbers written out.
struct Source {
  std::string from;              // name; empty: `values`
  std::vector<int64_t> shape{};  // of the part, as a PyTorch module has it; empty: not known
  bool transposed = false;       // stored (in, out), as Conv1D does
  int64_t part = 0, parts = 1;   // of equal ones along the first dimension, after transposing
  std::vector<double> values{};
};

struct DescribedLayer {
  Layer layer;  // name and numbers; its tensors and a residual's branch stay empty
  std::map<std::string, Source>
      tensors{};      // by field; a required one that is missing is "NAME.FIELD"
  int64_t heads = 0;  // attention: splits (heads * d_head, width)
  std::vector<DescribedLayer> branch{};
};

struct Description {
  InputSpec input;
  std::vector<DescribedLayer> layers{};
  std::vector<std::string>
      ignored{};  // names of tensors that are no weights; * stands for anything
};

// The description of a network whose tensors go by their paths. Error when two paths are the same.
Description describe(const Network& network);

// The network, checked. Matrices may come in any shape that flattens to theirs (a convolution over
// patches, a class token in a batch). Tensors are shared with `tensors` where nothing has to be
// rearranged. Narrow types that are mixed become fp32, which holds them exactly. One Error lists
// all that is missing, left over, of another shape or not finite, each with the nearest known name.
Network assemble(const Description& description, const NamedTensors& tensors);

}  // namespace taut::models
