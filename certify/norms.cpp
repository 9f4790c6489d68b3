#include "certify/norms.hpp"

#include <ATen/ATen.h>

#include <cassert>

#include "models/walk.hpp"
#include "src/core/core.hpp"

namespace taut::certify {
namespace {

constexpr double kUnit = 0x1p-53;

// Row norms of a 2-D double tensor. A computed sum s of k squares, in any order, is at least (1 -
// gamma_{k+1}) of the true one, so the true one is at most s (1 + gamma_{2k+4});
// an underflowing square loses at most the smallest normal number.
std::vector<Upper> row_norms(const at::Tensor& rows) {
  const int64_t k = rows.size(1);
  const at::Tensor sums = rows.square().sum(1).contiguous();
  const Upper slack = Upper(1) + gamma(2 * k + 4, kUnit);
  const Upper underflow = Upper(static_cast<double>(k)) * Upper(std::numeric_limits<double>::min());
  std::vector<Upper> norms;
  for (int64_t i = 0; i < sums.size(0); ++i) {
    norms.push_back(sqrt(Upper(sums.data_ptr<double>()[i]) * slack + underflow));
  }
  return norms;
}

bool is_matrix(models::Role role) {
  using models::Role;
  switch (role) {
    case Role::hidden:
    case Role::head:
    case Role::query:
    case Role::key:
    case Role::value:
    case Role::output:
      return true;
    default:
      return false;
  }
}

TensorNorms measure(const std::string& path, const at::Tensor& stored, models::Role role) {
  require(stored.isfinite().all().item<bool>(), "{} holds NaN or infinity", path);
  const at::Tensor exact = stored.detach().to(at::kDouble).contiguous();
  TensorNorms norms;
  norms.path = path;
  norms.largest = exact.numel() == 0 ? Upper() : Upper(exact.abs().max().item<double>());
  if (is_matrix(role)) {
    norms.sigma = kernels::certified_sigma(stored.detach());
    norms.frobenius = row_norms(exact.flatten(-2).view({-1, exact.size(-1) * exact.size(-2)}));
  } else {
    norms.rows = row_norms(exact.view({-1, exact.size(-1)}));
  }
  return norms;
}

}  // namespace

Norms::Norms(const models::Network& network) {
  models::for_each_tensor(
      network, [&](const std::string& path, const at::Tensor& tensor, models::Role role) {
        const auto [found, fresh] = index_.insert({tensor.unsafeGetTensorImpl(), all_.size()});
        TensorNorms norms = measure(path, tensor, role);
        if (fresh) {
          all_.push_back(std::move(norms));
          return;
        }
        // A tied tensor is a table in one place and a matrix in another.
        TensorNorms& tied = all_[found->second];
        if (tied.rows.empty()) tied.rows = norms.rows;
        if (tied.sigma.empty() && !norms.sigma.empty()) {
          tied.path = path;  // as the matrix that it is
          tied.sigma = norms.sigma;
          tied.frobenius = norms.frobenius;
        }
      });
}

Norms Norms::scaled(const at::Tensor& tensor, double factor) const {
  Norms all = *this;
  TensorNorms& norms = all.all_[index_.at(tensor.unsafeGetTensorImpl())];
  for (kernels::Interval& s : norms.sigma) {
    s = {next_down(s.lower * factor), next_up(s.upper * factor)};
  }
  for (Upper& row : norms.rows) row = row * Upper(factor);
  for (Upper& whole : norms.frobenius) whole = whole * Upper(factor);
  norms.largest = norms.largest * Upper(factor);
  return all;
}

const TensorNorms& Norms::of(const at::Tensor& tensor) const {
  const auto found = index_.find(tensor.unsafeGetTensorImpl());
  assert(found != index_.end() && "norms of another network");
  return all_[found->second];
}

Upper Norms::length(const at::Tensor& vector) const { return length(vector, 0); }

Upper Norms::length(const at::Tensor& bias, size_t block) const {
  return bias.defined() ? of(bias).rows[block] : Upper();
}

Upper Norms::longest_row(const at::Tensor& table) const {
  Upper longest;
  for (const Upper row : of(table).rows) longest = max(longest, row);
  return longest;
}

}  // namespace taut::certify
