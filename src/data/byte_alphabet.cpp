#include "src/data/byte_alphabet.hpp"

#include <array>
#include <cstdint>

namespace taut::data {
namespace {

constexpr int kCharacters = 256 + 68;

struct Alphabet {
  std::array<uint16_t, 256> character{};
  std::array<int16_t, kCharacters> byte{};  // -1: none
};

constexpr Alphabet make_alphabet() {
  Alphabet a;
  a.byte.fill(-1);
  int next = 256;
  for (int b = 0; b < 256; ++b) {
    const bool plain = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    const int character = plain ? b : next++;
    a.character[static_cast<size_t>(b)] = static_cast<uint16_t>(character);
    a.byte[static_cast<size_t>(character)] = static_cast<int16_t>(b);
  }
  return a;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::string printable(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const unsigned character = kAlphabet.character[static_cast<uint8_t>(c)];
    if (character < 0x80) {
      text += static_cast<char>(character);
    } else {
      text += static_cast<char>(0xc0 | character >> 6);
      text += static_cast<char>(0x80 | (character & 0x3f));
    }
  }
  return text;
}

std::optional<std::string> bytes_behind(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned character = static_cast<uint8_t>(text[i]);
    if (character >= 0x80) {  // all that stand for a byte have two bytes in UTF-8
      if ((character & 0xe0) != 0xc0 || i + 1 == text.size()) return std::nullopt;
      character = (character & 0x1f) << 6 | (static_cast<uint8_t>(text[++i]) & 0x3f);
    }
    if (character >= kCharacters || kAlphabet.byte[character] < 0) return std::nullopt;
    bytes += static_cast<char>(kAlphabet.byte[character]);
  }
  return bytes;
}

}  // namespace taut::data
