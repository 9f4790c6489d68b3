#pragma once

#include <functional>
#include <string_view>

namespace taut::data {

// Cuts text into the pieces inside which GPT-2 merges bytes, in order and without loss, by its
// regular expression [Radford et al. 2019, encoder.py]. Error names the byte where the text stops
// being UTF-8.
void for_each_piece(std::string_view text, const std::function<void(std::string_view)>& take);

}  // namespace taut::data
