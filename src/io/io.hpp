#pragma once

// HDF5, safetensors, checkpoints, models in files, result files and the run directory.
#include "src/io/checkpoint.hpp"
#include "src/io/hdf5.hpp"
#include "src/io/model_file.hpp"
#include "src/io/results.hpp"
#include "src/io/run.hpp"
#include "src/io/safetensors.hpp"
#include "src/io/weights.hpp"
