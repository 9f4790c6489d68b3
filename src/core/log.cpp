#include "src/core/log.hpp"

#include <unistd.h>

#include <cstdio>

namespace taut {
namespace {

bool talkative = true;

}  // namespace

void set_talkative(bool on) { talkative = on; }

void say_line(std::string_view line) {
  if (talkative) fmt::print(stderr, "{}\n", line);
}

void Progress::show(const std::string& line, bool last) {
  if (!talkative) return;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto now = std::chrono::steady_clock::now();
  if (!last && now < next_) return;
  next_ = now + (terminal ? std::chrono::milliseconds(200) : std::chrono::milliseconds(5000));
  if (terminal) {
    fmt::print(stderr, "\r\033[K{}", line);
    open_ = true;
    if (last) {
      fmt::print(stderr, "\n");
      open_ = false;
    }
    std::fflush(stderr);
  } else {
    fmt::print(stderr, "{}\n", line);
  }
}

Progress::~Progress() {
  if (open_) fmt::print(stderr, "\n");
}

double Stopwatch::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

std::string clock_time(double seconds) {
  const auto total = static_cast<long>(seconds + 0.5);
  if (total >= 3600) {
    return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
  }
  return fmt::format("{}:{:02}", total / 60, total % 60);
}

}  // namespace taut
