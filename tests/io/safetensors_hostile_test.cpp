#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <random>

#include "src/io/io.hpp"
#include "src/io/safetensors_header.hpp"
#include "tests/io/safetensors_bytes.hpp"
#include "tests/io/tamper.hpp"

using namespace taut;
using namespace taut::test;

namespace {

std::string refused(const std::string& header, const std::string& data = "") {
  const std::string text = error_of_parsing(framed(header, data));
  BOOST_TEST(contains(text, "x.safetensors: "), text);
  BOOST_TEST(!contains(text, "\n"), text);
  return text;
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets,
                size_t data) {
  return refused("{" + item("t", dtype, shape, offsets) + "}", std::string(data, '\1'));
}

// Peak memory of this process in kB.
int64_t peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::atoll(line.c_str() + 6);
  }
  return 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors_hostile_test)

BOOST_AUTO_TEST_CASE(files_that_are_cut_off_or_lie_about_their_header) {
  BOOST_TEST(contains(error_of_parsing(""), "cut off"));
  BOOST_TEST(contains(error_of_parsing("1234567"), "cut off"));
  BOOST_TEST(contains(error_of_parsing(std::string(8, '\xff')), "no safetensors file, or cut off"));
  BOOST_TEST(
      contains(error_of_parsing(std::string(16, '\x7f')), "no safetensors file, or cut off"));
  const std::string whole =
      framed("{" + item("t", "F32", "[2]", "[0,8]") + "}", std::string(8, '\0'));
  BOOST_TEST(error_of_parsing(whole) == "");
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string text = error_of_parsing(whole.substr(0, size));
    BOOST_TEST(text != "", size);
    if (size < whole.size() - 8) BOOST_TEST(contains(text, "cut off"), text);
  }
  BOOST_TEST(contains(error_of_parsing(whole + "x"), "the tensors end at byte 8, the data at 9"));
}

BOOST_AUTO_TEST_CASE(places_must_fill_the_data) {
  BOOST_TEST(contains(one("F32", "[2]", "[0,8]", 7), "the file has 7 bytes of data"));
  BOOST_TEST(contains(one("F32", "[2]", "[8,0]", 8), "lies at bytes 8 to 0"));
  BOOST_TEST(contains(one("F32", "[2]", "[0,4]", 4), "expected 8"));
  BOOST_TEST(contains(one("F32", "[2]", "[1,9]", 9), "begins at byte 1"));
  BOOST_TEST(contains(one("F32", "[2]", "[0,18446744073709551615]", 8), "impossible size"));
  BOOST_TEST(contains(one("F32", "[2]", "[9223372036854775800,9223372036854775807]", 8), "data"));
  const auto two = [](const std::string& a, const std::string& b, size_t data) {
    return refused("{" + item("a", "F32", "[2]", a) + "," + item("b", "F32", "[2]", b) + "}",
                   std::string(data, '\0'));
  };
  BOOST_TEST(contains(two("[0,8]", "[4,12]", 12), "b begins at byte 4"));
  BOOST_TEST(contains(two("[0,8]", "[0,8]", 8), "b begins at byte 0"));
  BOOST_TEST(contains(two("[0,8]", "[9,17]", 17), "b begins at byte 9"));
  // An empty one lies before the one that begins where it does, whichever is named first.
  const std::string full = item("a", "F32", "[2]", "[0,8]"),
                    empty = item("b", "F32", "[0]", "[0,0]");
  const std::string data(8, '\0');
  BOOST_TEST(error_of_parsing(framed("{" + full + "," + empty + "}", data)) == "");
  BOOST_TEST(error_of_parsing(framed("{" + empty + "," + full + "}", data)) == "");
}

BOOST_AUTO_TEST_CASE(absurd_shapes) {
  BOOST_TEST(
      contains(one("F32", "[4294967296,4294967296,4294967296]", "[0,0]", 0), "impossible shape"));
  BOOST_TEST(contains(one("F32", "[0,4611686018427387904,4611686018427387904]", "[0,0]", 0),
                      "impossible shape"));
  BOOST_TEST(contains(one("F64", "[2305843009213693952]", "[0,0]", 0), "impossible shape"));
  BOOST_TEST(contains(one("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]", 4), "9 dimensions"));
  BOOST_TEST(contains(one("F32", "[9223372036854775808]", "[0,0]", 0), "impossible size"));
  BOOST_TEST(contains(one("F32", "[-1]", "[0,4]", 4), "negative"));
  BOOST_TEST(contains(one("F32", "[1.0]", "[0,4]", 4), "fraction"));
  BOOST_TEST(contains(one("F32", "[1e3]", "[0,4]", 4), "fraction"));
  BOOST_TEST(contains(one("F32", "[100000000000]", "[0,400000000000]", 8), "bytes of data"));
  BOOST_TEST(contains(one("F33", "[1]", "[0,4]", 4), "nearest: 'F32'"));
  BOOST_TEST(
      contains(refused("{" + item("t", "BOOL", "[1]", "[0,1]") + "}", "\x02"), "truth values"));
}

BOOST_AUTO_TEST_CASE(headers_that_are_something_else) {
  BOOST_TEST(contains(refused(""), "begin with '{'"));
  BOOST_TEST(contains(refused("[]"), "begin with '{'"));
  BOOST_TEST(contains(refused(" {}"), "begin with '{'"));
  BOOST_TEST(contains(refused("{"), "no JSON"));
  BOOST_TEST(contains(refused("{}}"), "no JSON"));
  BOOST_TEST(contains(refused("{}{}"), "no JSON"));
  BOOST_TEST(contains(refused(std::string("{}\0", 3)), "no JSON"));
  BOOST_TEST(contains(refused(R"({"t":1})"), "a number at 't'"));
  BOOST_TEST(contains(refused(R"({"t":null})"), "null at 't'"));
  BOOST_TEST(contains(refused(R"({"t":[]})"), "a list at 't'"));
  BOOST_TEST(contains(refused(R"({"t":{"dtype":{}}})"), "an object at 't.dtype'"));
  BOOST_TEST(contains(refused(R"({"t":{"dtype":["F32"]}})"), "a list at 't.dtype'"));
  BOOST_TEST(contains(refused(R"({"t":{"shape":[[1]]}})"), "a list at 't.shape'"));
  BOOST_TEST(contains(refused(R"({"t":{"shape":"1"}})"), "a text at 't.shape'"));
  BOOST_TEST(contains(refused(R"({"t":{"extra":1}})"), "'t.extra'"));
  BOOST_TEST(contains(refused(R"({"t":{}})"), "lacks"));
  BOOST_TEST(contains(refused(R"({"t":{"dtype":"F32","shape":[]}})"), "lacks"));
  BOOST_TEST(contains(one("F32", "[]", "[0]", 4), "expected 2"));
  BOOST_TEST(contains(one("F32", "[]", "[0,4,4]", 4), "expected 2"));
  BOOST_TEST(one(std::string(5000, 'F'), "[]", "[0,4]", 4).size() < 500);
  BOOST_TEST(contains(refused(R"({"__metadata__":{"a":1}})"), "a number at '__metadata__.a'"));
  BOOST_TEST(contains(refused(R"({"__metadata__":{"a":{}}})"), "an object"));
  BOOST_TEST(contains(refused(R"({"__metadata__":"a"})"), "a text"));
}

BOOST_AUTO_TEST_CASE(names_twice_and_names_that_are_none) {
  const std::string t = item("t", "F32", "[0]", "[0,0]");
  BOOST_TEST(contains(refused("{" + t + "," + t + "}"), "names 't' twice"));
  BOOST_TEST(contains(refused(R"({"__metadata__":{},"__metadata__":{}})"), "twice"));
  BOOST_TEST(contains(refused(R"({"__metadata__":{"a":"1","a":"2"}})"), "'__metadata__.a' twice"));
  BOOST_TEST(contains(refused(R"({"t":{"dtype":"F32","dtype":"F64"}})"), "'t.dtype' twice"));
  BOOST_TEST(contains(refused("{" + item("\xff", "F32", "[0]", "[0,0]") + "}"), "UTF-8"));
  BOOST_TEST(contains(refused("{" + item("\xc3", "F32", "[0]", "[0,0]") + "}"), "UTF-8"));
  BOOST_TEST(contains(refused("{" + item("\xed\xa0\x80", "F32", "[0]", "[0,0]") + "}"), "UTF-8"));
  BOOST_TEST(contains(refused("{" + item(R"(\n)", "F32", "[0]", "[0,0]") + "}"), "control"));
  BOOST_TEST(contains(refused("{" + item(R"(\u0000)", "F32", "[0]", "[0,0]") + "}"), "control"));
  BOOST_TEST(contains(refused("{" + item("", "F32", "[0]", "[0,0]") + "}"), "tensor name"));
  BOOST_TEST(contains(refused("{" + item(std::string(2000, 'n'), "F32", "[0]", "[0,0]") + "}"),
                      "tensor name"));
}

// 100 MB of JSON, nested, listed or in one name: refused in proportion to what is looked at.
BOOST_AUTO_TEST_CASE(huge_headers_cost_nothing) {
  const size_t size = size_t{100} << 20;
  const std::string brackets(size, '[');
  const std::string bytes = framed("{" + brackets);
  const std::string nested = framed(R"({"t":)" + brackets.substr(0, 16000000));
  std::string numbers = R"({"t":{"shape":[1)";
  while (numbers.size() < 16000000) numbers += ",1";
  numbers = framed(numbers);
  const int64_t before = peak_memory();
  BOOST_TEST(contains(error_of_parsing(bytes), "more than 16777216"));
  BOOST_TEST(contains(error_of_parsing(nested), "a list at 't'"));
  BOOST_TEST(contains(error_of_parsing(numbers), "more than 64 entries"));
  BOOST_TEST(peak_memory() - before < 80 * 1024);
}

// 10 GB without blocks on the disk: only the pages that are looked at are read.
BOOST_AUTO_TEST_CASE(a_file_larger_than_the_memory_opens_at_once) {
  const TempFolder folder;
  const auto path = folder / "large.safetensors";
  std::string header = "{", comma;
  const int64_t rows = 52429, bytes = rows * 4096 * 4;
  for (int64_t i = 0; i < 12; ++i) {
    header += comma + item(fmt::format("{}.weight", i), "F32", fmt::format("[{},4096]", rows),
                           fmt::format("[{},{}]", i * bytes, (i + 1) * bytes));
    comma = ",";
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');  // what lies at odd addresses is copied
  put(path, framed(header, ""));
  std::filesystem::resize_file(path,
                               std::filesystem::file_size(path) + static_cast<size_t>(12 * bytes));
  BOOST_TEST(std::filesystem::file_size(path) > size_t{10000000000});
  const int64_t before = peak_memory();
  const auto start = std::chrono::steady_clock::now();
  const io::TensorFile file = io::read_safetensors(path);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  fmt::print("opened in {:.3g} s\n", taken.count());
  BOOST_TEST(file.tensors.at("11.weight")[rows - 1][4095].item<float>() == 0);
  BOOST_TEST(taken.count() < 0.2);
  BOOST_TEST(peak_memory() - before < 16 * 1024);
}

BOOST_AUTO_TEST_CASE(files_that_are_not_files) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "folder.safetensors");
  mkfifo((folder / "pipe.safetensors").c_str(), 0600);
  put(folder / "empty.safetensors", "");
  const std::pair<const char*, const char*> cases[] = {{"missing", "No such file"},
                                                       {"folder", "it is a folder"},
                                                       {"pipe", "not a regular file"},
                                                       {"empty", "cut off"}};
  for (const auto& [name, part] : cases) {
    const auto path = folder / (std::string(name) + ".safetensors");
    const std::string text = error_of([&] { io::read_safetensors(path); });
    BOOST_TEST(contains(text, part), text);
    BOOST_TEST(contains(text, path.string()), text);
  }
}

// A header is taken exactly when a plain reading of the rules says so.
BOOST_AUTO_TEST_CASE(random_json_is_judged_as_by_a_second_reading) {
  std::mt19937_64 g(seed());
  const auto pick = [&](int64_t n) { return static_cast<int64_t>(g() % static_cast<uint64_t>(n)); };
  int taken = 0, refusals = 0;
  for (int round = 0; round < 20000; ++round) {
    nlohmann::json header = nlohmann::json::object();
    int64_t end = 0;
    const int64_t count = pick(4);
    for (int64_t i = 0; i < count; ++i) {
      std::vector<int64_t> shape;
      for (int64_t k = pick(3); k > 0; --k) shape.push_back(pick(4));
      const bool wide = pick(2) == 0;
      int64_t bytes = wide ? 4 : 1;
      for (const int64_t s : shape) bytes *= s;
      header[fmt::format("t{}", i)] = {
          {"dtype", wide ? "F32" : "I8"}, {"shape", shape}, {"data_offsets", {end, end + bytes}}};
      end += bytes;
    }
    // One change somewhere, or none.
    bool good = true;
    if (count > 0) {
      auto& t = header[fmt::format("t{}", pick(count))];
      const int64_t length =
          t["data_offsets"][1].get<int64_t>() - t["data_offsets"][0].get<int64_t>();
      switch (pick(8)) {
        case 0:
          t["data_offsets"][1] = t["data_offsets"][1].get<int64_t>() + 1;
          good = false;
          break;
        case 1:
          t["data_offsets"][0] = t["data_offsets"][0].get<int64_t>() + 1;
          good = false;
          break;
        case 2:
          t["shape"].push_back(2);
          good = length == 0;
          break;
        case 3:
          t["shape"].push_back(1);
          break;
        case 4:
          t.erase("dtype");
          good = false;
          break;
        case 5:
          t["more"] = 1;
          good = false;
          break;
        case 6:
          t["shape"] = nlohmann::json::object();
          good = false;
          break;
        default:
          break;
      }
    }
    const std::string text = header.dump() + std::string(static_cast<size_t>(pick(9)), ' ');
    const std::string error =
        error_of_parsing(framed(text, std::string(static_cast<size_t>(end), '\1')));
    BOOST_TEST((error == "") == good, text << ": " << error);
    ++(good ? taken : refusals);
  }
  BOOST_TEST(taken > 1000);
  BOOST_TEST(refusals > 1000);
}

BOOST_AUTO_TEST_CASE(random_bytes_never_do_worse_than_an_error) {
  std::mt19937_64 g(seed());
  const std::string good =
      framed(R"({"__metadata__":{"format":"pt"},)" + item("a.weight", "F32", "[2,1]", "[0,8]") +
                 "," + item("b", "BOOL", "[2]", "[8,10]") + "}",
             std::string(10, '\0'));
  int read = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string bytes = good;
    for (uint64_t k = 1 + g() % 3; k > 0; --k) {
      const size_t at = g() % bytes.size();
      if (g() % 4 == 0)
        bytes.erase(at, 1 + g() % 3);
      else if (g() % 3 == 0)
        bytes.insert(at, 1, bytes[g() % bytes.size()]);
      else
        bytes[at] = static_cast<char>(g());
    }
    const std::string error = error_of([&] {
      for (const auto& [name, tensor] : io::parse_safetensors(bytes, "x").tensors) tensor.sum();
      ++read;
    });
    BOOST_TEST(!contains(error, "\n"));
  }
  BOOST_TEST(read > 0);
}

BOOST_AUTO_TEST_SUITE_END()
