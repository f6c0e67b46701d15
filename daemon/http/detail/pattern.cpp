#include "http/detail/pattern.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace mimir::http::detail {
namespace {

/// Cuts "/first/second" after the first segment.
std::string_view take_segment(std::string_view& path) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    return segment;
}

}  // namespace

Pattern::Pattern(std::string_view text) : text_(text) {
    MIMIR_ASSERT(text.starts_with('/'), "a pattern is a path");
    while (!text.empty()) {
        const std::string_view segment = take_segment(text);
        if (!segment.starts_with('{')) {
            parts_.push_back({Kind::literal, std::string(segment)});
            continue;
        }
        MIMIR_ASSERT(segment.ends_with('}'), "a parameter is a whole segment");
        const std::string_view name = segment.substr(1, segment.size() - 2);
        if (name.ends_with("...")) {
            MIMIR_ASSERT(text.empty(), "what takes the rest of the path comes last");
            parts_.push_back({Kind::rest, std::string(name.substr(0, name.size() - 3))});
        } else {
            parts_.push_back({Kind::parameter, std::string(name)});
        }
    }
}

bool Pattern::match(std::string_view path, Parameters& parameters) const {
    Parameters found;
    for (const Part& part : parts_) {
        if (!path.starts_with('/')) return false;
        if (part.kind == Kind::rest) {
            auto rest = percent_decode(path.substr(1));
            if (!rest) return false;
            found.add(part.text, *std::move(rest));
            path = {};
            break;
        }
        auto segment = percent_decode(take_segment(path));
        if (!segment) return false;
        if (part.kind == Kind::literal) {
            if (*segment != part.text) return false;
        } else {
            if (segment->empty()) return false;
            found.add(part.text, *std::move(segment));
        }
    }
    if (!path.empty()) return false;
    parameters.append(found);
    return true;
}

bool Pattern::is_literal() const {
    return std::ranges::all_of(parts_, [](const Part& part) { return part.kind == Kind::literal; });
}

std::string Pattern::label() const {
    std::string label;
    for (const Part& part : parts_) {
        if (!label.empty()) label += '_';
        label += part.text;
    }
    return label.empty() ? "root" : label;
}

}  // namespace mimir::http::detail
