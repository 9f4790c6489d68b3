#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <sstream>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "tests/cli/foreign.hpp"
#include "tests/python.hpp"

using namespace taut;
using namespace taut::test;

namespace {

// What a line of the table of layers says for the first threat.
std::string power_of(const std::string& out, const std::string& layer) {
  std::istringstream lines(out.substr(out.find("powers of ten of K, layer by layer")));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, kind, power;
    if (words >> name >> kind >> power && name == layer) return power;
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(foreign_test)

BOOST_AUTO_TEST_CASE(foreign_weights_go_through_every_verb) {
  const TempFolder folder;
  const std::string file = saved(folder, sequential());
  const Outcome certified = done(call(folder, {"certify", file, "--data", "synthetic"}, kMlp));
  const auto certificate = io::load_certificate(folder / "net.taut" / "certificate.h5");
  BOOST_TEST((certificate.threats[0].radius > 0).any().item<bool>());
  BOOST_TEST(contains(certificate.provenance.at("checkpoint"), "net.safetensors, crc32"));
  // K is the product of the norms: nothing else lies between pixels and the last hidden token.
  const double sigma = certificate.weights[0].upper;
  BOOST_TEST(certificate.threats[0].constant >= sigma * (1 - 1e-12));
  BOOST_TEST(certificate.threats[0].constant <= sigma * (1 + 1e-9));
  const std::string cost = fmt::format("{:+.2f}", std::log10(sigma));
  BOOST_TEST(power_of(certified.out, "layers.0") == cost, certified.out);
  BOOST_TEST(!contains(certified.out, "\nhead "), certified.out);
  // What certify wrote beside the file says what it is.
  const Outcome attacked = done(call(folder, {"attack", file, "--data", "synthetic", "--examples",
                                              "10", "--steps", "5", "--search", "3"}));
  BOOST_TEST(contains(attacked.err, "attacks inside a certified radius: 0 of"), attacked.err);
  BOOST_TEST(!contains(attacked.err, "left out"), attacked.err);
  const Outcome inspected = done(call(folder, {"inspect", file}));
  BOOST_TEST(contains(inspected.out, "layers.0.weight"));
  // By file, and by the folder of its results, beside a run of ours.
  const std::string run = (folder / "run").string();
  BOOST_REQUIRE(call(folder, tiny_train("digits-mlp", "synthetic", run)).status == 0);
  done(call(folder, {"certify", run}));
  for (const std::string& model : {file, (folder / "net.taut").string()}) {
    const Outcome compared =
        done(call(folder, {"compare", model, run, "--out", (folder / "report").string()}));
    BOOST_TEST(contains(compared.out, "net"), compared.out);
    BOOST_TEST(contains(slurp(folder / "report" / "report.html"),
                        "attacks inside a certified radius: 0 of"));
  }
}

// Twelve layers by name, the others together: all of log10 K, whichever the threat.
BOOST_AUTO_TEST_CASE(layers_add_up_to_the_constant) {
  const TempFolder folder;
  at::Generator g = make_generator(seed());
  std::map<std::string, at::Tensor> weights;
  for (int i = 0; i < 10; ++i)
    weights[fmt::format("{}.weight", i)] = at::randn({i == 9 ? 3 : 16, 16}, g) * 0.4;
  const std::string file = saved(folder, {{}, weights});
  const Outcome out = done(call(folder, {"certify", file, "--data", "synthetic"}, kMlp));
  const auto threats = io::load_certificate(folder / "net.taut" / "certificate.h5").threats;
  BOOST_REQUIRE(threats.size() == 2u);
  const size_t begin = out.out.find("powers of ten of K, layer by layer");
  BOOST_REQUIRE(begin != std::string::npos);
  std::istringstream lines(out.out.substr(begin));
  std::string line;
  std::getline(lines, line), std::getline(lines, line);
  std::vector<double> sums, first;
  int count = 0;
  for (; std::getline(lines, line) && !line.empty(); ++count) {
    const size_t at = line.find_first_of("+-");
    std::istringstream(line.substr(at)) >> sums.emplace_back() >> sums.emplace_back();
    first.push_back(sums[sums.size() - 2]);
  }
  BOOST_TEST(count == 13);  // 10 layers and 9 activations but the head, and a flattening
  BOOST_TEST(contains(out.out, "7 other layers"), out.out);
  BOOST_TEST(std::is_sorted(first.rbegin() + 1, first.rend()));
  double l2 = 0, linf = 0;
  for (size_t i = 0; i < sums.size(); i += 2) l2 += sums[i], linf += sums[i + 1];
  BOOST_TEST(std::abs(l2 - threats[0].log10_constant) < 0.005 * 13);
  BOOST_TEST(std::abs(linf - threats[1].log10_constant) < 0.005 * 13);
}

// Shards are opened by their index; results and runs made of them are those of one file.
BOOST_AUTO_TEST_CASE(a_sharded_model_is_one_model) {
  const TempFolder folder;
  const io::TensorFile whole = sequential();
  io::TensorFile parts[2];
  std::string map, comma;
  for (const auto& [name, tensor] : whole.tensors) {
    const int part = name.starts_with("1.") ? 0 : 1;
    parts[part].tensors[name] = tensor;
    map += fmt::format(R"({}"{}":"{}.safetensors")", comma, name, part);
    comma = ",";
  }
  for (int i : {0, 1}) io::write_safetensors(folder / fmt::format("{}.safetensors", i), parts[i]);
  const std::string index = (folder / "sharded.safetensors.index.json").string();
  std::ofstream(index) << R"({"metadata":{},"weight_map":{)" << map << "}}";
  const std::string file = saved(folder, whole);
  for (const std::string& model : {index, file})
    done(call(folder, {"certify", model, "--data", "synthetic"}, kMlp));
  const auto a = io::load_certificate(folder / "sharded.taut" / "certificate.h5"),
             b = io::load_certificate(folder / "net.taut" / "certificate.h5");
  BOOST_TEST(at::equal(a.threats[0].radius, b.threats[0].radius));
  done(call(folder, {"convert", index, (folder / "run").string()}));
  const auto run = io::load_run_checkpoint(folder / "run", "best").network;
  models::for_each_tensor(run, [&](const std::string& name, const at::Tensor& t, models::Role) {
    if (name == "layers.0.weight") BOOST_TEST(at::equal(t, whole.tensors.at("1.weight")));
  });
}

BOOST_AUTO_TEST_CASE(a_printed_model_is_a_model) {
  const TempFolder folder;
  const std::string file = saved(folder, sequential());
  const Outcome printed =
      done(call(folder, {"inspect", file, "--print-model", "--data", "synthetic"}, kMlp));
  std::ofstream(folder / "m.toml") << printed.out;
  done(call(folder, {"certify", file, "--model", (folder / "m.toml").string(), "--data",
                     "synthetic", "--out", (folder / "results").string()}));
  done(call(folder, {"certify", file, "--data", "synthetic"}, kMlp));
  const auto a = io::load_certificate(folder / "results" / "certificate.h5"),
             b = io::load_certificate(folder / "net.taut" / "certificate.h5");
  BOOST_TEST(at::equal(a.threats[0].radius, b.threats[0].radius));
  // And so is that of a run, for its own weights.
  const std::string run = (folder / "run").string();
  BOOST_REQUIRE(call(folder, tiny_train("digits-vit", "synthetic", run)).status == 0);
  std::ofstream(folder / "vit.toml") << done(call(folder, {"inspect", run, "--print-model"})).out;
  done(call(folder, {"convert", run, (folder / "vit.safetensors").string()}));
  const Outcome again = done(call(folder, {"inspect", (folder / "vit.safetensors").string(),
                                           "--model", (folder / "vit.toml").string()}));
  // Layer by layer; the caps of its training are not part of the model.
  const auto layers = [](const std::string& text) {
    const size_t begin = text.find("\nbound:"), end = text.find("\nweight ");
    BOOST_TEST_REQUIRE((begin < end && end != std::string::npos));
    return text.substr(begin, end - begin);
  };
  BOOST_TEST(layers(done(call(folder, {"inspect", (folder / "vit.safetensors").string()})).out) ==
             layers(again.out));
}

BOOST_AUTO_TEST_CASE(examples_come_from_a_file_too) {
  const TempFolder folder;
  at::Generator g = make_generator(seed());
  const std::string file = saved(folder, sequential());
  const std::string data = (folder / "examples.safetensors").string();
  const auto with = [&](const at::Tensor& input, const at::Tensor& label) {
    io::write_safetensors(data, {{}, {{"input", input}, {"label", label}}});
    return call(folder, {"certify", file, "--data", data}, kMlp);
  };
  const at::Tensor pixels = at::rand({20, 16}, g), label = at::randint(0, 3, {20}, g, at::kLong);
  done(with(pixels, label));
  const auto certificate = io::load_certificate(folder / "net.taut" / "certificate.h5");
  BOOST_TEST(at::equal(certificate.label, label));
  done(with(pixels.view({20, 1, 4, 4}), label));
  refused(with(pixels * 2, label), "examples.safetensors: expected pixels in [0, 1]");
  refused(with(pixels.narrow(1, 0, 15), label), "takes 16 values");
  refused(with(pixels, label + 1), "labels in [0, 3)");
  refused(with(pixels, label.narrow(0, 0, 19)), "labels of 20 examples");
  refused(with(pixels, label.view({20, 1}).repeat({1, 2})), "1 labels an example, got 2");
  refused(with(pixels.to(at::kDouble), label), "F32");
  io::write_safetensors(data, {{}, {{"inputs", pixels}}});
  refused(call(folder, {"certify", file, "--data", data}, kMlp), "input and label, got inputs");
}

// A small GPT-2 with the layout of Hugging Face, its heads in config.json.
BOOST_AUTO_TEST_CASE(sequences_of_a_foreign_model) {
  const TempFolder folder;
  at::Generator g = make_generator(seed());
  const auto r = [&](at::IntArrayRef shape) { return at::randn(shape, g) * 0.2; };
  io::TensorFile w{{},
                   {{"wte.weight", r({7, 8})},
                    {"wpe.weight", r({10, 8})},
                    {"ln_f.weight", r({8})},
                    {"ln_f.bias", r({8})}}};
  for (const auto& [name, shape] :
       std::map<std::string, std::vector<int64_t>>{{"ln_1.weight", {8}},
                                                   {"ln_1.bias", {8}},
                                                   {"ln_2.weight", {8}},
                                                   {"ln_2.bias", {8}},
                                                   {"attn.c_attn.weight", {8, 24}},
                                                   {"attn.c_attn.bias", {24}},
                                                   {"attn.c_proj.weight", {8, 8}},
                                                   {"attn.c_proj.bias", {8}},
                                                   {"mlp.c_fc.weight", {8, 16}},
                                                   {"mlp.c_fc.bias", {16}},
                                                   {"mlp.c_proj.weight", {16, 8}},
                                                   {"mlp.c_proj.bias", {8}}}) {
    w.tensors["h.0." + name] = r(shape);
  }
  const std::string file = saved(folder, w), data = (folder / "ids.safetensors").string();
  const at::Tensor ids = at::randint(0, 7, {4, 6}, g, at::kLong);
  io::write_safetensors(data, {{}, {{"input", ids}, {"label", ids}}});
  refused(call(folder, {"certify", file, "--model", "gpt2", "--data", data}), "--heads");
  std::ofstream(folder / "config.json") << R"({"n_head": 3})";
  refused(call(folder, {"certify", file, "--model", "gpt2", "--data", data}), "divide the width");
  std::ofstream(folder / "config.json") << R"({"n_head": 2, "activation_function": "gelu_new"})";
  const Outcome long_context = call(folder, {"certify", file, "--model", "gpt2", "--data", data});
  BOOST_TEST(long_context.status == 2);
  BOOST_TEST(contains(long_context.err, "sequences of 6 tokens, the network takes 10"),
             long_context.err);
  const Outcome certified =
      done(call(folder, {"certify", file, "--model", "gpt2", "--data", data, "--context", "6"}));
  BOOST_TEST(contains(certified.err, "config.json"), certified.err);
  // The table is the head as well: its sigma goes by that name.
  const auto bounds = io::load_certificate(folder / "net.taut" / "certificate.h5").weights;
  BOOST_TEST(std::count_if(bounds.begin(), bounds.end(),
                           [](const auto& b) { return b.path == "head.weight"; }) == 1);
  done(call(folder, {"attack", file, "--data", data, "--examples", "2", "--positions", "2",
                     "--steps", "3", "--search", "2"}));
  done(call(folder, {"compare", file}));
  BOOST_TEST(std::filesystem::exists(folder / "net.taut" / "report" / "report.html"));
}

// What PyTorch predicts is what the certificate is about, whichever the architecture.
BOOST_AUTO_TEST_CASE(every_architecture_is_certified_and_attacked) {
  const auto program = python();
  if (!program) return skip("no Python with torch");
  const std::vector<std::vector<std::string>> cases = {
      {"nanogpt", "nanogpt", "--heads", "2", "--context", "6"},
      {"gpt2", "gpt2", "--heads", "2", "--context", "6"},
      {"vit-timm", "vit", "--heads", "2", "--mean", "0.4", "--std", "0.25"},
      {"vit-hf", "vit", "--heads", "2", "--mean", "0.4,0.4,0.4", "--std", "0.25"},
      {"vit-timm-fc-norm", "vit", "--heads", "2", "--mean", "0.4", "--std", "0.25"},
      {"vit-hf-pooled", "vit", "--heads", "2", "--mean", "0.4", "--std", "0.25"},
      {"bert", "bert", "--heads", "2", "--context", "7"},
      {"minilm", "minilm", "--heads", "2", "--context", "7"}};
  for (const auto& which : cases) {
    const TempFolder folder;
    const std::string file = (folder / "model.safetensors").string(),
                      data = (folder / "examples.safetensors").string();
    BOOST_REQUIRE(shell(
        fmt::format("'{}' '{}' {} '{}'", *program, TAUT_FOREIGN, which[0], folder.path().string()),
        folder / "log"));
    std::vector<std::string> more(which.begin() + 2, which.end());
    more.insert(more.end(), {"--model", which[1], "--data", data});
    done(call(folder, {"certify", file}, more));
    const auto certificate = io::load_certificate(folder / "model.taut" / "certificate.h5");
    BOOST_TEST(at::equal(certificate.prediction, certificate.label), which[0]);
    const Outcome attacked =
        done(call(folder, {"attack", file, "--data", data, "--examples", "2", "--positions", "2",
                           "--steps", "3", "--search", "2"}));
    BOOST_TEST(contains(attacked.err, "attacks inside a certified radius: 0 of"), attacked.err);
  }
}

BOOST_AUTO_TEST_SUITE_END()
