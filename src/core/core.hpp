#pragma once

// What every folder may use: errors, text, numbers, talk, randomness, interrupts.
#include "src/core/error.hpp"
#include "src/core/interrupt.hpp"
#include "src/core/log.hpp"
#include "src/core/number.hpp"
#include "src/core/random.hpp"
#include "src/core/text.hpp"
