#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "certify/bound.hpp"
#include "kernels/certified_sigma.hpp"
#include "models/network.hpp"

namespace taut::certify {

// What the rules ask of one stored tensor, measured once, all rounded up. A matrix batch has one
// entry per matrix (per head); a vector counts as one row.
struct TensorNorms {
  std::string path;
  std::vector<kernels::Interval> sigma;  // matrices only
  std::vector<Upper> frobenius;          // matrices only
  std::vector<Upper> rows;               // Euclidean norm of each row; vectors and tables
  Upper largest;                         // entry

  Upper sigma_of(size_t block) const { return Upper(sigma[block].upper); }
};

// The norms of all tensors of a network; holds for that network's tensors only.
class Norms {
 public:
  // Error names a tensor that holds NaN or infinity.
  explicit Norms(const models::Network& network);

  // As if the tensor were multiplied by `factor`: what a bound owes to one weight.
  Norms scaled(const at::Tensor& tensor, double factor) const;

  const TensorNorms& of(const at::Tensor& tensor) const;
  Upper sigma(const at::Tensor& matrix) const { return of(matrix).sigma_of(0); }
  Upper length(const at::Tensor& vector) const;  // 0 when undefined
  // Row `block` of a (heads, d_head) bias; 0 when undefined.
  Upper length(const at::Tensor& bias, size_t block) const;
  Upper longest_row(const at::Tensor& table) const;

  const std::vector<TensorNorms>& all() const { return all_; }

 private:
  std::vector<TensorNorms> all_;
  std::unordered_map<const void*, size_t> index_;
};

}  // namespace taut::certify
