#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "ctl/output/detail/parse.hpp"
#include "ctl/output/structured.hpp"

namespace mimir::ctl {
namespace {

using detail::Json;

/// Words that YAML 1.1 or 1.2 reads as something else than a string.
constexpr std::string_view kReserved[] = {
    "null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", ".inf"
};

/// Whether a string can stand without quotes. Strict: what starts like a number, an indicator or a date does not.
bool is_plain(const std::string& text) {
    if (text.empty() || text.front() == ' ' || text.back() == ' ') return false;
    std::string lower = text;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (std::ranges::find(kReserved, lower) != std::end(kReserved)) return false;
    const auto is_word = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
    };
    if (!is_word(text.front())) return false;
    return std::ranges::all_of(text, [&](char c) {
        return is_word(c) || (c >= '0' && c <= '9') ||
               std::string_view(" -.,()=+").find(c) != std::string_view::npos;
    });
}

std::string scalar(const Json& value) {
    if (value.is_string() && is_plain(value.get_ref<const std::string&>()))
        return value.get<std::string>();
    return detail::dump(value);  // a JSON string is a double-quoted YAML string
}

bool is_block(const Json& value) { return value.is_structured() && !value.empty(); }

void write(std::ostream& out, const Json& value, std::size_t depth);

/// What comes behind "key:" or "-".
void write_behind(std::ostream& out, const Json& value, std::size_t depth) {
    if (is_block(value)) {
        out << '\n';
        write(out, value, depth);
    } else {
        out << ' ' << scalar(value) << '\n';
    }
}

void write_members(
    std::ostream& out, const Json& object, std::size_t depth, bool first_is_indented
) {
    for (const auto& [key, value] : object.items()) {
        if (!first_is_indented) out << std::string(2 * depth, ' ');
        first_is_indented = false;
        out << scalar(key) << ':';
        write_behind(out, value, depth + 1);
    }
}

void write(std::ostream& out, const Json& value, std::size_t depth) {
    if (!is_block(value)) {
        out << scalar(value) << '\n';
    } else if (value.is_object()) {
        write_members(out, value, depth, false);
    } else {
        for (const Json& item : value) {
            out << std::string(2 * depth, ' ') << '-';
            if (item.is_object() && !item.empty()) {
                out << ' ';
                write_members(out, item, depth + 1, true);
            } else {
                write_behind(out, item, depth + 1);
            }
        }
    }
}

}  // namespace

Result<void> write_yaml(std::ostream& out, std::string_view json) {
    MIMIR_TRY(const Json value, detail::parse(json));
    write(out, value, 0);
    return {};
}

}  // namespace mimir::ctl
