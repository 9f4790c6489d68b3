#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/cuda/launch.hpp"

// Every kernel against its reference in double, wherever kernels run: a GPU, or the tests' machine.
namespace taut::kernels::cuda {

struct Device {
  // A copy on the device that lives as long as the Device, entries of `entry` bytes; `from` null:
  // memory to write to.
  std::function<void*(const void* from, size_t bytes, size_t entry)> upload;
  // Waits for the stream first.
  std::function<void(void* to, const void* from, size_t bytes)> download;
  Stream stream = nullptr;
};

struct Matrices {
  int64_t batch = 0, rows = 0, cols = 0;
  std::vector<float> entries;
};

// Of the entry that comes closest to what it may differ by, or exceeds it most.
struct Comparison {
  std::string kernel;
  double difference = 0;  // |kernel - reference|, or the amount by which a bound is exceeded
  double allowed = 0;     // from unit roundoffs and lengths, never measured
  bool holds() const { return difference <= allowed; }  // not for NaN
};

// Throws std::runtime_error where a launch is refused.
std::vector<Comparison> compare_products(const Device& device, const Matrices& w);
std::vector<Comparison> compare_rows(const Device& device, const Matrices& w);
std::vector<Comparison> compare_spectral(const Device& device, const Matrices& w);
std::vector<Comparison> compare_steps(const Device& device, const Matrices& w);
std::vector<Comparison> compare_all(const Device& device, const Matrices& w);

}  // namespace taut::kernels::cuda
