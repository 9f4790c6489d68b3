#include "src/data/files.hpp"

#include <boost/test/unit_test.hpp>

#include "src/data/process.hpp"
#include "tests/data/making.hpp"
#include "tests/support.hpp"

using namespace taut;
using test::contains;

BOOST_AUTO_TEST_SUITE(files_test)

// FIPS 180-2, appendix B.1 and B.2.
BOOST_AUTO_TEST_CASE(the_digest_is_sha256_of_the_file_on_disk) {
  const test::TempFolder folder;
  test::write(folder / "a", "abc");
  test::write(folder / "b", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
  BOOST_TEST(data::read_file(folder / "a").sha256 ==
             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(data::read_file(folder / "b").sha256 ==
             "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

BOOST_AUTO_TEST_CASE(gzip_is_unpacked_members_and_all) {
  const test::TempFolder folder;
  std::string long_text;
  for (int i = 0; i < 100000; ++i) long_text += std::to_string(i);
  test::write_gzip(folder / "a.gz", long_text);
  BOOST_TEST((data::read_file(folder / "a.gz").bytes == long_text));
  const std::string packed = test::read(folder / "a.gz");
  test::write(folder / "twice.gz", packed + packed);
  BOOST_TEST((data::read_file(folder / "twice.gz").bytes == long_text + long_text));
  BOOST_TEST((data::plain_or_packed(folder / "a") == folder / "a.gz"));
  test::write(folder / "a", "plain");
  BOOST_TEST((data::plain_or_packed(folder / "a") == folder / "a"));
}

BOOST_AUTO_TEST_CASE(damage_is_an_error_that_names_the_file) {
  const test::TempFolder folder;
  test::write_gzip(folder / "a.gz", std::string(5000, 'x') + "end");
  std::string packed = test::read(folder / "a.gz");
  for (const size_t keep : {size_t{12}, packed.size() / 2, packed.size() - 1}) {
    test::write(folder / "cut.gz", packed.substr(0, keep));
    BOOST_TEST(contains(test::error_of([&] { data::read_file(folder / "cut.gz"); }), "cut.gz"));
  }
  packed[packed.size() - 6] ^= 1;  // the checksum
  test::write(folder / "bad.gz", packed);
  BOOST_TEST(contains(test::error_of([&] { data::read_file(folder / "bad.gz"); }), "bad.gz"));
  test::write(folder / "empty", "");
  for (const char* name : {"empty", "missing", "."}) {
    BOOST_TEST(contains(test::error_of([&] { data::read_file(folder / name); }), name));
  }
}

BOOST_AUTO_TEST_CASE(a_scratch_folder_goes_with_its_contents) {
  const test::TempFolder folder;
  std::filesystem::path inside;
  {
    const data::ScratchFolder scratch(folder / "new");
    inside = scratch.path();
    test::write(scratch.make("sub") / "file", "x");
    BOOST_TEST(std::filesystem::exists(inside / "sub" / "file"));
  }
  BOOST_TEST(!std::filesystem::exists(inside));
  test::write(folder / "file", "x");
  BOOST_CHECK_THROW(data::ScratchFolder(folder / "file"), Error);
}

BOOST_AUTO_TEST_CASE(processes_get_their_arguments_unchanged_and_report_their_end) {
  const data::Outcome echo = data::run_process({"printf", "%s|", "a b", "$HOME; `x` *", ""});
  BOOST_TEST(echo.status == 0);
  BOOST_TEST(echo.output == "a b|$HOME; `x` *||");
  const data::Outcome both = data::run_process({"sh", "-c", "echo out; echo err >&2; exit 3"});
  BOOST_TEST(both.status == 3);
  BOOST_TEST(both.output == "out\nerr\n");
  BOOST_TEST(data::last_line(both.output) == "err");
  BOOST_TEST(data::run_process({"sh", "-c", "kill -9 $$"}).status == 128 + 9);
  BOOST_TEST(data::run_process({"cat"}).output == "");  // stdin is empty: it ends
  BOOST_TEST(
      contains(test::error_of([] { data::run_process({"no-such-program"}); }), "no-such-program"));
  // More than a pipe holds.
  BOOST_TEST(data::run_process({"head", "-c", "300000", "/dev/zero"}).output.size() == 300000);
}

BOOST_AUTO_TEST_CASE(the_last_line_is_the_last_that_says_something) {
  BOOST_TEST(data::last_line("a\nb c\r\n \n\n") == "b c");
  BOOST_TEST(data::last_line("progress 1%\rprogress 100%") == "progress 100%");
  BOOST_TEST(data::last_line("only") == "only");
  BOOST_TEST(data::last_line("\n \n") == "");
}

BOOST_AUTO_TEST_SUITE_END()
