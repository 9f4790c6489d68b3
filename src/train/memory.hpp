#pragma once

#include "models/network.hpp"
#include "src/data/data.hpp"
#include "src/team/team.hpp"
#include "src/train/options.hpp"

namespace taut::train {

// Bytes that training cannot do without: weights, their gradients and one moment of them in fp32,
// a batch, and what the blocks read of one example. A lower bound to tell a slip of the pen
// by, before the kernel ends the process; no estimate of what is needed.
double least_bytes(const TrainOptions& options, const data::Dataset& dataset);

// Error when that is more than the memory of the machine.
void check_memory(const TrainOptions& options, const data::Dataset& dataset);

// Bytes that the forward pass of one example more keeps for the backward pass: what two keep, less
// what one keeps.
double bytes_an_example(const models::Network& network, const data::Dataset& dataset,
                        const TrainOptions& options);

// Error when the machine has not what the forward pass of a slice leaves in it, with weights,
// moments and the batch. The backward pass wants more. Not for a GPU, which says it itself, nor for
// data of one example.
void check_slice_memory(const models::Network& network, const data::Dataset& dataset,
                        const TrainOptions& options, const team::Team& team);

}  // namespace taut::train
