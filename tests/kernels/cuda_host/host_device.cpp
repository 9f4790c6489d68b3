#include "host_device.hpp"

#include <algorithm>
#include <cstring>

namespace taut::test {
namespace {

constexpr size_t kGuard = 256;
constexpr unsigned char kNan = 0xff;

}  // namespace

void* HostDevice::upload(const void* from, size_t bytes, size_t entry) {
  Array a;
  a.total = bytes + 2 * kGuard + 16;
  a.bytes.reset(new unsigned char[a.total]);
  const auto address = reinterpret_cast<uintptr_t>(a.bytes.get());
  a.before = kGuard + (16 - address % 16) % 16 + (shifted_ ? entry % 16 : 0);
  a.size = bytes;
  std::memset(a.bytes.get(), kNan, a.total);
  if (from != nullptr && bytes > 0) std::memcpy(a.bytes.get() + a.before, from, bytes);
  arrays_.push_back(std::move(a));
  return arrays_.back().bytes.get() + arrays_.back().before;
}

kernels::cuda::Device HostDevice::device() {
  return {
      [this](const void* from, size_t bytes, size_t entry) { return upload(from, bytes, entry); },
      [](void* to, const void* from, size_t bytes) {
        if (bytes > 0) std::memcpy(to, from, bytes);
      },
      nullptr};
}

bool HostDevice::guards_hold() const {
  const auto marked = [](unsigned char byte) { return byte == kNan; };
  return std::all_of(arrays_.begin(), arrays_.end(), [&](const Array& a) {
    const unsigned char* start = a.bytes.get();
    return std::all_of(start, start + a.before, marked) &&
           std::all_of(start + a.before + a.size, start + a.total, marked);
  });
}

}  // namespace taut::test
