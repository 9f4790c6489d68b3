#pragma once

namespace taut {

// Exit status of a run that stopped on Ctrl-C after saving.
inline constexpr int kInterrupted = 130;

// From now on SIGINT and SIGTERM set a flag that long loops read between steps. A second signal
// ends the program at once.
void catch_interrupts();

bool interrupted();

}  // namespace taut
