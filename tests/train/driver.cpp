#include <ATen/Parallel.h>

#include <cstdlib>

#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "tests/train/runs.hpp"

// train_driver FOLDER RUN STEPS: trains the named run there, from its newest checkpoint where there
// is one. Exit status as the program's own: 0 done, 130 interrupted and saved, 2 error.
int main(int count, char** words) {
  using namespace taut;
  if (count != 4) return 2;
  try {
    at::set_num_threads(1);
    catch_interrupts();
    set_talkative(false);
    const std::filesystem::path folder = words[1];
    train::TrainOptions options = test::named_run(words[2]);
    options.steps = std::atoll(words[3]);
    options.checkpoint_every = 3;
    train::TrainSummary summary;
    if (std::filesystem::exists(folder / "checkpoint.h5")) {
      const io::Checkpoint last = io::load_run_checkpoint(folder, "last");
      summary = train::train(options, test::context_in(folder), &last);
    } else {
      io::create_run(folder, /*force=*/true);
      summary = train::train(options, test::context_in(folder));
    }
    return summary.interrupted ? kInterrupted : 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
