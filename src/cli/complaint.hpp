#pragma once

#include <exception>
#include <string>

namespace taut::cli {

// What the user is told of an exception: one line. Of LibTorch's texts, which name its source
// files, what to do about them.
std::string complaint_of(const std::exception& error);

}  // namespace taut::cli
