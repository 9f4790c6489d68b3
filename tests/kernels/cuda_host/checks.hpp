#pragma once

#include <string>

namespace taut::test {

// Prints what fails; the number of failures is the program's result.
void check(bool holds, const std::string& what);
int failures();

void compare_checks();     // every kernel against its reference
void race_checks();        // the same on few shapes
void polynomial_checks();  // alignments, in place, grid-stride
void machine_checks();     // the emulation itself
void row_laws();           // what holds whatever the reference says, in long double
void spectral_laws();
void ball_laws();

}  // namespace taut::test
