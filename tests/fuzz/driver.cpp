#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/target.hpp"

// What libFuzzer does, without its guidance: mutates the files of a corpus until the time is over.
// The input at work lies in fuzz-last, so that a crash can be repeated: fuzz_NAME fuzz-last.
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

struct Options {
  int64_t seconds = 10;
  uint64_t seed = 1;
  std::vector<fs::path> inputs;
};

Bytes read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

int64_t number_after(const std::string& argument) {
  int64_t value = 0;
  std::from_chars(argument.data() + argument.find('=') + 1, argument.data() + argument.size(),
                  value);
  return value;
}

Options parsed(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("-max_total_time=")) {
      options.seconds = number_after(argument);
    } else if (argument.starts_with("-seed=")) {
      options.seed = static_cast<uint64_t>(number_after(argument));
    } else if (!argument.starts_with("-")) {  // others are libFuzzer's
      options.inputs.emplace_back(argument);
    }
  }
  return options;
}

class Mutator {
 public:
  Mutator(std::vector<Bytes> corpus, uint64_t seed) : corpus_(std::move(corpus)), random_(seed) {}

  Bytes next() {
    Bytes bytes = corpus_[below(corpus_.size())];
    for (size_t k = 1 + below(4); k > 0; --k) change(bytes);
    return bytes;
  }

 private:
  size_t below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void change(Bytes& bytes) {
    const auto place = [&] {
      return bytes.begin() + static_cast<int64_t>(below(bytes.size() + 1));
    };
    static constexpr uint8_t kEdges[] = {0, 1, 7, 8, 9, '"', '[', '{', '}', '-', 0x7f, 0x80, 0xff};
    switch (below(6)) {
      case 0:
        if (!bytes.empty()) bytes[below(bytes.size())] = static_cast<uint8_t>(random_());
        return;
      case 1:
        if (!bytes.empty()) bytes[below(bytes.size())] = kEdges[below(std::size(kEdges))];
        return;
      case 2:
        bytes.insert(place(), 1 + below(8), kEdges[below(std::size(kEdges))]);
        return;
      case 3: {
        const auto from = place();
        bytes.erase(from, from + static_cast<int64_t>(below(std::min<size_t>(
                                     16, static_cast<size_t>(bytes.end() - from) + 1))));
        return;
      }
      case 4:
        bytes.resize(below(bytes.size() + 1));
        return;
      default: {  // a piece of another file
        const Bytes& other = corpus_[below(corpus_.size())];
        const size_t begin = below(other.size()),
                     length = below(std::min<size_t>(64, other.size() - begin + 1));
        const auto from = other.begin() + static_cast<int64_t>(begin);
        bytes.insert(place(), from, from + static_cast<int64_t>(length));
      }
    }
  }

  std::vector<Bytes> corpus_;
  std::mt19937_64 random_;
};

std::vector<Bytes> corpus_of(const std::vector<fs::path>& inputs) {
  std::vector<Bytes> corpus;
  for (const fs::path& input : inputs) {
    if (!fs::is_directory(input)) {
      corpus.push_back(read(input));
      continue;
    }
    for (const auto& entry : fs::directory_iterator(input)) corpus.push_back(read(entry.path()));
  }
  return corpus;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parsed(argc, argv);
  std::vector<Bytes> corpus = corpus_of(options.inputs);
  if (corpus.empty()) {
    std::fprintf(stderr, "expected files or folders with inputs\n");
    return 2;
  }
  for (const Bytes& bytes : corpus) LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  Mutator mutator(std::move(corpus), options.seed);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
  int64_t runs = 0;
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    const Bytes bytes = mutator.next();
    std::ofstream("fuzz-last", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::remove("fuzz-last");
  std::printf("%lld inputs, no find\n", static_cast<long long>(runs));
  return 0;
}
