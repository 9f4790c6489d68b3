#define BOOST_TEST_MODULE taut
#include <boost/test/unit_test.hpp>
