#include "src/train/meters.hpp"

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

namespace taut::train {
namespace {

// A callback of LibTorch's is a plain function: what it counts has to be found from there.
std::atomic<int64_t> products{0};  // multiplications with their additions

// Where the factors stand among the arguments; -1: not a product.
int first_factor(const char* name) {
  if (std::strcmp(name, "aten::mm") == 0 || std::strcmp(name, "aten::bmm") == 0) return 0;
  if (std::strcmp(name, "aten::addmm") == 0 || std::strcmp(name, "aten::baddbmm") == 0) return 1;
  return -1;
}

// (..., m, k) times (..., k, n)
std::unique_ptr<at::ObserverContext> count(const at::RecordFunction& call) {
  const int first = first_factor(call.name());
  if (first < 0) return nullptr;
  const auto inputs = call.inputs();
  if (static_cast<int>(inputs.size()) < first + 2) return nullptr;
  const at::Tensor left = inputs[first].toTensor(), right = inputs[first + 1].toTensor();
  products += left.numel() * right.size(-1);
  return nullptr;
}

}  // namespace

ProductMeter::ProductMeter()
    : handle_(at::addGlobalCallback(at::RecordFunctionCallback(count).needsInputs(true).scopes(
          {at::RecordScope::FUNCTION}))) {
  products = 0;
}

ProductMeter::~ProductMeter() { at::removeCallback(handle_); }

double ProductMeter::flops() const { return 2 * static_cast<double>(products.load()); }

struct AllocationMeter::Ledger final : c10::MemoryReportingInfoBase {
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override {
    const std::lock_guard<std::mutex> lock(mutex);
    live += bytes;
    peak = std::max(peak, live);
  }
  bool memoryProfilingEnabled() const override { return true; }

  std::mutex mutex;
  int64_t live = 0, peak = 0;
};

AllocationMeter::AllocationMeter()
    : ledger_(std::make_shared<Ledger>()), guard_(c10::DebugInfoKind::PROFILER_STATE, ledger_) {}

int64_t AllocationMeter::live() const {
  const std::lock_guard<std::mutex> lock(ledger_->mutex);
  return ledger_->live;
}

int64_t AllocationMeter::peak() const {
  const std::lock_guard<std::mutex> lock(ledger_->mutex);
  return ledger_->peak;
}

}  // namespace taut::train
