#pragma once

// Threats in action: PGD, the minimal-radius search and the checks of what they find.
#include "attacks/attack.hpp"
#include "attacks/check.hpp"
