#include <ATen/ATen.h>

#include <cassert>
#include <cstdlib>

#include "src/team/transport.hpp"

namespace taut::team {

struct Pending::Transfer {};

bool start_transport(Team&) { return false; }

int place_on_machine(const Team&) { return 0; }

std::string mpi_version() { return "not in this build"; }

void Pending::wait() {}

void Pending::poll() {}

Pending start_gather(const Team& team, const at::Tensor& part, const at::Tensor& all, int) {
  assert(team.size == 1);
  all[0].copy_(part);
  return {};
}

Pending start_broadcast(const Team& team, const at::Tensor&, int) {
  assert(team.size == 1);
  return {};
}

int agree_on_the_end(const Team& team, bool complains) { return complains ? team.rank : team.size; }

void stop_transport() {}

void end_job(int status) { std::exit(status); }

}  // namespace taut::team
