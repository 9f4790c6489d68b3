#pragma once

// What a race detector has to be told of threads that it cannot see. order_none.cpp tells nobody,
// order_tsan.cpp ThreadSanitizer.
namespace taut::test::order {

void* new_thread();  // a line of execution of its own, after all that ran this one so far
void end_thread(void* line);
void* this_thread();         // the one that runs
void switch_to(void* line);  // orders nothing
void release(void* cell);    // what came before this ...
void acquire(void* cell);    // ... happens before what comes after that

}  // namespace taut::test::order
