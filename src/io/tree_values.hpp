#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/io/model_tree.hpp"

// Values of a tree, read with errors that say what was expected at which key. Private to this
// folder.
namespace taut::io {

double number_at(const Tree& value, const std::string& key);
int64_t integer_at(const Tree& value, const std::string& key);
bool truth_at(const Tree& value, const std::string& key);
std::string text_at(const Tree& value, const std::string& key);
std::vector<double> numbers_at(const Tree& value, const std::string& key);
std::vector<int64_t> sizes_at(const Tree& value, const std::string& key);
std::vector<std::string> texts_at(const Tree& value, const std::string& key);

// Error unless `value` is an object whose keys are all among `known`.
void expect_keys(const Tree& value, const std::vector<std::string>& known, const std::string& what);

// A double that may be infinite or not a number, which JSON cannot spell: "inf".
Tree spelled(double value);
double unspelled(const Tree& value, const std::string& key);

}  // namespace taut::io
