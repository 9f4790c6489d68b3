#include <boost/test/unit_test.hpp>
#include <set>

#include "tests/io/sample.hpp"
#include "tests/support.hpp"

using namespace taut;
using namespace taut::test;

namespace {

void collect_kinds(const std::vector<Layer>& layers, std::set<std::string>& kinds) {
  for (const Layer& layer : layers) {
    kinds.insert(kind_name(layer.kind));
    if (const auto* r = std::get_if<Residual>(&layer.kind)) collect_kinds(r->branch, kinds);
  }
}

std::string bytes_of(const std::filesystem::path& path) { return io::read_text(path); }

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_test)

BOOST_AUTO_TEST_CASE(every_layer_kind_comes_back_bit_for_bit) {
  const TempFolder folder;
  std::set<std::string> kinds;
  for (const Network& network :
       {sample_images(), sample_class_token(), sample_text(), sample_capped_logits()}) {
    collect_kinds(network.layers, kinds);
    const io::Checkpoint saved = sample_checkpoint(network);
    io::save_checkpoint(folder / "c.h5", saved);
    const io::Checkpoint loaded = io::load_checkpoint(folder / "c.h5");
    BOOST_TEST(same(saved, loaded));
  }
  // The samples would go stale silently if a new kind were forgotten.
  BOOST_TEST(kinds.size() == kind_names().size());
}

BOOST_AUTO_TEST_CASE(every_floating_type_of_weights_comes_back) {
  const TempFolder folder;
  for (const auto dtype : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    const io::Checkpoint saved = sample_checkpoint(converted(sample_images(), dtype));
    io::save_checkpoint(folder / "c.h5", saved);
    BOOST_TEST(same(saved, io::load_checkpoint(folder / "c.h5")));
  }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_without_trainer_state_is_whole) {
  const TempFolder folder;
  io::Checkpoint saved;
  saved.network = sample_text();
  io::save_checkpoint(folder / "c.h5", saved);
  BOOST_TEST(same(saved, io::load_checkpoint(folder / "c.h5")));
}

BOOST_AUTO_TEST_CASE(equal_checkpoints_make_equal_files) {
  const TempFolder folder;
  io::save_checkpoint(folder / "a.h5", sample_checkpoint(sample_images()));
  io::save_checkpoint(folder / "b.h5", sample_checkpoint(sample_images()));
  BOOST_TEST((bytes_of(folder / "a.h5") == bytes_of(folder / "b.h5")));
}

BOOST_AUTO_TEST_CASE(long_texts_and_many_names_come_back) {
  const TempFolder folder;
  io::Checkpoint saved = sample_checkpoint(sample_images());
  saved.config = std::string(300000, 'x');
  for (int i = 0; i < 300; ++i) {
    saved.optimizer[fmt::format("state {}", i)] = at::full({i % 3}, i);
    saved.numbers[fmt::format("number {}", i)] = i;
    saved.provenance[fmt::format("fact {}", i)] = std::string(static_cast<size_t>(i), 'y');
  }
  io::save_checkpoint(folder / "c.h5", saved);
  BOOST_TEST(same(saved, io::load_checkpoint(folder / "c.h5")));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_loaded_is_not_saved) {
  const TempFolder folder;
  const io::Checkpoint good = sample_checkpoint(sample_images());
  io::save_checkpoint(folder / "c.h5", good);
  io::Checkpoint bad = sample_checkpoint(converted(sample_images(), at::kFloat));
  std::get<Linear>(bad.network.layers.back().kind).weight[1][2] = NAN;
  const std::string text = error_of([&] { io::save_checkpoint(folder / "c.h5", bad); });
  BOOST_TEST(contains(text, "c.h5: head.weight holds NaN"), text);
  bad = good;
  bad.step = -1;
  BOOST_CHECK_THROW(io::save_checkpoint(folder / "c.h5", bad), Error);
  bad = good;
  bad.optimizer["a/b"] = at::ones({1});
  BOOST_CHECK_THROW(io::save_checkpoint(folder / "c.h5", bad), Error);
  BOOST_TEST(same(good, io::load_checkpoint(folder / "c.h5")));
  // The file alone: no draft stays behind.
  const auto entries = std::distance(std::filesystem::directory_iterator(folder.path()), {});
  BOOST_TEST(entries == 1);
}

BOOST_AUTO_TEST_SUITE_END()
