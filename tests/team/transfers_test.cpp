#include <boost/test/unit_test.hpp>

#include "tests/team/mpirun.hpp"

using namespace taut;

BOOST_AUTO_TEST_SUITE(transfers_test)

BOOST_AUTO_TEST_CASE(every_transfer_arrives) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  for (const int ranks : {1, 2, 3}) {
    test::done(test::run_ranks(folder, ranks, {TEAM_DRIVER, "transfers"}));
  }
}

// Hooks fire in a backward pass that returns its gradients, too.
BOOST_AUTO_TEST_CASE(gradients_leave_while_the_backward_pass_goes_on) {
  if (test::no_mpirun()) return;
  test::TempFolder folder;
  const auto outcome = test::done(test::run_ranks(folder, 2, {TEAM_DRIVER, "gradients"}));
  int early = 0, all = 0;
  BOOST_TEST(std::sscanf(outcome.out.c_str(), "early %d of %d", &early, &all) == 2, outcome.out);
  BOOST_TEST(all > 10);
  BOOST_TEST(early == all);
}

BOOST_AUTO_TEST_CASE(shares_cover_everything_once) {
  for (const int ranks : {1, 2, 3, 7}) {
    for (const int64_t total : {0, 1, 6, 7, 8, 100}) {
      int64_t next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const team::Share share = team::share_of({rank, ranks}, total);
        BOOST_TEST(share.first == next);
        BOOST_TEST(share.count >= total / ranks);
        BOOST_TEST(share.count <= total / ranks + 1);
        next += share.count;
      }
      BOOST_TEST(next == total);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
