#include <boost/test/unit_test.hpp>
#include <sstream>

#include "src/data/bpe.hpp"
#include "src/data/readers.hpp"
#include "tests/data/bpe_making.hpp"
#include "tests/python.hpp"
#include "tests/support.hpp"

using namespace taut;

namespace {

// Unpacks a package from the index into `site`; whether that went well.
bool unpack(const std::string& package, const test::TempFolder& folder) {
  const auto program = test::python();
  const auto wheel = test::fetched_wheel(package, folder);
  return program && wheel &&
         test::shell(fmt::format("'{}' -m zipfile -e '{}' '{}'", *program, wheel->string(),
                                 (folder / "site").string()),
                     folder / "log");
}

std::vector<int32_t> ids_of(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<int32_t>(stream), {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bpe_foreign_test)

BOOST_AUTO_TEST_CASE(ids_agree_with_tokenizers_and_tiktoken) {
  const test::TempFolder folder;
  for (const char* package : {"tokenizers", "tiktoken", "regex"}) {
    if (!unpack(package, folder)) return test::skip(fmt::format("no package {}", package));
  }
  std::string text = data::synthetic_sentences().substr(0, 5000);
  for (int i = 0; i < 20; ++i)
    text += test::many_scripts() + std::string(i, i % 2 == 0 ? ' ' : '\n');
  test::trained_bpe(text, 250).save(folder / "bpe");
  test::write(folder / "text", text);
  const std::string run =
      fmt::format("PYTHONPATH='{}' '{}' '{}' '{}' '{}' '{}'", (folder / "site").string(),
                  *test::python(), TAUT_BPE_FOREIGN, (folder / "bpe").string(),
                  (folder / "text").string(), (folder / "ids").string());
  BOOST_REQUIRE_MESSAGE(test::shell(run, folder / "log"), test::read(folder / "log"));
  const data::Tokenizer tokenizer = data::bpe_tokens(data::read_bpe(folder / "bpe"));
  const std::vector<int32_t> ours = data::encoded(tokenizer, text);
  std::istringstream theirs(test::read(folder / "ids"));
  for (const char* who : {"tokenizers", "tiktoken"}) {
    std::string line;
    BOOST_REQUIRE(std::getline(theirs, line));
    const std::vector<int32_t> ids = ids_of(line);
    fmt::print("{}: {} tokens of {} bytes\n", who, ids.size(), text.size());
    BOOST_TEST((ids == ours), who);
  }
}

BOOST_AUTO_TEST_SUITE_END()
