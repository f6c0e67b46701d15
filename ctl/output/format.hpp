#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mimir::ctl {

/// What -o takes.
enum class Format : std::uint8_t { table, wide, json, yaml, jsonl, name };
inline constexpr std::array<std::string_view, 6> kFormatNames = {
    "table", "wide", "json", "yaml", "jsonl", "name"
};

/// Nothing when there is no such format.
constexpr std::optional<Format> parse_format(std::string_view name) {
    for (std::size_t i = 0; i < kFormatNames.size(); ++i) {
        if (kFormatNames[i] == name) return static_cast<Format>(i);
    }
    return std::nullopt;
}

/// Table and wide are for people; the others carry the API's own objects.
constexpr bool is_for_people(Format format) {
    return format == Format::table || format == Format::wide;
}

}  // namespace mimir::ctl
