#include "http/url.hpp"

#include <algorithm>

namespace mimir::http {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

enum class Plus { stays, is_space };

Result<std::string> decode(std::string_view text, Plus plus) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus == Plus::is_space) {
            out += ' ';
        } else if (text[i] == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return fail(ErrorKind::invalid, "invalid URL escape \"{}\"", text.substr(i, 3));
            }
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace

Result<Parameters> Parameters::parse(std::string_view text) {
    Parameters parameters;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('&'), text.size());
        const std::string_view pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (pair.empty()) continue;
        if (pair.find(';') != std::string_view::npos) {
            return fail(ErrorKind::invalid, "invalid semicolon separator in query");
        }
        const std::size_t equals = std::min(pair.find('='), pair.size());
        MIMIR_TRY(auto name, decode(pair.substr(0, equals), Plus::is_space));
        MIMIR_TRY(
            auto value, decode(pair.substr(std::min(equals + 1, pair.size())), Plus::is_space)
        );
        parameters.add(std::move(name), std::move(value));
    }
    return parameters;
}

void Parameters::add(std::string name, std::string value) {
    pairs_.emplace_back(std::move(name), std::move(value));
}

void Parameters::append(const Parameters& other) {
    pairs_.insert(pairs_.end(), other.pairs_.begin(), other.pairs_.end());
}

std::optional<std::string_view> Parameters::get(std::string_view name) const {
    for (const auto& [key, value] : pairs_) {
        if (key == name) return value;
    }
    return std::nullopt;
}

std::string_view Parameters::get_or(std::string_view name, std::string_view otherwise) const {
    return get(name).value_or(otherwise);
}

std::vector<std::string_view> Parameters::all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (const auto& [key, value] : pairs_) {
        if (key == name) values.emplace_back(value);
    }
    return values;
}

std::string Parameters::encode() const {
    std::string out;
    for (const auto& [key, value] : pairs_) {
        if (!out.empty()) out += '&';
        out += percent_encode(key);
        out += '=';
        out += percent_encode(value);
    }
    return out;
}

Result<std::string> percent_decode(std::string_view text) { return decode(text, Plus::stays); }

std::string percent_encode(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (is_unreserved(c)) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return out;
}

}  // namespace mimir::http
