#pragma once

namespace taut::cli {

// What `taut` does with these words, its own name first, and its exit status. Joins the ranks of a
// job and leaves them: once in a process.
int program(int argc, char** argv);

}  // namespace taut::cli
