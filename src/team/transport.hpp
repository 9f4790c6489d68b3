#pragma once

#include "src/team/team.hpp"

// What a team needs of MPI. transport_mpi.cpp does it, transport_alone.cpp stands in where there is
// none.
namespace taut::team {

// Starts MPI; false where this build has none.
bool start_transport(Team& team);

// Tells the others that this rank is done. The lowest rank with a complaint, or the size of the
// team; -1: a rank with a complaint has waited for them long enough.
int agree_on_the_end(const Team& team, bool complains);

void stop_transport();
[[noreturn]] void end_job(int status);

}  // namespace taut::team
