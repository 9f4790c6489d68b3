#include <ATen/Parallel.h>

#include <boost/test/unit_test.hpp>

namespace {

// One thread for networks this small: two would only wait for each other where cores are shared.
struct OneThread {
  OneThread() { at::set_num_threads(1); }
};

}  // namespace

BOOST_TEST_GLOBAL_FIXTURE(OneThread);
