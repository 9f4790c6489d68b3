#define PCRE2_CODE_UNIT_WIDTH 8
#include "src/data/pieces.hpp"

#include <pcre2.h>

#include <array>
#include <memory>
#include <string>

#include "src/core/error.hpp"

namespace taut::data {
namespace {

// GPT-2's is 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ with \s the
// characters of Unicode's property White_Space. They are spelled out: PCRE2 counts U+180E among its
// \s as well.
#define TAUT_SPACES \
  "\\x{9}-\\x{d} "  \
  "\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
constexpr std::string_view kPattern =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" TAUT_SPACES "\\p{L}\\p{N}]+|[" TAUT_SPACES
    "]+(?![^" TAUT_SPACES "])|[" TAUT_SPACES "]+";
#undef TAUT_SPACES

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};

std::unique_ptr<pcre2_code, FreeCode> compiled() {
  int error = 0;
  PCRE2_SIZE at = 0;
  std::unique_ptr<pcre2_code, FreeCode> code(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(kPattern.data()), kPattern.size(),
                    PCRE2_UTF | PCRE2_UCP, &error, &at, nullptr));
  require(code != nullptr, "PCRE2 cannot compile GPT-2's pattern: {}", message_of(error));
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // without it matches are only slower
  return code;
}

}  // namespace

void for_each_piece(std::string_view text, const std::function<void(std::string_view)>& take) {
  static const std::unique_ptr<pcre2_code, FreeCode> code = compiled();
  const std::unique_ptr<pcre2_match_data, FreeMatch> match(pcre2_match_data_create(1, nullptr));
  require(match != nullptr, "out of memory");
  const auto* const subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  // The first match looks through all of the text for what is not UTF-8; so would every other one.
  uint32_t options = PCRE2_ANCHORED;
  for (size_t at = 0; at < text.size(); options |= PCRE2_NO_UTF_CHECK) {
    const int code_or_error =
        pcre2_match(code.get(), subject, text.size(), at, options, match.get(), nullptr);
    if (code_or_error <= PCRE2_ERROR_UTF8_ERR1 && code_or_error >= PCRE2_ERROR_UTF8_ERR21) {
      fail("expected UTF-8, byte {} is not: {}", pcre2_get_startchar(match.get()),
           message_of(code_or_error));
    }
    // Every character is a space, a letter, a number or none of them: something always matches.
    require(code_or_error > 0, "PCRE2 gives up at byte {}: {}", at, message_of(code_or_error));
    const size_t end = pcre2_get_ovector_pointer(match.get())[1];
    take(text.substr(at, end - at));
    at = end;
  }
}

}  // namespace taut::data
