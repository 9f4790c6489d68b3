#include "machine.hpp"

#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "order.hpp"

// Compiled without instrumentation: a detector is to see the kernels, not what carries them.
namespace taut::test {

unsigned most_blocks = std::numeric_limits<unsigned>::max();

namespace {

constexpr size_t kStack = 128 << 10, kGuard = 128;
constexpr unsigned char kNan = 0xff, kMark = 0xa5;

enum class State { ready, at_block, at_warp, done };

struct Thread {
  ucontext_t context;
  void* line = nullptr;
  State state = State::done;
  unsigned index = 0;
};

// A barrier and the two cells through which its turns order memory in alternation: who is early at
// the next turn must not seem to come before who is late to leave this one.
struct Gate {
  char cell[2];
  unsigned turn = 0;
};

// What a block has for itself. Its own barriers too: a detector would take what passed through
// those of another block for an order between the two.
struct Block {
  std::unique_ptr<unsigned char[]> bytes;
  unsigned char* shared = nullptr;
  Gate gate, warp_gates[32];
};

std::deque<Thread> pool;  // a context does not survive being moved
Thread* running = nullptr;
std::vector<void*> lines;  // of this launch: one that has ended could come back as another
ucontext_t scheduler;
void* scheduler_line = nullptr;
const std::function<void()>* work = nullptr;
Block* block = nullptr;  // the one that runs
uint64_t boards[32][32];
char finished;
std::minstd_rand draw(1);

[[noreturn]] void stop(const char* what) {
  std::printf("failed: %s\n", what);
  std::fflush(stdout);
  std::_Exit(3);
}

void to_scheduler() {
  Thread* self = running;
  order::switch_to(scheduler_line);
  swapcontext(&self->context, &scheduler);
}

void thread_main() {
  (*work)();
  order::release(&finished);
  running->state = State::done;
  to_scheduler();
}

void resume(Thread& thread) {
  running = &thread;
  threadIdx.x = thread.index;
  order::switch_to(thread.line);
  swapcontext(&scheduler, &thread.context);
}

void wait(Gate& gate, State state, bool orders) {
  char* cell = &gate.cell[gate.turn % 2];
  if (orders) order::release(cell);
  running->state = state;
  to_scheduler();
  if (orders) order::acquire(cell);
}

// Opens a gate at which everybody of [first, first + count) waits.
bool open(std::vector<Thread*>& threads, unsigned first, unsigned count, State state, Gate& gate) {
  for (unsigned t = first; t < first + count; ++t) {
    if (threads[t]->state != state) return false;
  }
  for (unsigned t = first; t < first + count; ++t) threads[t]->state = State::ready;
  ++gate.turn;
  return true;
}

// Stacks are mapped anew for every block: a detector forgets what was in a mapping.
class Stacks {
 public:
  explicit Stacks(size_t count)
      : size_(count * kStack),
        start_(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (start_ == MAP_FAILED) stop("no memory for the stacks of a block");
  }
  ~Stacks() { munmap(start_, size_); }
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;
  void* operator[](size_t i) const { return static_cast<char*>(start_) + i * kStack; }

 private:
  size_t size_;
  void* start_;
};

void prepare(Thread& t, unsigned index, void* stack) {
  getcontext(&t.context);
  t.context.uc_stack.ss_sp = stack;
  t.context.uc_stack.ss_size = kStack;
  t.context.uc_link = nullptr;
  makecontext(&t.context, thread_main, 0);
  t.line = order::new_thread();
  lines.push_back(t.line);
  t.index = index;
  t.state = State::ready;
}

void run_block(const Grid& grid) {
  const Stacks stacks(grid.threads);
  std::vector<Thread*> threads;
  for (unsigned i = 0; i < grid.threads; ++i) {
    threads.push_back(&pool[i]);
    prepare(pool[i], i, stacks[i]);
  }
  std::vector<Thread*> turn = threads;
  for (bool moved = true; moved;) {
    moved = false;
    std::shuffle(turn.begin(), turn.end(), draw);
    for (Thread* t : turn) {
      if (t->state != State::ready) continue;
      resume(*t);
      moved = true;
    }
    moved = open(threads, 0, grid.threads, State::at_block, block->gate) || moved;
    for (unsigned w = 0; w < grid.threads / 32; ++w) {
      moved = open(threads, 32 * w, 32, State::at_warp, block->warp_gates[w]) || moved;
    }
  }
  for (const Thread* t : threads) {
    if (t->state != State::done) stop("threads wait for others that never come");
  }
}

std::vector<Block> blocks_of(const Grid& grid) {
  std::vector<Block> all(grid.blocks);
  for (Block& b : all) {
    b.bytes.reset(new unsigned char[grid.shared + 128 + kGuard]);
    const auto address = reinterpret_cast<uintptr_t>(b.bytes.get());
    b.shared = b.bytes.get() + (128 - address % 128) % 128;
    std::memset(b.shared, kNan, grid.shared);
    std::memset(b.shared + grid.shared, kMark, kGuard);
  }
  return all;
}

}  // namespace

void run(const Grid& grid, const std::function<void()>& thread) {
  const unsigned count = std::min(grid.blocks, most_blocks);
  while (pool.size() < grid.threads) pool.emplace_back();
  std::vector<Block> blocks = blocks_of({count, grid.threads, grid.shared});
  gridDim.x = count;
  blockDim.x = grid.threads;
  work = &thread;
  scheduler_line = order::this_thread();
  for (blockIdx.x = 0; blockIdx.x < count; ++blockIdx.x) {
    block = &blocks[blockIdx.x];
    run_block(grid);
    for (size_t i = 0; i < kGuard; ++i) {
      if (block->shared[grid.shared + i] != kMark) stop("a kernel wrote past its shared memory");
    }
  }
  order::acquire(&finished);
  for (void* line : lines) order::end_thread(line);
  lines.clear();
}

void wait_for_block() { wait(block->gate, State::at_block, true); }
void wait_for_warp(bool orders) {
  wait(block->warp_gates[threadIdx.x / 32], State::at_warp, orders);
}
void* shared_memory() { return block->shared; }

void gather(uint64_t mine, uint64_t* all) {
  uint64_t* board = boards[threadIdx.x / 32];
  board[lane()] = mine;
  wait_for_warp(false);
  for (unsigned l = 0; l < 32; ++l) all[l] = board[l];
  wait_for_warp(false);
}

}  // namespace taut::test
