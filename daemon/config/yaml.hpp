#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/findings.hpp"

namespace mimir::config {

struct YamlEntry;

/// A YAML document as data, with the line of everything. Scalars are text: what they mean depends on the setting.
struct YamlNode {
    enum class Kind : std::uint8_t { null, scalar, sequence, map };
    Kind kind = Kind::null;
    int line = 0;  ///< from 1
    std::string scalar;
    std::vector<YamlNode> items;
    std::vector<YamlEntry> entries;  ///< in the file's order; keys are unique
};

struct YamlEntry {
    std::string key;
    int line = 0;
    YamlNode value;
};

/// Reads one document; an empty one is null. Stricter than YAML: keys are scalars and unique. Anchors and aliases work,
/// merge keys (<<) are refused, because they would not be merged.
/// Findings: as "<file>:<line>"; nothing is returned when the text is not YAML.
std::optional<YamlNode> parse_yaml(
    std::string_view text, std::string_view file, Findings& findings
);

}  // namespace mimir::config
