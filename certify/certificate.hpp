#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "models/threat.hpp"

// What certify proves and certificate.h5 stores.
namespace taut::certify {

// sigma of one stored matrix: lower <= sigma <= upper. Per-head weights have one entry per head.
struct WeightBound {
  std::string path;   // "blocks.0.attention.query.weight"
  int64_t block = 0;  // head; 0 for a single matrix
  double lower = 0, upper = 0;
};

// What each row can take of one threat.
struct ThreatCertificate {
  models::Threat threat;
  // K: change of the last hidden token (l2) per unit of the threat's norm at radius 0; an upper
  // bound, may be infinite.
  double constant = 0, log10_constant = 0;
  double logit_constant = 0;  // the same of the logits (l2), the gain of the last layer included
  at::Tensor radius;  // (rows) double: real arithmetic; the prediction holds strictly below it
  at::Tensor radius_deployed;  // (rows) double: of the fp32 program, its rounding included
};

// A row is an image or one position of a sequence. Margins and radii are those of the prediction;
// where it is not the label, the row counts as uncertified in every accuracy.
struct Certificate {
  std::vector<WeightBound> weights;
  at::Tensor example, position;  // (rows) int64
  at::Tensor label, prediction;  // (rows) int64
  at::Tensor margin;  // (rows) double: lower bound on min_j (z_prediction - z_j) in real arithmetic
  double embedding_rms = 0;  // RMS of the entries of the embedding table; 0 for pixels
  std::vector<ThreatCertificate> threats;
  double seconds = 0;
  std::map<std::string, std::string> provenance;
};

}  // namespace taut::certify
