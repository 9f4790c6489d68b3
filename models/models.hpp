#pragma once

// The networks, their forward pass and the threats against them.
#include "models/activations.hpp"
#include "models/architectures.hpp"
#include "models/check.hpp"
#include "models/curves.hpp"
#include "models/description.hpp"
#include "models/foreign/foreign.hpp"
#include "models/forward.hpp"
#include "models/network.hpp"
#include "models/threat.hpp"
#include "models/walk.hpp"
