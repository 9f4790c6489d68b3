#pragma once

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <cstdint>
#include <memory>

namespace taut::test {

// Hears of every block that LibTorch's allocators hand out to this thread.
class Allocations : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    if (size > most) most = size;
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t most = 0;  // bytes of the largest block
};

// The largest block, in bytes, that `work` allocates.
template <class Work>
int64_t largest_allocation(Work&& work) {
  const auto heard = std::make_shared<Allocations>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, heard);
  work();
  return heard->most;
}

}  // namespace taut::test
