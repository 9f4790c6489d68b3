#pragma once

#include <ATen/record_function.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <cstdint>
#include <memory>

// What LibTorch does while one of these lives, in this program and on all its threads. They slow
// every call down: what is metered is not timed.
namespace taut::train {

// Matrix products: mm, bmm, addmm and baddbmm. Products inside LAPACK or a BLAS that is called
// directly are not seen.
class ProductMeter {
 public:
  ProductMeter();
  ~ProductMeter();
  ProductMeter(const ProductMeter&) = delete;
  ProductMeter& operator=(const ProductMeter&) = delete;
  double flops() const;  // so far

 private:
  at::CallbackHandle handle_;
};

// Bytes of tensors: those allocated since, less those freed.
class AllocationMeter {
 public:
  AllocationMeter();
  int64_t live() const;
  int64_t peak() const;

 private:
  struct Ledger;
  std::shared_ptr<Ledger> ledger_;
  c10::DebugInfoGuard guard_;
};

}  // namespace taut::train
