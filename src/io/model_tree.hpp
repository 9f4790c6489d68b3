#pragma once

#include "models/description.hpp"
#include "src/io/toml.hpp"

// A description as a tree of keys and values, which JSON and TOML then spell. Private to this
// folder.
//   input    {kind, channels, height, width, low, high} or {kind, context, vocabulary}
//   ignored  names
//   layers   a list: kind, name, the kind's numbers (one that is missing has its default), its
//            tensors, heads of an attention, branch of a residual
// A tensor is a name, a list of numbers, or {from, shape, transposed, part, parts}.
namespace taut::io {

Tree to_tree(const models::Description& description);

// Throws Error that names the layer for unknown kinds and keys, values of another type, residuals
// nested deeper and layers more numerous than any sane network has.
models::Description from_tree(const Tree& tree);

}  // namespace taut::io
