#include <boost/test/unit_test.hpp>
#include <fstream>

#include "src/io/io.hpp"
#include "tests/io/safetensors_bytes.hpp"
#include "tests/io/tamper.hpp"
#include "tests/models/sample.hpp"
#include "tests/python.hpp"

using namespace taut;
using namespace taut::test;

namespace {

constexpr at::ScalarType kTypes[] = {at::kDouble,        at::kFloat,       at::kHalf, at::kBFloat16,
                                     at::kFloat8_e4m3fn, at::kFloat8_e5m2, at::kLong, at::kInt,
                                     at::kShort,         at::kChar,        at::kByte, at::kBool};

// Every bit pattern is a value, NaN among them; a bool has two.
at::Tensor random_bits(at::IntArrayRef shape, at::ScalarType type, at::Generator& g) {
  const auto bytes = static_cast<int64_t>(c10::elementSize(type));
  std::vector<int64_t> wide = shape.vec();
  wide.push_back(bytes);
  const int64_t limit = type == at::kBool ? 2 : 256;
  const at::Tensor raw = at::randint(0, limit, wide, g, at::kByte);
  return raw.view(type).squeeze(-1);
}

io::TensorFile round_trip(const io::TensorFile& file) {
  const TempFolder folder;
  io::write_safetensors(folder / "t.safetensors", file);
  return io::read_safetensors(folder / "t.safetensors");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors_test)

BOOST_AUTO_TEST_CASE(every_type_and_shape_comes_back_bit_for_bit) {
  at::Generator g = make_generator(seed());
  const std::vector<std::vector<int64_t>> shapes = {
      {}, {1}, {7}, {0}, {3, 5}, {2, 0}, {1, 1, 1}, {2, 1, 3, 1, 2, 1, 2, 3}};
  io::TensorFile file;
  file.metadata = {{"format", "pt"}, {"quote", "\"\\\n\t\x01 \xc3\xa9"}};
  for (const at::ScalarType type : kTypes) {
    for (size_t i = 0; i < shapes.size(); ++i) {
      file.tensors[fmt::format("{}.{}", toString(type), i)] = random_bits(shapes[i], type, g);
    }
  }
  const io::TensorFile back = round_trip(file);
  BOOST_TEST((back.metadata == file.metadata));
  BOOST_REQUIRE(back.tensors.size() == file.tensors.size());
  for (const auto& [name, tensor] : file.tensors) {
    BOOST_TEST(same(back.tensors.at(name), tensor), name);
  }
}

BOOST_AUTO_TEST_CASE(a_large_table_is_mapped_and_outlives_the_reader) {
  at::Generator g = make_generator(seed());
  const TempFolder folder;
  const at::Tensor table = at::randn({50304, 768}, g, at::kFloat);
  io::write_safetensors(folder / "t.safetensors", {{}, {{"table", table}}});
  at::Tensor back = io::read_safetensors(folder / "t.safetensors").tensors.at("table");
  // Not a copy: pages belong to the file. Writing to them leaves it alone.
  std::ifstream maps("/proc/self/maps");
  const std::string all(std::istreambuf_iterator<char>(maps), {});
  BOOST_TEST(contains(all, (folder / "t.safetensors").string()));
  BOOST_TEST(same(back, table));
  back.zero_();
  BOOST_TEST(same(io::read_safetensors(folder / "t.safetensors").tensors.at("table"), table));
}

BOOST_AUTO_TEST_CASE(an_empty_file_of_tensors_and_strided_ones) {
  const io::TensorFile none = round_trip({});
  BOOST_TEST(none.tensors.empty());
  const at::Tensor strided = at::arange(12, at::kFloat).view({3, 4}).t();
  BOOST_TEST(same(round_trip({{}, {{"t", strided}}}).tensors.at("t"), strided));
}

BOOST_AUTO_TEST_CASE(data_at_odd_addresses_are_copied) {
  const float value = 1.5f;
  std::string data = "\x07";
  data.append(reinterpret_cast<const char*>(&value), sizeof value);
  const std::string bytes = framed(
      "{" + item("a", "U8", "[1]", "[0,1]") + "," + item("b", "F32", "[1]", "[1,5]") + "}", data);
  const io::TensorFile file = io::parse_safetensors(bytes, "x");
  BOOST_TEST(file.tensors.at("a").item<uint8_t>() == 7);
  BOOST_TEST(file.tensors.at("b").item<float>() == value);
  BOOST_TEST(reinterpret_cast<uintptr_t>(file.tensors.at("b").const_data_ptr()) % 4 == 0u);
}

BOOST_AUTO_TEST_CASE(what_reading_would_refuse_is_not_written) {
  const TempFolder folder;
  const auto error = [&](const std::string& name, const at::Tensor& tensor,
                         std::map<std::string, std::string> metadata = {}) {
    return error_of([&] {
      io::write_safetensors(folder / "t.safetensors", {metadata, {{name, tensor}}});
    });
  };
  const at::Tensor one = at::ones({1});
  BOOST_TEST(contains(error("", one), "tensor name"));
  BOOST_TEST(contains(error(std::string(1001, 'x'), one), "tensor name"));
  BOOST_TEST(contains(error("a\nb", one), "control characters"));
  BOOST_TEST(contains(error("\xff", one), "UTF-8"));
  BOOST_TEST(contains(error("t", one, {{"k", "\xff"}}), "UTF-8"));
  BOOST_TEST(contains(error("__metadata__", one), "__metadata__"));
  const std::string text(size_t{17} << 20, 'x');
  BOOST_TEST(contains(error("t", one, {{"k", text}}), "the header would have"));
  BOOST_TEST(contains(error("t", at::ones({1}, at::kComplexFloat)), "cannot be stored"));
  BOOST_TEST(contains(error("t", at::ones({1, 1, 1, 1, 1, 1, 1, 1, 1})), "9 dimensions"));
  BOOST_TEST(entries(folder.path()) == 0u);
}

BOOST_AUTO_TEST_CASE(shards_are_read_as_one) {
  const TempFolder folder;
  const at::Tensor a = at::ones({2}), b = at::zeros({3});
  const std::string index = (folder / "model.safetensors.index.json").string();
  io::write_safetensors(folder / "1.safetensors", {{{"format", "pt"}}, {{"a", a}}});
  io::write_safetensors(folder / "2.safetensors", {{}, {{"b", b}, {"c", a}}});
  const auto read = [&](const std::string& map) {
    put(index, R"({"metadata":{"total_size":[1,{"weight_map":"x"}]},"weight_map":)" + map + "}");
    return error_of([&] {
      const io::TensorFile file = io::read_safetensors(index);
      BOOST_TEST(file.tensors.size() == 3u);
      BOOST_TEST(same(file.tensors.at("a"), a));
      BOOST_TEST(same(file.tensors.at("b"), b));
      BOOST_TEST(file.metadata.at("format") == "pt");
    });
  };
  const std::string second = R"("b":"2.safetensors","c":"2.safetensors")";
  BOOST_TEST(read(R"({"a":"1.safetensors",)" + second + "}") == "");
  BOOST_TEST(contains(read(R"({"d":"1.safetensors",)" + second + "}"), "said to hold d"));
  BOOST_TEST(contains(read(R"({"a":"1.safetensors","b":"2.safetensors"})"), "holds 2 tensors"));
  BOOST_TEST(contains(read(R"({"a":"1.safetensors","a":"2.safetensors"})"), "names a twice"));
  BOOST_TEST(contains(read(R"({"a":"../1.safetensors"})"), "beside the index"));
  BOOST_TEST(contains(read(R"({"a":"none.safetensors"})"), "none.safetensors"));
  BOOST_TEST(contains(read(R"({"a":["1.safetensors"]})"), "names to names"));
  BOOST_TEST(contains(read("{}"), "no weight_map"));
  std::string many = "{", comma;
  for (int i = 0; i <= 10000; ++i, comma = ",")
    many += fmt::format(R"({}"{}":"{}.safetensors")", comma, i, i);
  BOOST_TEST(contains(read(many + "}"), "more than 10000 files"));
  BOOST_TEST(contains(read("{" + std::string(size_t{17} << 20, ' ') + "}"), "more than 16777216"));
  BOOST_TEST(contains(read(std::string("{}\0", 3)), "NUL"));
  BOOST_TEST(contains(read("{"), "no JSON"));
}

// The reference implementation itself, fetched into a folder that does not stay.
BOOST_AUTO_TEST_CASE(files_agree_byte_for_byte_with_the_python_package) {
  const auto program = python();
  const TempFolder folder;
  for (const char* package : {"safetensors", "numpy"}) {
    const auto wheel = fetched_wheel(package, folder);
    if (!wheel) return skip("no Python with torch, or the package cannot be fetched");
    BOOST_REQUIRE(shell(fmt::format("'{}' -m zipfile -e '{}' '{}'", *program, wheel->string(),
                                    (folder / "packages").string()),
                        folder / "log"));
  }
  put(folder / "write.py", R"(
import sys, torch
from safetensors.torch import save_file, load_file
g = torch.Generator().manual_seed(1)
kinds = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2,
         torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
shapes = [(), (0,), (5,), (3, 4), (2, 0, 3), (1, 1, 7)]
tensors = {f"layer.{i}.{j}\u00e9": torch.randint(0, 2, s, generator=g).to(k) for i, k in enumerate(kinds) for j, s in enumerate(shapes)}
if sys.argv[1] == "write":
    save_file(tensors, sys.argv[2], metadata={"format": "pt \"quoted\"\n"})
else:
    back = load_file(sys.argv[2])
    assert back.keys() == tensors.keys()
    assert all(back[n].dtype == t.dtype and torch.equal(back[n].to(torch.float64), t.to(torch.float64)) for n, t in tensors.items())
)");
  const auto run = [&](const char* what, const char* file) {
    return shell(
        fmt::format("PYTHONPATH='{}' '{}' '{}' {} '{}'", (folder / "packages").string(), *program,
                    (folder / "write.py").string(), what, (folder / file).string()),
        folder / "log");
  };
  BOOST_REQUIRE_MESSAGE(run("write", "theirs.safetensors"), io::read_text(folder / "log"));
  io::write_safetensors(folder / "ours.safetensors",
                        io::read_safetensors(folder / "theirs.safetensors"));
  BOOST_TEST(
      (io::read_text(folder / "ours.safetensors") == io::read_text(folder / "theirs.safetensors")));
  BOOST_TEST(run("read", "ours.safetensors"), io::read_text(folder / "log"));
}

BOOST_AUTO_TEST_SUITE_END()
