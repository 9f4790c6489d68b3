#include <boost/test/unit_test.hpp>

#include "tests/io/sample.hpp"
#include "tests/io/tamper.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;

namespace {

// What loading says of a good checkpoint of images after `change`; the file's name is taken off.
template <class Change>
std::string refusal(Change&& change) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "checkpoint.h5";
  io::save_checkpoint(path, sample_checkpoint(sample_images()));
  tamper(path, change);
  const std::string text = error_of([&] { io::load_checkpoint(path); });
  const std::string prefix = path.string() + ": ";
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

constexpr const char* kHead = "network/layers/7";
constexpr const char* kUp = "network/layers/5/branch/1";

}  // namespace

BOOST_AUTO_TEST_SUITE(tampered_checkpoint_test)

BOOST_AUTO_TEST_CASE(an_untouched_one_loads_with_and_without_its_seal) {
  BOOST_TEST(refusal([](hid_t) {}) == "");
}

BOOST_AUTO_TEST_CASE(a_change_by_another_program_breaks_the_seal) {
  const TempFolder folder;
  const std::filesystem::path path = folder / "c.h5";
  io::save_checkpoint(path, sample_checkpoint(sample_images()));
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  overwrite(file, "network/layers/7/weight", 3);
  H5Fclose(file);
  const std::string text = error_of([&] { io::load_checkpoint(path); });
  BOOST_TEST(contains(text, "checksum"), text);
}

BOOST_AUTO_TEST_CASE(other_formats_and_versions_are_named) {
  const std::string version = refusal([](hid_t f) { replace_integer(f, "/", "version", 2); });
  BOOST_TEST(version == "taut checkpoint of version 2; this program reads version 1");
  const std::string format =
      refusal([](hid_t f) { replace_text(f, "/", "format", "taut certificate"); });
  BOOST_TEST(contains(format, "expected a taut checkpoint, got the format 'taut certificate'"),
             format);
  const std::string none = refusal([](hid_t f) { H5Adelete(f, "format"); });
  BOOST_TEST(contains(none, "unknown"), none);
}

BOOST_AUTO_TEST_CASE(values_that_are_not_finite_are_named) {
  for (const float value : {NAN, INFINITY}) {
    const std::string text =
        refusal([&](hid_t f) { overwrite(f, "network/layers/5/branch/1/weight", value); });
    BOOST_TEST(text == fmt::format("m.up.weight holds {}", std::isnan(value) ? "NaN" : "infinity"));
  }
  const std::string radius =
      refusal([](hid_t f) { replace_number(f, "network/layers/5/branch/4", "radius", NAN); });
  BOOST_TEST(contains(radius, "m.clamp (ball_clamp): expected radius > 0"), radius);
}

BOOST_AUTO_TEST_CASE(whatever_is_missing_is_named) {
  for (const char* name :
       {"config", "network", "optimizer", "numbers", "provenance", "network/layers",
        "network/layers/0/mean", "network/layers/2/weight", "network/layers/3",
        "network/layers/4/branch", "network/layers/4/branch/1/output.weight"}) {
    const std::string text = refusal([&](hid_t f) { H5Ldelete(f, name, H5P_DEFAULT); });
    BOOST_TEST(contains(text, "missing"), text);
  }
  for (const char* name : {"step", "cursor", "version"}) {
    const std::string text = refusal([&](hid_t f) { H5Adelete(f, name); });
    BOOST_TEST(contains(text, name), text);
  }
  for (const char* name : {"kind", "name", "gain"}) {
    const std::string text =
        refusal([&](hid_t f) { H5Adelete_by_name(f, kHead, name, H5P_DEFAULT); });
    BOOST_TEST(contains(text, name), text);
  }
  // A bias may be missing: then there is none.
  BOOST_TEST(refusal([](hid_t f) { H5Ldelete(f, "network/layers/7/bias", H5P_DEFAULT); }) == "");
}

BOOST_AUTO_TEST_CASE(unknown_kinds_and_entries_are_named) {
  const std::string kind = refusal([](hid_t f) { replace_text(f, kHead, "kind", "lineer"); });
  BOOST_TEST(contains(kind, "network/layers/7: unknown layer kind 'lineer' (nearest: 'linear'"),
             kind);
  const float one = 1;
  const std::string entry = refusal([&](hid_t f) {
    add_dataset(f, "network/layers/7/scale", H5T_IEEE_F32LE, {1}, H5P_DEFAULT, &one);
  });
  BOOST_TEST(contains(entry, "holds 'scale', which its layer kind does not have"), entry);
  const std::string number = refusal([](hid_t f) { replace_number(f, kUp, "temperature", 1); });
  BOOST_TEST(contains(number, "holds 'temperature'"), number);
  const std::string input = refusal([](hid_t f) { replace_text(f, "network", "input", "sound"); });
  BOOST_TEST(contains(input, "unknown kind of input 'sound'"), input);
  const std::string name = refusal([](hid_t f) { replace_text(f, kHead, "name", "\x1b[2J"); });
  BOOST_TEST(contains(name, "printable"), name);
}

BOOST_AUTO_TEST_CASE(numbers_out_of_range_are_refused) {
  const char* const curve = "network/layers/5/branch/2";
  BOOST_TEST(refusal([&](hid_t f) { replace_integer(f, curve, "curve", 99); }) ==
             "m (residual): m.curve (activation): unknown curve 99");
  const char* const norm = "network/layers/5/branch/0";
  BOOST_TEST(contains(refusal([&](hid_t f) { replace_integer(f, norm, "centered", 2); }),
                      "expected centered to be 0 or 1, got 2"));
  BOOST_TEST(contains(refusal([](hid_t f) { replace_integer(f, "/", "step", -1); }), "step"));
  BOOST_TEST(contains(refusal([](hid_t f) { replace_integer(f, "network", "height", 1 << 30); }),
                      "expected an input of pixels"));
}

BOOST_AUTO_TEST_CASE(types_and_shapes_of_tensors_are_checked) {
  const auto with_bias = [](hid_t type, std::vector<hsize_t> dims) {
    return refusal([&](hid_t f) {
      const std::vector<char> zeros(4096, 0);
      H5Ldelete(f, "network/layers/7/bias", H5P_DEFAULT);
      add_dataset(f, "network/layers/7/bias", type, dims, H5P_DEFAULT, zeros.data());
    });
  };
  BOOST_TEST(with_bias(H5T_IEEE_F32LE, {3}) == "");
  BOOST_TEST(
      contains(with_bias(H5T_IEEE_F32LE, {4}), "head (linear): expected bias of shape 3, got 4"));
  BOOST_TEST(contains(with_bias(H5T_IEEE_F32LE, {3, 1}), "expected bias of shape 3"));
  BOOST_TEST(contains(with_bias(H5T_IEEE_F64LE, {3}), "head.bias is of type Double"));
  BOOST_TEST(contains(with_bias(H5T_STD_I64LE, {3}), "expected floating point"));
  const std::string state = refusal([](hid_t f) {
    const std::vector<float> zeros(16, 0);
    H5Ldelete(f, "random_state", H5P_DEFAULT);
    add_dataset(f, "random_state", H5T_IEEE_F32LE, {16}, H5P_DEFAULT, zeros.data());
  });
  BOOST_TEST(contains(state, "random state"), state);
}

BOOST_AUTO_TEST_CASE(residuals_that_hold_themselves_are_refused) {
  const std::string loop = refusal([](hid_t f) {
    H5Ldelete(f, "network/layers/5/branch", H5P_DEFAULT);
    H5Lcreate_hard(f, "network/layers", f, "network/layers/5/branch", H5P_DEFAULT, H5P_DEFAULT);
  });
  // Either the depth or the bytes of the file stop it.
  BOOST_TEST((contains(loop, "nested deeper") || contains(loop, "more than the file has")), loop);
  const std::string deep = refusal([](hid_t f) {
    H5Ldelete(f, "network/layers", H5P_DEFAULT);
    H5Gclose(H5Gcreate2(f, "network/layers", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Gclose(H5Gcreate2(f, "network/layers/0", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    replace_text(f, "network/layers/0", "name", "r");
    replace_text(f, "network/layers/0", "kind", "residual");
    replace_number(f, "network/layers/0", "keep", 1);
    replace_number(f, "network/layers/0", "add", 1);
    H5Lcreate_hard(f, "network/layers", f, "network/layers/0/branch", H5P_DEFAULT, H5P_DEFAULT);
  });
  BOOST_TEST(contains(deep, "nested deeper than 16"), deep);
  const std::string wide = refusal([](hid_t f) {
    for (int i = 8; i < 300; ++i) {
      H5Lcreate_hard(f, "network/layers/5", f, fmt::format("network/layers/{}", i).c_str(),
                     H5P_DEFAULT, H5P_DEFAULT);
    }
  });
  BOOST_TEST(contains(wide, "more than the file has"), wide);
}

BOOST_AUTO_TEST_SUITE_END()
