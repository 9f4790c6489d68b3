#include "order.hpp"

#include <sanitizer/tsan_interface.h>

namespace taut::test::order {

void* new_thread() { return __tsan_create_fiber(0); }
void end_thread(void* line) { __tsan_destroy_fiber(line); }
void* this_thread() { return __tsan_get_current_fiber(); }
void switch_to(void* line) { __tsan_switch_to_fiber(line, __tsan_switch_to_fiber_no_sync); }
void release(void* cell) { __tsan_release(cell); }
void acquire(void* cell) { __tsan_acquire(cell); }

}  // namespace taut::test::order
