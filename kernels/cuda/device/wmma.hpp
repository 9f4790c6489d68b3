#pragma once

#include <cuda_bf16.h>
#include <mma.h>
