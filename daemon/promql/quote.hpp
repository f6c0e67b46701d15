#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mimir::promql {

/// The text in double quotes with Go's escapes, as errors and printed queries show strings.
std::string quote(std::string_view text);

/// One character, in single quotes: the one that begins the text. "'é'".
std::string quote_character(std::string_view text);

/// The content of a string literal of PromQL, quotes included in the input: "a\n", 'a' or `a`.
/// Errors: invalid, when it isn't one. A literal that the lexer let pass is one.
Result<std::string> unquote(std::string_view literal);

/// Bytes of the UTF-8 character that begins the text; 0 when it is empty or no valid character begins it.
std::size_t utf8_length(std::string_view text);
/// The code point of one character; of a byte that begins none, the byte.
std::uint32_t decode_utf8(std::string_view character);

}  // namespace mimir::promql
