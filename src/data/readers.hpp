#pragma once

#include <filesystem>

#include "src/data/data.hpp"
#include "src/data/files.hpp"

// One reader a format. All of them leave Dataset.name to open_dataset and name the file in every
// Error.
namespace taut::data {

// digits.csv.gz: a line an example, 64 pixels of 0..16 and the digit (UCI optical recognition of
// handwritten digits, test part, as scikit-learn packs it).
Dataset read_digits(const std::filesystem::path& folder);

// CIFAR-10, binary version: data_batch_1..5.bin and test_batch.bin, records of one label and
// 3 x 32 x 32 bytes.
Dataset read_cifar10(const std::filesystem::path& folder);

// MNIST's four idx files, plain or .gz; any image size, so that its drop-in successors are read
// too.
Dataset read_mnist(const std::filesystem::path& folder);

// A text in tokens (tokenizer.hpp); characters are its sorted distinct bytes. The last tenth (at
// least one window) is for validation. Error: NUL bytes, a single distinct byte, fewer than
// 2 (context + 1) tokens, word tokens.
Dataset read_text(const File& file, int64_t context, const std::string& tokenizer);

// train.tsv and dev.tsv, lines "sentence<TAB>label" with the label 0 or 1 (SST-2: Socher et al.
// 2013, as GLUE splits it). Ids are <pad> 0, <unk> 1 and then those of the tokenizer, words by
// default; a sentence is cut or padded to the context. The vocabulary is that of train.tsv.
Dataset read_labelled(const std::filesystem::path& folder, const DataOptions& options);

// 1 x 4 x 4 images of three noisy patterns; 240 to train on, 120 for validation.
Dataset synthetic_images();

// About 29,000 characters of sentences of random words over 12 symbols.
std::string synthetic_sentences();

}  // namespace taut::data
