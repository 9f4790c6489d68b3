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

// Characters of a text, one symbol a byte: the vocabulary is its sorted distinct bytes. The last
// tenth (at least one window) is for validation. Error: NUL bytes, a single distinct byte, fewer
// than 2 (context + 1) bytes.
Dataset read_characters(const File& file, int64_t context);

// 1 x 4 x 4 images of three noisy patterns; 240 to train on, 120 for validation.
Dataset synthetic_images();

// About 29,000 characters of sentences of random words over 12 symbols.
std::string synthetic_sentences();

}  // namespace taut::data
