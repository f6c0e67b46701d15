#include "http/headers.hpp"

#include <algorithm>

namespace mimir::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

std::string_view trim(std::string_view text) {
    while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
    while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
    return text;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

Headers::Headers(std::initializer_list<Field> fields) {
    for (const Field& field : fields) add(field.name, field.value);
}

void Headers::add(std::string_view name, std::string_view value) {
    fields_.push_back(
        {.offset = static_cast<std::uint32_t>(text_.size()),
         .name_bytes = static_cast<std::uint32_t>(name.size()),
         .value_bytes = static_cast<std::uint32_t>(value.size())}
    );
    text_ += name;
    text_ += value;
}

void Headers::set(std::string_view name, std::string_view value) {
    remove(name);
    add(name, value);
}

void Headers::remove(std::string_view name) {
    std::erase_if(fields_, [&](const Span& span) {
        const std::string_view text = text_;
        return equals_ignoring_case(text.substr(span.offset, span.name_bytes), name);
    });
}

void Headers::clear() {
    text_.clear();
    fields_.clear();
}

std::optional<std::string_view> Headers::get(std::string_view name) const {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
        const Field field = (*this)[i];
        if (equals_ignoring_case(field.name, name)) return field.value;
    }
    return std::nullopt;
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
        const Field field = (*this)[i];
        if (!equals_ignoring_case(field.name, name)) continue;
        for (std::string_view rest = field.value; !rest.empty();) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            if (equals_ignoring_case(trim(rest.substr(0, comma)), token)) return true;
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return false;
}

Headers::Field Headers::operator[](std::size_t index) const {
    const Span& span = fields_[index];
    const std::string_view text = std::string_view(text_).substr(span.offset);
    return {text.substr(0, span.name_bytes), text.substr(span.name_bytes, span.value_bytes)};
}

}  // namespace mimir::http
