#pragma once

#include <string>

// What this build computes with, for `taut --version` and the provenance of results.
namespace taut::kernels {

std::string blas_name();  // of certified products: the library and kernel in use
bool cuda_compiled();     // whether the CUDA kernels are in this build

}  // namespace taut::kernels
