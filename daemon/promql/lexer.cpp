#include "promql/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "promql/quote.hpp"

namespace mimir::promql {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alphanumeric(char c) { return is_alpha(c) || is_digit(c); }
bool contains(std::string_view set, char c) {
    return c != '\0' && set.find(c) != std::string_view::npos;
}

struct Keyword {
    std::string_view word;
    TokenKind kind;
    BinaryOp binary{};
    AggregateOp aggregate{};

    constexpr Keyword(std::string_view text, TokenKind token) : word(text), kind(token) {}
    constexpr Keyword(std::string_view text, BinaryOp op)
        : word(text), kind(TokenKind::binary_operator), binary(op) {}
    constexpr Keyword(std::string_view text, AggregateOp op)
        : word(text), kind(TokenKind::aggregator), aggregate(op) {}
};

// clang-format off
constexpr std::array kKeywords = {
    Keyword{"anchored", TokenKind::anchored}, Keyword{"and", BinaryOp::set_and},
    Keyword{"atan2", BinaryOp::atan2}, Keyword{"avg", AggregateOp::avg},
    Keyword{"bool", TokenKind::bool_}, Keyword{"bottomk", AggregateOp::bottomk}, Keyword{"by", TokenKind::by},
    Keyword{"count", AggregateOp::count}, Keyword{"count_values", AggregateOp::count_values},
    Keyword{"end", TokenKind::end},
    Keyword{"fill", TokenKind::fill}, Keyword{"fill_left", TokenKind::fill_left},
    Keyword{"fill_right", TokenKind::fill_right},
    Keyword{"group", AggregateOp::group}, Keyword{"group_left", TokenKind::group_left},
    Keyword{"group_right", TokenKind::group_right},
    Keyword{"ignoring", TokenKind::ignoring}, Keyword{"inf", TokenKind::number},
    Keyword{"limit_ratio", AggregateOp::limit_ratio}, Keyword{"limitk", AggregateOp::limitk},
    Keyword{"max", AggregateOp::max}, Keyword{"max_of", TokenKind::max_of},
    Keyword{"min", AggregateOp::min}, Keyword{"min_of", TokenKind::min_of},
    Keyword{"nan", TokenKind::number},
    Keyword{"offset", TokenKind::offset}, Keyword{"on", TokenKind::on}, Keyword{"or", BinaryOp::set_or},
    Keyword{"quantile", AggregateOp::quantile},
    Keyword{"range", TokenKind::range},
    Keyword{"smoothed", TokenKind::smoothed}, Keyword{"start", TokenKind::start},
    Keyword{"stddev", AggregateOp::stddev}, Keyword{"stdvar", AggregateOp::stdvar},
    Keyword{"step", TokenKind::step}, Keyword{"sum", AggregateOp::sum},
    Keyword{"topk", AggregateOp::topk},
    Keyword{"unless", BinaryOp::set_unless},
    Keyword{"without", TokenKind::without},
};
// clang-format on
static_assert(std::ranges::is_sorted(kKeywords, {}, &Keyword::word));

constexpr std::size_t kLongestKeyword = 12;

/// Keywords are the same in any case.
const Keyword* find_keyword(std::string_view word) {
    if (word.size() > kLongestKeyword) return nullptr;
    std::array<char, kLongestKeyword> lower{};
    std::ranges::transform(word, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const std::string_view key(lower.data(), word.size());
    const auto found = std::ranges::lower_bound(kKeywords, key, {}, &Keyword::word);
    return found != kKeywords.end() && found->word == key ? &*found : nullptr;
}

bool is_duration_keyword(TokenKind kind) {
    return kind == TokenKind::step || kind == TokenKind::range || kind == TokenKind::max_of ||
           kind == TokenKind::min_of;
}

bool is_fill(TokenKind kind) {
    return kind == TokenKind::fill || kind == TokenKind::fill_left || kind == TokenKind::fill_right;
}

/// As Go shows a character and its number: U+0063 'c'.
std::string code_point(std::string_view character) {
    return fmt::format("U+{:04X} {}", decode_utf8(character), quote_character(character));
}

/// As Prometheus shows a token's text in errors: at most ten characters of it.
std::string shortened(std::string_view text) {
    if (text.size() <= 10) return quote(text);
    std::size_t bytes = 0;
    for (int characters = 0; characters < 10 && bytes < text.size(); ++characters) {
        bytes += std::max<std::size_t>(1, utf8_length(text.substr(bytes)));
    }
    return quote(text.substr(0, bytes)) + "...";
}

}  // namespace

std::string describe(const Token& token) {
    switch (token.kind) {
        case TokenKind::error: return "error";
        case TokenKind::end_of_input: return "end of input";
        case TokenKind::identifier: return "identifier " + quote(token.text);
        case TokenKind::metric_identifier: return "metric identifier " + quote(token.text);
        case TokenKind::string: return "string " + shortened(token.text);
        case TokenKind::number: return "number " + shortened(token.text);
        case TokenKind::duration: return "duration " + shortened(token.text);
        case TokenKind::binary_operator:
        case TokenKind::regex_match:
        case TokenKind::regex_not_match:
        case TokenKind::at: return fmt::format("<op:{}>", token.text);
        case TokenKind::aggregator: return fmt::format("<aggr:{}>", token.text);
        default: break;
    }
    const bool keyword = token.kind >= TokenKind::bool_ && token.kind <= TokenKind::without;
    return keyword ? fmt::format("<{}>", token.text) : shortened(token.text);
}

Token Lexer::next() {
    if (ended_) return *ended_;
    if (!duration_wanted_) skip_spaces_and_comments();
    begin_ = at_;
    const Token found = in_braces_         ? inside_braces()
                        : duration_wanted_ ? inside_duration()
                                           : statement();
    if (found.kind == TokenKind::error || found.kind == TokenKind::end_of_input) ended_ = found;
    return found;
}

Token Lexer::statement() {
    if (at_end()) {
        if (open_parens_ > 0) return error("unclosed left parenthesis");
        if (in_brackets_) return error("unclosed left bracket");
        return token(TokenKind::end_of_input);
    }
    const char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number_or_duration();
    if (c == '"' || c == '\'') return quoted(c);
    if (c == '`') return raw_string();
    if (is_alpha(c) || c == ':') return in_brackets_ ? word_in_brackets() : word();
    return symbol(c);
}

Token Lexer::symbol(char c) {
    const std::string_view character = take_character();
    switch (c) {
        case ',': return token(TokenKind::comma);
        case '*': return operation(BinaryOp::mul);
        case '/': return operation(BinaryOp::div);
        case '%': return operation(BinaryOp::mod);
        case '+': return operation(BinaryOp::add);
        case '-': return operation(BinaryOp::sub);
        case '^': return operation(BinaryOp::pow);
        case '@': return token(TokenKind::at);
        case '<':
            if (accept("=")) return operation(BinaryOp::le);
            return accept("/") ? operation(BinaryOp::trim_upper) : operation(BinaryOp::lt);
        case '>':
            if (accept("=")) return operation(BinaryOp::ge);
            return accept("/") ? operation(BinaryOp::trim_lower) : operation(BinaryOp::gt);
        case '=':
            if (accept("=")) return operation(BinaryOp::eq);
            if (peek() == '~') return error("unexpected character after '=': '~'");
            return token(TokenKind::equal);
        case '!':
            if (accept("=")) return operation(BinaryOp::ne);
            return error("unexpected character after '!': " + quote_character(take_character()));
        case '(': ++open_parens_; return token(TokenKind::left_paren);
        case ')':
            if (open_parens_ == 0) {
                begin_ = at_;
                return error("unexpected right parenthesis ')'");
            }
            --open_parens_;
            return token(TokenKind::right_paren);
        case '{': in_braces_ = true; return token(TokenKind::left_brace);
        case '[':
            if (in_brackets_) return error("unexpected left bracket '['");
            in_brackets_ = duration_wanted_ = true;
            seen_colon_ = seen_duration_ = false;
            return token(TokenKind::left_bracket);
        case ']':
            if (!in_brackets_) return error("unexpected right bracket ']'");
            in_brackets_ = duration_wanted_ = false;
            return token(TokenKind::right_bracket);
        default: return error("unexpected character: " + quote_character(character));
    }
}

Token Lexer::inside_braces() {
    if (at_end()) return error("unexpected end of input inside braces");
    const char c = peek();
    if (is_alpha(c)) return label_name();
    if (c == '"' || c == '\'') return quoted(c);
    if (c == '`') return raw_string();
    const std::string_view character = take_character();
    switch (c) {
        case ',': return token(TokenKind::comma);
        case '=': return token(accept("~") ? TokenKind::regex_match : TokenKind::equal);
        case '!':
            if (accept("~")) return token(TokenKind::regex_not_match);
            if (accept("=")) return operation(BinaryOp::ne);
            return error(
                "unexpected character after '!' inside braces: " + quote_character(take_character())
            );
        case '{': return error("unexpected left brace '{'");
        case '}': in_braces_ = false; return token(TokenKind::right_brace);
        default: return error("unexpected character inside braces: " + quote_character(character));
    }
}

Token Lexer::inside_duration() {
    while (is_space(peek())) ++at_;
    begin_ = at_;
    if (at_end()) return error("unexpected end of input in duration expression");
    const char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
        seen_duration_ = true;
        duration_wanted_ = false;
        return number_or_duration();
    }
    if (c == ':') return colon_in_brackets();
    if (Token keyword; duration_keyword(keyword)) return keyword;
    if (contains("]()+-*/%^,", c)) return symbol(c);
    return error(
        "unexpected character in duration expression: " + quote_character(take_character())
    );
}

Token Lexer::colon_in_brackets() {
    ++at_;
    const bool too_early = duration_wanted_ && !seen_duration_;
    if (too_early || (duration_wanted_ && seen_colon_)) {
        begin_ = at_;
        return error(fmt::format(
            "unexpected {} in duration expression",
            too_early ? "colon before duration" : "repeated colon"
        ));
    }
    if (seen_colon_) return error("unexpected colon ':'");
    seen_colon_ = true;
    return token(TokenKind::colon);
}

Token Lexer::word_in_brackets() {
    if (peek() == ':') return colon_in_brackets();
    if (Token keyword; duration_keyword(keyword)) return keyword;
    return error(fmt::format("unexpected character: '{}', expected ':'", peek()));
}

bool Lexer::duration_keyword(Token& found) {
    std::uint32_t end = at_;
    while (end < query_.size() && is_alpha(query_[end])) ++end;
    const Keyword* keyword = find_keyword(query_.substr(at_, end - at_));
    if (keyword == nullptr || !is_duration_keyword(keyword->kind)) return false;
    at_ = end;
    seen_duration_ = true;
    found = token(keyword->kind);
    return true;
}

Token Lexer::word() {
    while (is_alphanumeric(peek()) || peek() == ':') ++at_;
    const bool has_colon = text().find(':') != std::string_view::npos;
    if (const Keyword* keyword = find_keyword(text())) {
        Token found = token(keyword->kind);
        found.binary = keyword->binary;
        found.aggregate = keyword->aggregate;
        std::size_t ahead = 0;
        while (is_space(peek(ahead))) ++ahead;
        // A metric may be called fill: only fill( is the modifier.
        if (!is_fill(found.kind) || peek(ahead) == '(') return found;
    }
    return token(has_colon ? TokenKind::metric_identifier : TokenKind::identifier);
}

Token Lexer::label_name() {
    while (is_alphanumeric(peek())) ++at_;
    return token(TokenKind::identifier);
}

Token Lexer::number_or_duration() {
    if (scan_number()) return token(TokenKind::number);
    if (scan_duration()) return token(TokenKind::duration);
    return error("bad number or duration syntax: " + quote(text()));
}

/// Takes what may be a number; whether it is one is found when its value is read.
bool Lexer::scan_number() {
    std::string_view digits = "0123456789";
    if (accept("0") && accept("xX")) {
        accept("_");
        digits = "0123456789abcdefABCDEF";
    }
    const bool hexadecimal = digits.size() > 10;
    bool dot = false;
    bool exponent = false;
    while (!at_end()) {
        if (accept(digits)) continue;
        if (accept(".")) {
            if (std::exchange(dot, true) || accept("_.") || hexadecimal) return false;
        } else if (accept("eE")) {
            if (std::exchange(exponent, true)) return false;
            accept("+-");
            if (accept("._eE") || at_end()) return false;
        } else if (accept("_")) {
            if (accept("._eE") || at_end()) return false;
        } else {
            break;
        }
    }
    return !is_alphanumeric(peek());
}

/// Takes units and further digits after the digits that scan_number() has taken.
bool Lexer::scan_duration() {
    std::string_view units = "smhdwy";
    do {
        if (!accept(units)) return false;
        accept("s");  // ms; a bad unit such as hs is found when the value is read
        units = "smhdw";
        if (!is_digit(peek())) break;
        while (is_digit(peek())) ++at_;
    } while (true);
    if (!is_alphanumeric(peek())) return true;
    ++at_;
    return false;
}

Token Lexer::quoted(char mark) {
    ++at_;
    while (true) {
        if (at_end() || peek() == '\n') return error("unterminated quoted string");
        if (at_invalid_utf8()) return error("invalid UTF-8 rune");
        const char c = take_character()[0];
        if (c == mark) return token(TokenKind::string);
        if (c != '\\') continue;
        if (auto problem = take_escape(mark)) return error(std::move(*problem));
    }
}

Token Lexer::raw_string() {
    ++at_;
    while (!at_end()) {
        if (at_invalid_utf8()) return error("invalid UTF-8 rune");
        if (take_character() == "`") return token(TokenKind::string);
    }
    return error("unterminated raw string");
}

std::optional<std::string> Lexer::take_escape(char mark) {
    if (at_end()) return "escape sequence not terminated";
    const std::string_view kind = take_character();
    if (contains("abfnrtv\\", kind[0]) || kind[0] == mark) return std::nullopt;
    const bool octal = kind[0] >= '0' && kind[0] <= '7';
    if (octal) --at_;
    const int count = octal ? 3 : kind == "x" ? 2 : kind == "u" ? 4 : kind == "U" ? 8 : 0;
    if (count == 0) return "unknown escape sequence " + code_point(kind);
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
        if (at_end()) return "escape sequence not terminated";
        const std::string_view digit = take_character();
        if (!contains(octal ? "01234567" : "0123456789abcdefABCDEF", digit[0])) {
            return fmt::format("illegal character {} in escape sequence", code_point(digit));
        }
        const auto c = static_cast<unsigned char>(digit[0]);
        value = value * (octal ? 8 : 16) + (c <= '9' ? c - '0' : (c & 0xF) + 9U);
    }
    const std::uint32_t max = count <= 3 ? 255 : 0x10FFFF;
    if (value > max || (value >= 0xD800 && value < 0xE000)) {
        return "escape sequence is an invalid Unicode code point";
    }
    return std::nullopt;
}

bool Lexer::accept(std::string_view any_of) {
    if (!contains(any_of, peek())) return false;
    ++at_;
    return true;
}

std::string_view Lexer::take_character() {
    const std::string_view rest = query_.substr(at_);
    const std::string_view character = rest.substr(0, std::max<std::size_t>(1, utf8_length(rest)));
    at_ += static_cast<std::uint32_t>(character.size());
    return character;
}

void Lexer::skip_spaces_and_comments() {
    while (!at_end()) {
        if (is_space(peek())) {
            ++at_;
        } else if (peek() == '#') {
            while (!at_end() && peek() != '\n' && peek() != '\r') ++at_;
        } else {
            return;
        }
    }
}

Token Lexer::token(TokenKind kind) const { return {kind, {begin_, at_}, text()}; }

Token Lexer::operation(BinaryOp op) const {
    Token found = token(TokenKind::binary_operator);
    found.binary = op;
    return found;
}

Token Lexer::error(std::string message) {
    message_ = std::move(message);
    return token(TokenKind::error);
}

}  // namespace mimir::promql
