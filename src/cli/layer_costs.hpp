#pragma once

#include <string>
#include <vector>

#include "certify/certify.hpp"
#include "src/report/table.hpp"

// What the layers of a network make of a perturbation.
namespace taut::cli {

struct LayerCost {
  std::string name, kind;
  double size;         // no token is longer after the layer
  double log10_bound;  // of the token differences after it, per unit of the threat's norm
  double log10_added;  // by this layer; not a number behind one without a bound
};

// Every top-level layer, the head among them. `norms` are those of the network.
std::vector<LayerCost> layer_costs(const models::Network& network, const certify::Norms& norms,
                                   const models::Threat& threat);

// The layers before the head, that is the powers of ten of which K is made: largest first, the
// small ones together, one column a threat.
report::Table cost_table(const models::Network& network, const certify::Norms& norms,
                         const std::vector<models::Threat>& threats);

}  // namespace taut::cli
