#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "tests/io/sample.hpp"
#include "tests/io/tamper.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;

namespace {

// An HDF5 file with one 3 x 4 tensor "t", changed by `change`.
template <class Change>
std::filesystem::path tampered(const TempFolder& folder, Change&& change) {
  const std::filesystem::path path = folder / "t.h5";
  io::File out = io::File::create(path);
  out.root().write("t", at::ones({3, 4}));
  out.root().set_integer("number", 1);
  out.publish();
  tamper(path, change);
  return path;
}

template <class Change>
std::string error_of_reading(const std::string& name, Change&& change) {
  const TempFolder folder;
  const std::filesystem::path path = tampered(folder, change);
  return error_of([&] { io::File::open(path).root().read(name); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hostile_test)

BOOST_AUTO_TEST_CASE(files_that_are_not_hdf5_are_named) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "folder");
  put(folder / "empty", "");
  put(folder / "text", "format = \"taut checkpoint\"\n");
  put(folder / "long", std::string(100000, 'x'));
  put(folder / "magic", "\x89HDF\r\n\x1a\n");
  mkfifo((folder / "pipe").c_str(), 0600);
  const std::pair<const char*, const char*> cases[] = {
      {"missing", "No such file"},    {"folder", "it is a folder"},     {"empty", "is empty"},
      {"text", "not an HDF5 file"},   {"long", "not an HDF5 file"},     {"magic", "magic"},
      {"pipe", "not a regular file"}, {"text/under", "Not a directory"}};
  for (const auto& [name, part] : cases) {
    const std::filesystem::path path = folder / name;
    const std::string text = error_of([&] { io::load_checkpoint(path); });
    BOOST_TEST(contains(text, part), text);
    BOOST_TEST(contains(text, path.string()), text);
    BOOST_TEST(!contains(text, "\n"), text);
  }
}

BOOST_AUTO_TEST_CASE(links_to_elsewhere_are_not_followed) {
  const auto soft = [](hid_t f) { H5Lcreate_soft("/t", f, "link", H5P_DEFAULT, H5P_DEFAULT); };
  const auto external = [](hid_t f) {
    H5Lcreate_external("/etc/passwd", "/t", f, "link", H5P_DEFAULT, H5P_DEFAULT);
  };
  BOOST_TEST(contains(error_of_reading("link", soft), "link to elsewhere"));
  BOOST_TEST(contains(error_of_reading("link", external), "link to elsewhere"));
}

BOOST_AUTO_TEST_CASE(filters_chunks_and_data_elsewhere_are_refused) {
  const std::vector<float> data(1000, 1);
  const auto with = [&](auto set) {
    return error_of_reading("x", [&](hid_t file) {
      const hid_t made = H5Pcreate(H5P_DATASET_CREATE);
      set(made);
      add_dataset(file, "x", H5T_IEEE_F32LE, {1000}, made);
      H5Pclose(made);
    });
  };
  const hsize_t chunk = 100;
  BOOST_TEST(contains(with([&](hid_t p) { H5Pset_chunk(p, 1, &chunk); }), "expected contiguous"));
  const auto deflate = [&](hid_t p) {
    H5Pset_chunk(p, 1, &chunk);
    H5Pset_deflate(p, 9);
  };
  BOOST_TEST(contains(with(deflate), "expected contiguous"));
  BOOST_TEST(contains(with([&](hid_t p) { H5Pset_external(p, "/etc/passwd", 0, 4000); }),
                      "data in another file"));
  const auto from_elsewhere = [&](hid_t p) {
    const hsize_t size = 1000;
    const hid_t space = H5Screate_simple(1, &size, nullptr);
    H5Pset_virtual(p, space, "/etc/passwd", "/t", space);
    H5Sclose(space);
  };
  BOOST_TEST(contains(with(from_elsewhere), "virtual"));
}

BOOST_AUTO_TEST_CASE(shapes_that_the_file_cannot_hold_are_refused) {
  const hsize_t huge = hsize_t{1} << 40;
  const auto of = [](std::vector<hsize_t> dims) {
    return error_of_reading("x", [&](hid_t file) { add_dataset(file, "x", H5T_IEEE_F32LE, dims); });
  };
  BOOST_TEST(contains(of({huge}), "more than the file has"));
  BOOST_TEST(contains(of({1u << 20, 1u << 20, 1u << 20}), "more than the file has"));
  BOOST_TEST(contains(of({0, hsize_t{1} << 62, hsize_t{1} << 62}), "more than the file has"));
  BOOST_TEST(contains(of({10}), "holds less data"));  // none was written
  BOOST_TEST(contains(of({1, 1, 1, 1, 1, 1, 1, 1, 1}), "9 dimensions"));
}

BOOST_AUTO_TEST_CASE(unexpected_types_are_refused) {
  const std::vector<char> zeros(64, 0);
  const auto of = [&](hid_t type, const char* name = "x") {
    return error_of_reading(
        name, [&](hid_t file) { add_dataset(file, "x", type, {2}, H5P_DEFAULT, zeros.data()); });
  };
  for (const hid_t type :
       {H5T_IEEE_F32BE, H5T_STD_I32LE, H5T_STD_U16LE, H5T_STD_I8LE, H5T_C_S1, H5T_STD_REF_OBJ}) {
    BOOST_TEST(contains(of(type), "has a type that is not read here"));
  }
  const auto null = [](hid_t file) {
    const hid_t space = H5Screate(H5S_NULL);
    H5Dclose(H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
  };
  BOOST_TEST(contains(error_of_reading("x", null), "has no shape"));
  const auto boolean = [](hid_t file) {
    const uint8_t data[] = {0, 2};
    add_dataset(file, "x", H5T_STD_U8LE, {2}, H5P_DEFAULT, data);
    replace_text(file, "x", "dtype", "bool");
  };
  BOOST_TEST(contains(error_of_reading("x", boolean), "truth values"));
}

BOOST_AUTO_TEST_CASE(texts_of_unexpected_types_are_refused) {
  const TempFolder folder;
  const char* const word = "word";
  const auto path = tampered(folder, [&](hid_t file) {
    const hid_t variable = H5Tcopy(H5T_C_S1);
    H5Tset_size(variable, H5T_VARIABLE);
    replace_attribute(file, "/", "variable", variable, &word);
    add_dataset(file, "list", variable, {1}, H5P_DEFAULT, &word);
    H5Tclose(variable);
    replace_text(file, "/", "text", "word");
    const hid_t wide = H5Tcopy(H5T_C_S1);
    H5Tset_size(wide, size_t{1} << 31);
    add_dataset(file, "wide", wide, {1});
    H5Tclose(wide);
  });
  const io::File file = io::File::open(path);
  const io::Group& root = file.root();
  BOOST_TEST(root.text("text") == "word");
  BOOST_CHECK_THROW(root.text("variable"), Error);
  BOOST_CHECK_THROW(root.text("number"), Error);
  BOOST_CHECK_THROW(root.number("number"), Error);
  BOOST_CHECK_THROW(root.integer("text"), Error);
  BOOST_CHECK_THROW(root.read_texts("list"), Error);
  BOOST_CHECK_THROW(root.read_texts("t"), Error);
  BOOST_CHECK_THROW(root.read_text("wide"), Error);
  BOOST_CHECK_THROW(root.read_doubles("t"), Error);
}

BOOST_AUTO_TEST_CASE(links_to_one_tensor_do_not_multiply_it) {
  const TempFolder folder;
  const auto path = tampered(folder, [](hid_t file) {
    for (int i = 0; i < 1000; ++i) {
      H5Lcreate_hard(file, "t", file, fmt::format("copy{}", i).c_str(), H5P_DEFAULT, H5P_DEFAULT);
    }
  });
  const io::File file = io::File::open(path);
  const auto size = static_cast<int64_t>(std::filesystem::file_size(path));
  int64_t read = 0;
  const std::string text = error_of([&] {
    for (const std::string& name : file.root().members()) {
      for (int i = 0; i < 100; ++i) read += static_cast<int64_t>(file.root().read(name).nbytes());
    }
  });
  BOOST_TEST(contains(text, "more than the file has"), text);
  BOOST_TEST(read <= size);
}

BOOST_AUTO_TEST_SUITE_END()
