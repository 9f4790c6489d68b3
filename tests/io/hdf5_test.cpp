#include <boost/test/unit_test.hpp>

#include "tests/io/sample.hpp"
#include "tests/io/tamper.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;

namespace {

constexpr at::ScalarType kTypes[] = {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16,
                                     at::kLong,  at::kByte,   at::kBool};

// Every byte pattern that the type allows: NaN payloads, infinities and subnormal numbers among
// them.
Tensor patterns(at::IntArrayRef shape, at::ScalarType dtype, at::Generator& g) {
  const Tensor tensor = at::empty(shape, dtype);
  const auto bytes = static_cast<int64_t>(tensor.nbytes());
  const Tensor noise = at::randint(dtype == at::kBool ? 2 : 256, {bytes}, g, at::kByte);
  if (bytes > 0) std::memcpy(tensor.data_ptr(), noise.const_data_ptr(), tensor.nbytes());
  return tensor;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hdf5_test)

BOOST_AUTO_TEST_CASE(every_type_and_shape_comes_back_bit_for_bit) {
  const TempFolder folder;
  at::Generator g = make_generator(seed());
  const std::vector<std::vector<int64_t>> shapes = {
      {}, {0}, {1}, {5}, {2, 0, 3}, {2, 3, 4}, {1, 2, 1, 2, 1, 2, 1, 2}};
  std::map<std::string, Tensor> saved;
  for (const auto dtype : kTypes) {
    for (const auto& shape : shapes) {
      saved[fmt::format("{} {}", toString(dtype), shape_text(shape))] = patterns(shape, dtype, g);
    }
  }
  io::File out = io::File::create(folder / "t.h5");
  for (const auto& [name, tensor] : saved) out.root().write(name, tensor);
  out.publish();
  const io::File in = io::File::open(folder / "t.h5");
  for (const auto& [name, tensor] : saved) BOOST_TEST(same(in.root().read(name), tensor), name);
}

BOOST_AUTO_TEST_CASE(views_and_leaves_are_stored_by_value) {
  const TempFolder folder;
  const Tensor leaf = at::arange(6, at::kFloat).view({2, 3}).requires_grad_(true);
  io::File out = io::File::create(folder / "t.h5");
  out.root().write("leaf", leaf);
  out.root().write("view", leaf.detach().t());
  out.publish();
  const io::File in = io::File::open(folder / "t.h5");
  BOOST_TEST(same(in.root().read("leaf"), leaf.detach()));
  BOOST_TEST(same(in.root().read("view"), leaf.detach().t()));
  BOOST_TEST(!in.root().read("leaf").requires_grad());
}

BOOST_AUTO_TEST_CASE(members_keep_the_order_of_their_creation) {
  const TempFolder folder;
  io::File out = io::File::create(folder / "t.h5");
  std::vector<std::string> names;
  for (int i = 50; i > 0; --i) names.push_back(fmt::format("m{}", i % 7 * 10 + i % 10 + i * 100));
  io::Group group = out.root().create("group");
  for (const std::string& name : names) group.create(name);
  out.publish();
  const io::File in = io::File::open(folder / "t.h5");
  BOOST_TEST(in.root().open("group").members() == names, boost::test_tools::per_element());
  BOOST_TEST(in.root().open("group").open(names[3]).members().empty());
}

BOOST_AUTO_TEST_CASE(texts_doubles_and_attributes_come_back) {
  const TempFolder folder;
  const std::vector<std::string> texts = {"", "a",
                                          "gr\xc3\xb6\xc3\x9f"
                                          "er",
                                          std::string(5000, 'z')};
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> doubles = {0.0, -0.0, inf, -inf, 5e-324};
  io::File out = io::File::create(folder / "t.h5");
  out.root().write_texts("texts", texts);
  out.root().write_texts("none", {});
  out.root().write_text("empty", "");
  out.root().write_doubles("doubles", doubles);
  out.root().write_doubles("nothing", {});
  out.root().set_text("text", "t");
  out.root().set_text("empty", "");
  out.root().set_number("number", -inf);
  out.root().set_integer("integer", std::numeric_limits<int64_t>::min());
  out.publish();
  const io::File in = io::File::open(folder / "t.h5");
  BOOST_TEST(in.root().read_texts("texts") == texts, boost::test_tools::per_element());
  BOOST_TEST(in.root().read_texts("none").empty());
  BOOST_TEST(in.root().read_text("empty") == "");
  const std::vector<double> back = in.root().read_doubles("doubles");
  BOOST_TEST(std::memcmp(back.data(), doubles.data(), 5 * sizeof(double)) == 0);
  BOOST_TEST(in.root().read_doubles("nothing").empty());
  BOOST_TEST(in.root().text("text") == "t");
  BOOST_TEST(in.root().text("empty") == "");
  BOOST_TEST(in.root().number("number") == -inf);
  BOOST_TEST(in.root().integer("integer") == std::numeric_limits<int64_t>::min());
  BOOST_TEST(in.root().has_attribute("number"));
  BOOST_TEST(!in.root().has_attribute("Number"));
  BOOST_TEST(in.root().attributes().size() == 4u);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_stored_is_an_error) {
  const TempFolder folder;
  io::File out = io::File::create(folder / "t.h5");
  for (const std::string& name : {std::string(), std::string("."), std::string("a/b"),
                                  std::string("a\0b", 3), std::string(1001, 'n')}) {
    BOOST_CHECK_THROW(out.root().create(name), Error);
    BOOST_CHECK_THROW(out.root().write(name, at::ones({1})), Error);
    BOOST_CHECK_THROW(out.root().set_integer(name, 1), Error);
    BOOST_CHECK_THROW(out.root().has(name), Error);
  }
  BOOST_CHECK_THROW(out.root().write("t", Tensor()), Error);
  BOOST_CHECK_THROW(out.root().write("t", at::ones({1, 1, 1, 1, 1, 1, 1, 1, 1})), Error);
  BOOST_CHECK_THROW(out.root().write("t", at::ones({1}, at::kComplexFloat)), Error);
  BOOST_CHECK_THROW(out.root().write("t", at::ones({1}, at::kInt)), Error);
  BOOST_CHECK_THROW(out.root().write_text("t", std::string("a\0", 2)), Error);
  BOOST_CHECK_THROW(out.root().set_text("t", std::string(64001, 'a')), Error);
  out.root().write("twice", at::ones({1}));
  const std::string text = error_of([&] { out.root().write("twice", at::ones({1})); });
  BOOST_TEST(contains(text, "t.h5: twice: cannot write: "), text);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_published_leaves_nothing) {
  const TempFolder folder;
  {
    io::File out = io::File::create(folder / "t.h5");
    out.root().write("t", at::ones({1000}));
    BOOST_TEST(!std::filesystem::exists(folder / "t.h5"));
  }
  BOOST_TEST(entries(folder.path()) == 0u);
}

BOOST_AUTO_TEST_CASE(missing_names_are_named) {
  const TempFolder folder;
  io::File out = io::File::create(folder / "t.h5");
  out.root().create("group").write("t", at::ones({2}));
  out.publish();
  const io::File in = io::File::open(folder / "t.h5");
  const auto text = [&](auto work) { return error_of(work); };
  BOOST_TEST(contains(text([&] { in.root().read("x"); }), "t.h5: x is missing"));
  BOOST_TEST(contains(text([&] { in.root().open("y"); }), "t.h5: y is missing"));
  BOOST_TEST(
      contains(text([&] { in.root().open("group").text("z"); }), "group lacks the attribute 'z'"));
  BOOST_TEST(contains(text([&] { in.root().open("group").open("t"); }), "group/t: cannot open"));
  BOOST_TEST(contains(text([&] { in.root().read("group"); }), "group: cannot open"));
}

BOOST_AUTO_TEST_SUITE_END()
