#pragma once

#include <deque>
#include <memory>

#include "kernels/cuda/compare/compare.hpp"

namespace taut::test {

// Host memory for emulated kernels. Every array lies between guards of NaN, so that what is read
// past an end spoils a result, and what is written there is seen. `shifted` arrays start one entry
// after a 16-byte boundary.
class HostDevice {
 public:
  explicit HostDevice(bool shifted) : shifted_(shifted) {}
  kernels::cuda::Device device();
  bool guards_hold() const;

 private:
  struct Array {
    std::unique_ptr<unsigned char[]> bytes;
    size_t before = 0, size = 0, total = 0;
  };
  void* upload(const void* from, size_t bytes, size_t entry);
  bool shifted_;
  std::deque<Array> arrays_;
};

}  // namespace taut::test
