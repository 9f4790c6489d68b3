#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "src/io/io.hpp"
#include "tests/cli/forked.hpp"
#include "tests/data/bpe_making.hpp"

using namespace taut::test;

namespace {

// Sentences of words that are good, bad or neither; what there is more of is the label.
std::string reviews(int count, uint64_t seed) {
  const std::vector<std::string> words[] = {
      {"dull", "bad", "weak"}, {"fine", "good", "bright"}, {"film", "the", "a", "plot", "and"}};
  std::mt19937_64 random(seed);
  std::string text;
  for (int i = 0; i < count; ++i) {
    const uint64_t label = random() % 2;
    std::string line;
    for (uint64_t n = 3 + random() % 6; n > 0; --n) {
      const auto& kind = words[random() % 3 == 0 ? label : 2];
      line += kind[random() % kind.size()] + " ";
    }
    text += line + words[label][random() % 3] + "\t" + std::to_string(label) + "\n";
  }
  return text;
}

// A folder for TAUT_DATA, for as long as it lives.
struct Reviews {
  Reviews() {
    write(folder / "sst2" / "train.tsv", reviews(400, seed()));
    write(folder / "sst2" / "dev.tsv", reviews(60, seed() + 1));
  }
  TempFolder folder;
  Environment environment{{"TAUT_DATA", folder.path().string()}};
};

std::vector<std::string> classifier(const std::string& preset, const std::string& out) {
  std::vector<std::string> arguments = tiny_train(preset, "sst2", out);
  arguments.insert(arguments.end(), {"--data.context", "10", "--steps", "60"});
  return arguments;
}

bool same_weights(const taut::io::Checkpoint& a, const taut::io::Checkpoint& b) {
  std::vector<at::Tensor> left;
  taut::models::for_each_tensor(a.network, [&](const std::string&, const at::Tensor& w,
                                               taut::models::Role) { left.push_back(w); });
  size_t i = 0;
  bool same = true;
  taut::models::for_each_tensor(b.network,
                                [&](const std::string&, const at::Tensor& w, taut::models::Role) {
                                  same = same && i < left.size() && at::equal(w, left[i]);
                                  ++i;
                                });
  return same && i == left.size();
}

std::string words_of_lines(int count) {
  std::mt19937_64 random(seed());
  std::string text;
  for (int i = 0; i < count; ++i) {
    for (int k = 0; k < 8; ++k) text += random() % 2 == 0 ? "to be " : "or not ";
    text += "\n";
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(text_test)

BOOST_AUTO_TEST_CASE(labelled_sentences_go_through_every_verb) {
  const Reviews data;
  const TempFolder folder;
  const std::string a = (folder / "a").string(), b = (folder / "b").string();
  BOOST_TEST(contains(done(call(folder, {"data", "list"})).out, "sst2"));
  done(call(folder, classifier("sst2", a)));
  done(call(folder, classifier("sst2-baseline", b)));
  for (const std::string& run : {a, b}) {
    done(call(folder, {"certify", run, "--threat", "every_token,one_token,l2"}));
    const auto certificate =
        taut::io::load_certificate(std::filesystem::path(run) / "certificate.h5");
    // One row a sentence, whatever its length.
    BOOST_TEST(certificate.label.size(0) == 60);
    BOOST_TEST(certificate.position.max().item<int64_t>() == 0);
    BOOST_TEST(certificate.threats.size() == 3u);
    BOOST_TEST(certificate.embedding_rms > 0);
    const double right =
        certificate.label.eq(certificate.prediction).to(at::kDouble).mean().item<double>();
    BOOST_TEST(right > 0.8);
    if (run == a) {
      for (const auto& threat : certificate.threats) {
        BOOST_TEST(threat.radius.median().item<double>() > 0);
      }
    }
    const Outcome attacked =
        done(call(folder, {"attack", run, "--threat", "every_token,one_token,l2", "--examples",
                           "12", "--steps", "5", "--search", "3"}));
    BOOST_TEST(contains(attacked.err, "attacks inside a certified radius: 0 of"));
    BOOST_TEST(taut::io::load_attacks(std::filesystem::path(run) / "attack.h5").size() == 3u);
  }
  const Outcome compared = done(call(folder, {"compare", a, b, "--out", a + "/report"}));
  BOOST_TEST(contains(compared.out, "of 60 rows"));
}

BOOST_AUTO_TEST_CASE(a_network_and_data_of_other_labels_are_refused_before_a_run_is_made) {
  const Reviews data;
  const TempFolder folder;
  const std::string out = (folder / "x").string();
  const auto with = [&](const std::string& preset, const std::string& name) {
    return call(folder, tiny_train(preset, name, out));
  };
  refused(with("shakespeare-gpt", "sst2"), "a gpt needs text without labels");
  refused(with("sst2", "synthetic_text"), "labels an example");
  refused(with("sst2", "synthetic"), "tokens");
  refused(with("digits-vit", "sst2"), "pixels");
  std::vector<std::string> words = classifier("sst2", out);
  words.insert(words.end(), {"--data.tokenizer", "words"});
  refused(call(folder, words), "nearest: 'word'");
  BOOST_TEST(!std::filesystem::exists(out));
}

BOOST_AUTO_TEST_CASE(a_text_becomes_shards_on_which_a_run_resumes_bit_for_bit) {
  const TempFolder folder;
  const std::string shards = (folder / "shards").string(), bpe = (folder / "bpe").string();
  const std::string text = words_of_lines(400);
  write(folder / "plays.txt", text);
  trained_bpe(text, 10).save(bpe);
  const std::vector<std::string> tokenize = {
      "data",           "tokenize",    (folder / "plays.txt").string(),
      shards,           "--tokenizer", "bpe:" + bpe,
      "--shard_tokens", "1500",        "--json"};
  const auto summary = nlohmann::json::parse(done(call(folder, tokenize)).out);
  BOOST_TEST(summary["bytes"] == text.size());
  BOOST_TEST(summary["vocabulary"] == 266);
  BOOST_TEST(summary["shards"].get<int>() > 3);
  refused(call(folder, tokenize), "is there already");
  const std::string whole = (folder / "whole").string(), cut = (folder / "cut").string();
  std::vector<std::string> train = tiny_train("shakespeare-gpt", "shards:" + shards, whole);
  train.insert(train.end(),
               {"--data.context", "12", "--data.tokenizer", "bpe:" + bpe, "--keep", "5"});
  done(call(folder, train));
  std::filesystem::copy(whole, cut);
  std::filesystem::remove(cut + "/checkpoint.h5");
  std::filesystem::copy(whole + "/checkpoint-10.h5", cut + "/checkpoint.h5");
  const auto middle = taut::io::load_run_checkpoint(cut, "last");
  BOOST_TEST_REQUIRE(middle.step == 10);
  BOOST_TEST(middle.cursor == 160);
  done(call(folder, {"train", "--resume", cut}));
  const auto expected = taut::io::load_run_checkpoint(whole, "last");
  const auto resumed = taut::io::load_run_checkpoint(cut, "last");
  BOOST_TEST(resumed.step == 30);
  BOOST_TEST(resumed.cursor == expected.cursor);
  BOOST_TEST(same_weights(resumed, expected));
  BOOST_TEST(!same_weights(middle, expected));
  done(call(folder, {"certify", whole, "--examples", "3"}));
}

BOOST_AUTO_TEST_CASE(damaged_shards_and_tokenizers_are_one_line) {
  const TempFolder folder;
  const std::string shards = (folder / "shards").string(), out = (folder / "x").string();
  write(folder / "plays.txt", words_of_lines(100));
  done(call(folder, {"data", "tokenize", (folder / "plays.txt").string(), shards}));
  const auto train = tiny_train("shakespeare-gpt", "shards:" + shards, out);
  std::filesystem::resize_file(shards + "/plays_val_000000.bin", 1100);
  refused(call(folder, train), "plays_val_000000.bin");
  std::filesystem::remove(shards + "/plays_val_000000.bin");
  refused(call(folder, train), "*_val_*.bin");
  refused(call(folder, {"data", "tokenize", (folder / "plays.txt").string(), out, "--tokenizer",
                        "bpe:" + (folder / "none").string()}),
          "vocab.json");
  refused(call(folder,
               {"data", "tokenize", (folder / "plays.txt").string(), out, "--shard_tokens", "0"}),
          "shard_tokens");
  BOOST_TEST(!std::filesystem::exists(out));
}

BOOST_AUTO_TEST_SUITE_END()
