#pragma once

namespace taut::team {

// What the environment says of the job that this process is part of. Open MPI, PMIx, PMI (MPICH,
// Intel MPI, Slurm) and Slurm itself leave their variables there.
struct Launch {
  bool started = false;  // by a launcher that speaks to MPI
  int size = 0;          // processes; 0: not said
  int rank = 0;
};
Launch launch();

}  // namespace taut::team
