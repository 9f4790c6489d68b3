#pragma once

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <string_view>

namespace taut {

// One line to stderr. Results go to stdout or files, talk goes here.
void say_line(std::string_view line);

template <class... Args>
void say(fmt::format_string<Args...> text, Args&&... args) {
  say_line(fmt::format(text, std::forward<Args>(args)...));
}

// Whether say() prints at all; on by default. Tests and --quiet turn it off.
void set_talkative(bool on);

// A line that replaces itself on a terminal; elsewhere a plain line, at most one every few seconds
// and always the last.
class Progress {
 public:
  void show(const std::string& line, bool last = false);
  ~Progress();

 private:
  std::chrono::steady_clock::time_point next_{};
  bool open_ = false;
};

// Seconds since construction.
class Stopwatch {
 public:
  double seconds() const;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// "1:02:03" or "4:05".
std::string clock_time(double seconds);

}  // namespace taut
