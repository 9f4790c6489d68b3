#pragma once

// Sound bounds on trained networks and the radii that follow from them.
#include "certify/bound.hpp"
#include "certify/certificate.hpp"
#include "certify/norms.hpp"
#include "certify/state.hpp"
#include "models/models.hpp"
#include "src/team/team.hpp"

namespace taut::certify {

struct CertifyOptions {
  int64_t batch = 256;  // examples evaluated at once
  team::Team team{};  // ranks that take the batches in turn; all return the whole certificate, bit
                      // for bit that of one
};

// Certifies every row of `input` (examples, ...) with labels (examples, rows) against each threat:
// weights by certified sigma, the network by the global rules, rows by the pairwise radius. Throws
// Error on inputs outside the declared box, NaN weights, or a threat without a rule. Provenance is
// left to the caller.
Certificate certify(const models::Network& network, const at::Tensor& input,
                    const at::Tensor& label, const std::vector<models::Threat>& threats,
                    const CertifyOptions& options);

// The same for norms of `network` that are already measured.
Certificate certify(const models::Network& network, const Norms& norms, const at::Tensor& input,
                    const at::Tensor& label, const std::vector<models::Threat>& threats,
                    const CertifyOptions& options);

// Runs the fp32 program itself on every clean input. Error when it predicts otherwise than the
// certificate promises of it: then a bound is wrong. certify() ends with this.
void require_kept(const models::Network& network, const at::Tensor& input, const Certificate& c,
                  int64_t batch, const team::Team& team = {});

// log10 of the constant K of `threat` at radius 0; infinity when there is no finite bound.
double log10_constant(const models::Network& network, const models::Threat& threat);
// The same for norms that are already measured.
double log10_constant(const models::Network& network, const Norms& norms,
                      const models::Threat& threat);

// RMS of the entries of the embedding table; 0 for networks on pixels.
double embedding_rms(const models::Network& network);

}  // namespace taut::certify
