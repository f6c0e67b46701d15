#include "promql/quote.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace mimir::promql {
namespace {

void append_utf8(std::string& out, std::uint32_t rune) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (rune < 0x80) return put(rune);
    if (rune < 0x800) {
        put(0xC0 | rune >> 6);
    } else {
        if (rune < 0x10000) {
            put(0xE0 | rune >> 12);
        } else {
            put(0xF0 | rune >> 18);
            put(0x80 | (rune >> 12 & 0x3F));
        }
        put(0x80 | (rune >> 6 & 0x3F));
    }
    put(0x80 | (rune & 0x3F));
}

/// Without a glyph of their own: controls, soft hyphen, separators, the byte order mark, private use, non-characters.
bool is_printable(std::uint32_t rune) {
    if (rune < 0x20 || (rune >= 0x7F && rune <= 0xA0) || rune == 0xAD) return false;
    if (rune >= 0x2000 && rune <= 0x200F) return false;
    if (rune >= 0x2028 && rune <= 0x202F) return false;
    if (rune >= 0x205F && rune <= 0x206F) return false;
    return rune != 0x3000 && rune != 0xFEFF && !(rune >= 0xE000 && rune <= 0xF8FF) &&
           (rune & 0xFFFE) != 0xFFFE && rune < 0xE0000;
}

void append_escaped(std::string& out, std::uint32_t rune, char quote_mark) {
    constexpr std::string_view kNames = "abtnvfr";  // of 7..13
    if (rune == static_cast<unsigned char>(quote_mark) || rune == '\\') {
        out += '\\';
        out += static_cast<char>(rune);
    } else if (is_printable(rune)) {
        append_utf8(out, rune);
    } else if (rune >= 7 && rune <= 13) {
        out += '\\';
        out += kNames[rune - 7];
    } else if (rune < 0x20 || rune == 0x7F) {
        out += fmt::format("\\x{:02x}", rune);
    } else if (rune < 0x10000) {
        out += fmt::format("\\u{:04x}", rune);
    } else {
        out += fmt::format("\\U{:08x}", rune);
    }
}

/// Appends the text's first character, and removes it from the text.
void take_escaped(std::string& out, std::string_view& text, char quote_mark) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
        text.remove_prefix(1);
        return;
    }
    append_escaped(out, decode_utf8(text.substr(0, length)), quote_mark);
    text.remove_prefix(length);
}

int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 16;
}

/// Reads `count` digits after `begin`; a value too large for 32 bits can't come of eight hexadecimal digits.
std::optional<std::uint32_t> read_digits(std::string_view text, std::size_t count, unsigned base) {
    if (text.size() < count) return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : text.substr(0, count)) {
        const auto digit = static_cast<unsigned>(digit_value(c));
        if (digit >= base) return std::nullopt;
        value = value * base + digit;
    }
    return value;
}

/// Decodes the escape that begins the text (after its backslash) and removes it.
bool take_escape(std::string& out, std::string_view& text, char quote_mark) {
    if (text.empty()) return false;
    const char kind = text[0];
    constexpr std::string_view kNames = "abtnvfr";
    if (const auto index = kNames.find(kind); index != std::string_view::npos) {
        out += static_cast<char>(7 + index);
    } else if (kind == '\\' || kind == quote_mark) {
        out += kind;
    } else {
        const bool octal = kind >= '0' && kind <= '7';
        const std::size_t count = octal         ? 3
                                  : kind == 'x' ? 2
                                  : kind == 'u' ? 4
                                  : kind == 'U' ? 8
                                                : 0;
        if (count == 0) return false;
        if (!octal) text.remove_prefix(1);
        const auto value = read_digits(text, count, octal ? 8 : 16);
        if (!value) return false;
        if (count <= 3) {
            if (*value > 255) return false;
            out += static_cast<char>(*value);  // a byte, not a character
        } else {
            if (*value > 0x10FFFF || (*value >= 0xD800 && *value < 0xE000)) return false;
            append_utf8(out, *value);
        }
        text.remove_prefix(count);
        return true;
    }
    text.remove_prefix(1);
    return true;
}

}  // namespace

std::uint32_t decode_utf8(std::string_view character) {
    const auto lead = static_cast<unsigned char>(character[0]);
    if (character.size() == 1) return lead;
    std::uint32_t rune = lead & (0x7FU >> character.size());
    for (const char next : character.substr(1)) {
        rune = rune << 6 | (static_cast<unsigned char>(next) & 0x3F);
    }
    return rune;
}

std::size_t utf8_length(std::string_view text) {
    if (text.empty()) return 0;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
    }
    const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
    const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
    const bool too_large = lead == 0xF4 && byte(1) >= 0x90;
    return overlong || surrogate || too_large ? 0 : length;
}

std::string quote(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) take_escaped(out, text, '"');
    out += '"';
    return out;
}

std::string quote_character(std::string_view text) {
    std::string out = "'";
    if (!text.empty()) take_escaped(out, text, '\'');
    out += '\'';
    return out;
}

Result<std::string> unquote(std::string_view literal) {
    const auto bad = [&] { return fail(ErrorKind::invalid, "not a string literal: {}", literal); };
    if (literal.size() < 2 || literal.front() != literal.back()) return bad();
    const char quote_mark = literal.front();
    std::string_view text = literal.substr(1, literal.size() - 2);
    if (quote_mark == '`') {
        if (text.find('`') != std::string_view::npos) return bad();
        return std::string(text);
    }
    if (quote_mark != '"' && quote_mark != '\'') return bad();
    std::string out;
    while (!text.empty()) {
        const std::size_t plain = std::min(text.find('\\'), text.size());
        out += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty()) break;
        text.remove_prefix(1);
        if (!take_escape(out, text, quote_mark)) return bad();
    }
    return out;
}

}  // namespace mimir::promql
