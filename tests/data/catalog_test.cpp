#include "src/data/catalog.hpp"

#include <boost/test/unit_test.hpp>

#include "src/data/data.hpp"
#include "tests/data/making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::contains;

BOOST_AUTO_TEST_SUITE(catalog_test)

BOOST_AUTO_TEST_CASE(the_cache_follows_the_environment) {
  {
    const test::Environment set{{"XDG_CACHE_HOME", "/somewhere"}};
    BOOST_TEST(data::cache_folder() == "/somewhere/taut");
  }
  {
    const test::Environment set{{"XDG_CACHE_HOME", ""}, {"HOME", "/home/me"}};
    BOOST_TEST(data::cache_folder() == "/home/me/.cache/taut");
  }
  const test::Environment none{{"XDG_CACHE_HOME", ""}, {"HOME", ""}};
  BOOST_CHECK_THROW(data::cache_folder(), Error);
}

BOOST_AUTO_TEST_CASE(a_missing_set_names_the_path_and_the_command) {
  const test::TempFolder cache, shared;
  const test::Environment set{{"XDG_CACHE_HOME", cache.path()}, {"TAUT_DATA", shared.path()}};
  for (const auto& [name, folder, file] : std::vector<std::array<std::string, 3>>{
           {"digits", "digits", "digits.csv.gz"},
           {"shakespeare", "shakespeare", "input.txt"},
           {"sst2", "sst2", "train.tsv"},
           {"cifar10", "cifar-10-batches-bin", "data_batch_1.bin"},
           {"mnist", "mnist", "train-images-idx3-ubyte"}}) {
    const std::string error = test::error_of([&, n = name] { data::open_dataset({.name = n}); });
    BOOST_TEST(contains(error, (cache / "taut/data/" / folder / file).string()), error);
    BOOST_TEST(contains(error, shared.path().string()), error);
    const bool fetched = name == "digits" || name == "shakespeare";
    BOOST_TEST(contains(error, "taut data get " + name) == fetched, error);
  }
  const std::string unknown = test::error_of([] { data::open_dataset({.name = "digit"}); });
  BOOST_TEST(contains(unknown, "nearest: 'digits'"), unknown);
  BOOST_TEST(contains(unknown, "text:PATH"), unknown);
}

BOOST_AUTO_TEST_CASE(the_shared_folder_goes_before_the_cache_unless_incomplete) {
  const test::TempFolder cache, shared;
  const test::Environment set{{"XDG_CACHE_HOME", cache.path()}, {"TAUT_DATA", shared.path()}};
  const data::Known& digits = *data::find_known("digits");
  test::write(cache / "taut/data/digits/digits.csv.gz", test::digits_csv(5));
  BOOST_TEST(data::size(data::open_dataset({}), data::open_dataset({}).train) == 40);
  test::write(shared / "digits/digits.csv.gz", test::digits_csv(10));
  BOOST_TEST((data::find_folder(digits) == shared / "digits"));
  BOOST_TEST(data::size(data::open_dataset({}), data::open_dataset({}).train) == 80);

  const data::Known& mnist = *data::find_known("mnist");
  for (const std::string& file : mnist.files)
    test::write(cache / "taut/data/mnist" / (file + ".gz"), "x");
  test::write(shared / "mnist" / mnist.files[0], "x");
  BOOST_TEST((data::find_folder(mnist) == cache / "taut/data/mnist"));
  std::filesystem::remove(cache / "taut/data/mnist" / (mnist.files[3] + ".gz"));
  const std::string error = test::error_of([&] { data::find_folder(mnist); });
  BOOST_TEST(contains(error, (shared / "mnist" / mnist.files[1]).string()), error);
  BOOST_TEST(contains(error, (cache / "taut/data/mnist" / mnist.files[3]).string()), error);
}

BOOST_AUTO_TEST_CASE(the_list_tells_what_is_ready_and_how_to_get_the_rest) {
  const test::TempFolder cache, shared;
  const test::Environment set{{"XDG_CACHE_HOME", cache.path()}, {"TAUT_DATA", shared.path()}};
  test::write(shared / "tinyshakespeare/input.txt", "x");
  std::map<std::string, data::Source> sources;
  for (const data::Source& source : data::list_sources()) sources[source.name] = source;
  BOOST_TEST(sources.size() == data::all_names().size());
  for (const std::string& name : data::all_names()) BOOST_TEST(sources.count(name) == 1u);
  BOOST_TEST(sources["shakespeare"].state == "ready");
  BOOST_TEST((sources["shakespeare"].path == shared / "tinyshakespeare"));
  BOOST_TEST(sources["digits"].state == "get it with: taut data get digits");
  BOOST_TEST(contains(sources["cifar10"].state, "place the files in "));
  BOOST_TEST(contains(sources["cifar10"].state, "test_batch.bin"));
  BOOST_TEST(contains(sources["sst2"].state, "train.tsv, dev.tsv"));
  BOOST_TEST(sources["synthetic"].state == "ready");
}

BOOST_AUTO_TEST_SUITE_END()
