#pragma once

// Muon and AdamW, constraints, schedules and the trainer.
#include "src/train/constraint.hpp"
#include "src/train/options.hpp"
#include "src/train/trainer.hpp"
