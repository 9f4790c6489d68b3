#include <ATen/ATen.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <thread>

#include "models/models.hpp"
#include "src/core/core.hpp"
#include "src/io/io.hpp"
#include "tests/cli/program.hpp"
#include "tests/python.hpp"

using namespace taut;
using namespace taut::test;

namespace {

// torch.nn.Sequential(Flatten, Linear, ReLU, Linear) for images of 1 x 4 x 4 and 3 classes.
io::TensorFile sequential() {
  at::Generator g = make_generator(3);
  return {{},
          {{"1.weight", at::randn({8, 16}, g) * 0.3},
           {"1.bias", at::randn({8}, g) * 0.1},
           {"3.weight", at::randn({3, 8}, g) * 0.5},
           {"3.bias", at::randn({3}, g) * 0.1}}};
}

std::string saved(const TempFolder& folder, const io::TensorFile& file) {
  const std::filesystem::path path = folder / "net.safetensors";
  io::write_safetensors(path, file);
  return path.string();
}

// Linear layers 16 -> width -> ... -> width -> 3, all zeros.
std::string sparse_mlp(const TempFolder& folder, int64_t width, int64_t layers) {
  std::string header = "{";
  int64_t end = 0;
  for (int64_t i = 0; i <= layers; ++i) {
    const int64_t out = i == layers ? 3 : width, in = i == 0 ? 16 : width;
    header +=
        fmt::format(R"({}"{}.weight":{{"dtype":"F32","shape":[{},{}],"data_offsets":[{},{}]}})",
                    i == 0 ? "" : ",", i, out, in, end, end + 4 * out * in);
    end += 4 * out * in;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t length = header.size();
  const std::filesystem::path path = folder / "sparse.safetensors";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(&length), sizeof length)
      .write(header.data(), static_cast<std::streamsize>(header.size()));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + static_cast<size_t>(end));
  return path.string();
}

// The most memory without a file behind it that a process had, watched until it ends.
int64_t peak_anonymous_kb(pid_t child) {
  int64_t most = 0;
  for (siginfo_t info{};
       waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
       info.si_pid == 0;
       std::this_thread::sleep_for(std::chrono::milliseconds(2))) {
    std::ifstream status(fmt::format("/proc/{}/status", child));
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("RssAnon:"))
        most = std::max<int64_t>(most, std::atoll(line.c_str() + 8));
    }
  }
  return most;
}

const std::vector<std::string> kMlp = {"--model", "mlp", "--activation", "relu"};

Outcome call(const TempFolder& folder, std::vector<std::string> arguments,
             const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return invoke(folder, arguments);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(foreign_test)

BOOST_AUTO_TEST_CASE(foreign_weights_go_through_every_verb) {
  const TempFolder folder;
  const std::string file = saved(folder, sequential());
  done(call(folder, {"certify", file, "--data", "synthetic"}, kMlp));
  const auto certificate = io::load_certificate(folder / "net.taut" / "certificate.h5");
  BOOST_TEST((certificate.threats[0].radius > 0).any().item<bool>());
  BOOST_TEST(contains(certificate.provenance.at("checkpoint"), "net.safetensors, crc32"));
  // K is the product of the norms: nothing else lies between pixels and the last hidden token.
  const double sigma = certificate.weights[0].upper;
  BOOST_TEST(certificate.threats[0].constant >= sigma * (1 - 1e-12));
  BOOST_TEST(certificate.threats[0].constant <= sigma * (1 + 1e-9));
  // What certify wrote beside the file says what it is.
  const Outcome attacked = done(invoke(folder, {"attack", file, "--data", "synthetic", "--examples",
                                                "10", "--steps", "5", "--search", "3"}));
  BOOST_TEST(contains(attacked.err, "attacks inside a certified radius: 0 of"), attacked.err);
  BOOST_TEST(!contains(attacked.err, "left out"), attacked.err);
  const Outcome inspected = done(invoke(folder, {"inspect", file}));
  BOOST_TEST(contains(inspected.out, "layers.0.weight"));
  // By file, and by the folder of its results, beside a run of ours.
  const std::string run = (folder / "run").string();
  BOOST_REQUIRE(invoke(folder, tiny_train("digits-mlp", "synthetic", run)).status == 0);
  done(invoke(folder, {"certify", run}));
  for (const std::string& model : {file, (folder / "net.taut").string()}) {
    const Outcome compared =
        done(invoke(folder, {"compare", model, run, "--out", (folder / "report").string()}));
    BOOST_TEST(contains(compared.out, "net"), compared.out);
    BOOST_TEST(contains(slurp(folder / "report" / "report.html"),
                        "attacks inside a certified radius: 0 of"));
  }
}

BOOST_AUTO_TEST_CASE(other_weights_under_the_same_name_are_not_mixed_up) {
  const TempFolder folder;
  io::TensorFile weights = sequential();
  const std::string file = saved(folder, weights);
  done(call(folder, {"certify", file, "--data", "synthetic"}, kMlp));
  weights.tensors["1.bias"] = weights.tensors["1.bias"] + 1;
  saved(folder, weights);
  const Outcome attacked = done(invoke(folder, {"attack", file, "--data", "synthetic", "--examples",
                                                "5", "--steps", "2", "--search", "0"}));
  BOOST_TEST(contains(attacked.err, "left out"), attacked.err);
}

// The same weights under another activation are another network: what is proved of the one says
// nothing about the other.
BOOST_AUTO_TEST_CASE(other_networks_of_the_same_weights_are_not_mixed_up) {
  const TempFolder folder;
  const std::string file = saved(folder, sequential());
  done(call(folder, {"certify", file, "--data", "synthetic"}, kMlp));
  const std::vector<std::string> attack = {"attack", file,      "--data", "synthetic", "--examples",
                                           "5",      "--steps", "2",      "--search",  "0"};
  BOOST_TEST(!contains(done(call(folder, attack, kMlp)).err, "left out"));
  const std::vector<std::string> other = {"--model", "mlp", "--activation", "abs"};
  BOOST_TEST(contains(done(call(folder, attack, other)).err, "left out"));
  // The attack of the one network is in the file now, the certificate is of the other.
  const Outcome compared = done(call(folder, {"compare", file, "--data", "synthetic"}, kMlp));
  BOOST_TEST(contains(compared.err, "attack.h5, l2 is of checkpoint"), compared.err);
  BOOST_TEST(!contains(compared.err, "certificate.h5 is of checkpoint"), compared.err);
}

BOOST_AUTO_TEST_CASE(a_printed_model_is_a_model) {
  const TempFolder folder;
  const std::string file = saved(folder, sequential());
  const Outcome printed =
      done(call(folder, {"inspect", file, "--print-model", "--data", "synthetic"}, kMlp));
  std::ofstream(folder / "m.toml") << printed.out;
  done(invoke(folder, {"certify", file, "--model", (folder / "m.toml").string(), "--data",
                       "synthetic", "--out", (folder / "results").string()}));
  done(call(folder, {"certify", file, "--data", "synthetic"}, kMlp));
  const auto a = io::load_certificate(folder / "results" / "certificate.h5"),
             b = io::load_certificate(folder / "net.taut" / "certificate.h5");
  BOOST_TEST(at::equal(a.threats[0].radius, b.threats[0].radius));
  // And so is that of a run, for its own weights.
  const std::string run = (folder / "run").string();
  BOOST_REQUIRE(invoke(folder, tiny_train("digits-vit", "synthetic", run)).status == 0);
  std::ofstream(folder / "vit.toml") << done(invoke(folder, {"inspect", run, "--print-model"})).out;
  done(invoke(folder, {"convert", run, (folder / "vit.safetensors").string()}));
  const Outcome again = done(invoke(folder, {"inspect", (folder / "vit.safetensors").string(),
                                             "--model", (folder / "vit.toml").string()}));
  // Layer by layer; the caps of its training are not part of the model.
  const auto layers = [](const std::string& text) {
    const size_t begin = text.find("\nbound:"), end = text.find("\nweight ");
    BOOST_TEST_REQUIRE((begin < end && end != std::string::npos));
    return text.substr(begin, end - begin);
  };
  BOOST_TEST(layers(done(invoke(folder, {"inspect", (folder / "vit.safetensors").string()})).out) ==
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
  refused(with(pixels * 2, label), "expected pixels in [0, 1]");
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
  refused(invoke(folder, {"certify", file, "--model", "gpt2", "--data", data}), "--heads");
  std::ofstream(folder / "config.json") << R"({"n_head": 2, "activation_function": "gelu_new"})";
  const Outcome long_context = invoke(folder, {"certify", file, "--model", "gpt2", "--data", data});
  BOOST_TEST(long_context.status == 2);
  BOOST_TEST(contains(long_context.err, "sequences of 6 tokens, the network takes 10"),
             long_context.err);
  const Outcome certified =
      done(invoke(folder, {"certify", file, "--model", "gpt2", "--data", data, "--context", "6"}));
  BOOST_TEST(contains(certified.err, "config.json"), certified.err);
  // The table is the head as well: its sigma goes by that name.
  const auto bounds = io::load_certificate(folder / "net.taut" / "certificate.h5").weights;
  BOOST_TEST(std::count_if(bounds.begin(), bounds.end(),
                           [](const auto& b) { return b.path == "head.weight"; }) == 1);
  done(invoke(folder, {"attack", file, "--data", data, "--examples", "2", "--positions", "2",
                       "--steps", "3", "--search", "2"}));
  done(invoke(folder, {"compare", file}));
  BOOST_TEST(std::filesystem::exists(folder / "net.taut" / "report" / "report.html"));
}

// Layers of 16 MB, in a file without blocks on the disk.
BOOST_AUTO_TEST_CASE(memory_does_not_grow_with_the_number_of_layers) {
  constexpr int64_t kWidth = 2048, kLayerKb = kWidth * kWidth * 4 / 1024;
  const auto peak = [&](int64_t layers) {
    const TempFolder folder;
    const std::string file = sparse_mlp(folder, kWidth, layers);
    const pid_t child = start(folder, {"certify", file, "--model", "mlp", "--activation", "relu",
                                       "--data", "synthetic", "--examples", "2"});
    const int64_t most = peak_anonymous_kb(child);
    done(finish(folder, child));
    return most;
  };
  const int64_t few = peak(4), many = peak(44);
  fmt::print("{} kB with 4 layers, {} kB with 44\n", few, many);
  BOOST_TEST(few > 0);
  BOOST_TEST(many - few < 20 * kLayerKb);  // a sanitizer keeps 256 MB of what was freed
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
        done(invoke(folder, {"attack", file, "--data", data, "--examples", "2", "--positions", "2",
                             "--steps", "3", "--search", "2"}));
    BOOST_TEST(contains(attacked.err, "attacks inside a certified radius: 0 of"), attacked.err);
  }
}

BOOST_AUTO_TEST_CASE(mistakes_are_one_line) {
  const TempFolder folder;
  io::TensorFile weights = sequential();
  const std::string file = saved(folder, weights);
  refused(invoke(folder, {"certify", file}), "give --model, one of mlp, nanogpt, gpt2");
  refused(invoke(folder, {"certify", file, "--model", "gpt3"}), "known: mlp, nanogpt, gpt2, vit");
  refused(invoke(folder, {"certify", file, "--model", "mlp"}), "--activation");
  refused(call(folder, {"certify", file}, kMlp), "expected --data");
  refused(call(folder, {"certify", file, "--data", "synthetic_text"}, kMlp), "does not fit");
  refused(invoke(folder, {"certify", file, "--model", (folder / "none.toml").string()}),
          "none.toml");
  weights.tensors["3.weight"][1][1] = std::nan("");
  saved(folder, weights);
  refused(call(folder, {"certify", file, "--data", "synthetic"}, kMlp), "3.weight holds NaN");
  std::filesystem::resize_file(file, 100);
  refused(call(folder, {"inspect", file}, kMlp), "net.safetensors");
  BOOST_TEST(!std::filesystem::exists(folder / "net.taut"));
}

BOOST_AUTO_TEST_SUITE_END()
