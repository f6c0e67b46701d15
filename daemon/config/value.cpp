#include "config/value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/units.hpp"

namespace mimir::config {
namespace {

template <class T>
Result<Value> parse_number(std::string_view text, std::string_view expected) {
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::result_out_of_range) {
        return fail(ErrorKind::invalid, "expected {} of at most 64 bits", expected);
    }
    const bool is_nan = number != number;
    if (error != std::errc() || end != text.data() + text.size() || is_nan) {
        return fail(ErrorKind::invalid, "expected {}", expected);
    }
    return Value(number);
}

Result<Value> parse_boolean(std::string_view text) {
    // Go's strconv.ParseBool.
    for (const std::string_view yes : {"true", "1", "t", "T", "TRUE", "True"}) {
        if (text == yes) return Value(true);
    }
    for (const std::string_view no : {"false", "0", "f", "F", "FALSE", "False"}) {
        if (text == no) return Value(false);
    }
    return fail(ErrorKind::invalid, "expected true or false");
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        std::string_view item = text.substr(0, comma);
        while (item.starts_with(' ')) item.remove_prefix(1);
        while (item.ends_with(' ')) item.remove_suffix(1);
        items.emplace_back(item);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return items;
}

/// Whether YAML 1.2 and 1.1 both read the plain text as just that string.
bool is_plain_yaml_string(std::string_view text) {
    if (text.empty() || text.front() == ' ' || text.back() == ' ') return false;
    constexpr std::string_view kSafe =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./@+=%()";
    if (text.find_first_not_of(kSafe) != std::string_view::npos) return false;
    const bool starts_a_word = std::isalpha(static_cast<unsigned char>(text.front())) != 0 ||
                               text.front() == '/' || text.starts_with("./");
    if (!starts_a_word) return false;
    constexpr std::array kWords = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"};
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return std::ranges::find(kWords, lower) == kWords.end();
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string yaml_string(std::string_view text) {
    return is_plain_yaml_string(text) ? std::string(text) : quoted(text);
}

/// Calls one of the two for strings and lists of strings; everything else is written the same
/// everywhere.
template <class OfString, class OfList>
std::string format_with(const Value& value, OfString of_string, OfList of_list) {
    return std::visit(
        [&]<class T>(const T& v) -> std::string {
            if constexpr (std::same_as<T, std::string>)
                return of_string(v);
            else if constexpr (std::same_as<T, std::vector<std::string>>)
                return of_list(v);
            else if constexpr (std::same_as<T, std::chrono::nanoseconds>)
                return format_duration(v);
            else
                return fmt::format("{}", v);
        },
        value
    );
}

}  // namespace

std::string_view to_string(Type type) {
    switch (type) {
        case Type::boolean: return "boolean";
        case Type::integer: return "integer";
        case Type::unsigned_integer: return "integer";
        case Type::number: return "number";
        case Type::duration: return "duration";
        case Type::bytes: return "bytes";
        case Type::string: return "string";
        case Type::name: return "name";
        case Type::list: return "list of strings";
    }
    return "unknown";
}

Result<Value> parse_value(Type type, std::string_view text) {
    switch (type) {
        case Type::boolean: return parse_boolean(text);
        case Type::integer: return parse_number<std::int64_t>(text, "a whole number");
        case Type::unsigned_integer:
            if (text.starts_with('-'))
                return fail(ErrorKind::invalid, "expected a whole number, 0 or more");
            return parse_number<std::uint64_t>(text, "a whole number");
        case Type::number: return parse_number<double>(text, "a number");
        case Type::duration:
            if (const auto duration = parse_duration(text)) return Value(*duration);
            return fail(ErrorKind::invalid, "expected a duration such as 30s, 1h30m or 7d");
        case Type::bytes:
            if (const auto bytes = parse_bytes(text)) return Value(*bytes);
            return fail(ErrorKind::invalid, "expected a size such as 1048576, 64KiB or 1.5GiB");
        case Type::string:
        case Type::name: return Value(std::string(text));
        case Type::list: return Value(split(text));
    }
    return fail(ErrorKind::internal, "unknown type");
}

std::string format_value(const Value& value) {
    return format_with(
        value,
        [](const std::string& text) { return text; },
        [](const std::vector<std::string>& items) {
            return fmt::format("{}", fmt::join(items, ","));
        }
    );
}

std::string format_yaml(const Value& value) {
    return format_with(value, yaml_string, [](const std::vector<std::string>& items) {
        std::vector<std::string> written;
        for (const std::string& item : items) written.push_back(yaml_string(item));
        return fmt::format("[{}]", fmt::join(written, ", "));
    });
}

}  // namespace mimir::config
