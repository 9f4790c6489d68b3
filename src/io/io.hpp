#pragma once

// HDF5, checkpoints, result files and the run directory.
#include "src/io/checkpoint.hpp"
#include "src/io/hdf5.hpp"
#include "src/io/results.hpp"
#include "src/io/run.hpp"
