#pragma once

// Spectral linear algebra and norm-ball projections on tensors, (..., m, n) batched.
#include "kernels/ball_clamp.hpp"
#include "kernels/build.hpp"
#include "kernels/certified_sigma.hpp"
#include "kernels/check_kernels.hpp"
#include "kernels/gram_bound.hpp"
#include "kernels/hard_cap.hpp"
#include "kernels/orthogonalize.hpp"
#include "kernels/polynomial.hpp"
#include "kernels/reference.hpp"
#include "kernels/soft_cap.hpp"
#include "kernels/spectral.hpp"
#include "kernels/symmetric.hpp"
