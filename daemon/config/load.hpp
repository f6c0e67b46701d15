#pragma once

// From texts to fields: the YAML file, then the flags, which win. Every problem is a finding; what is right is set.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/declarer.hpp"
#include "config/findings.hpp"
#include "config/yaml.hpp"

namespace mimir::config {

/// Where in the declarations a YAML map belongs: a configuration file is at the top; a tenant's overrides are at
/// "limits.", and shown as "overrides.<tenant>.".
struct YamlPlace {
    std::string_view file;
    std::string key_prefix;
    std::string shown_prefix;
};

/// Sets what the map names. Strict: an unknown key is a finding with its line and the nearest known key.
void apply_yaml(
    const YamlNode& root, const YamlPlace& place, const Declarer& declared, Findings& findings
);

/// One flag of a command line.
struct FlagValue {
    const Option* option;
    std::string value;
};

/// Reads -f=v, --f=v, -f v and --f v; a boolean is set by its name alone, and to false by =false only. `arguments` are
/// without the program's name.
/// Findings: unknown flags with the nearest known one, missing values, arguments that are no flags.
std::vector<FlagValue> parse_flags(
    std::span<const std::string_view> arguments, const Declarer& declared, Findings& findings
);

/// The last of several values for one flag wins.
void apply_flags(const std::vector<FlagValue>& flags, Findings& findings);

/// Replaces $NAME, ${NAME} and ${NAME:default} by what `lookup` says, else by the default, else by nothing; $$ is one
/// dollar sign.
std::string expand_env(
    std::string_view text,
    const std::function<std::optional<std::string>(std::string_view name)>& lookup
);

}  // namespace mimir::config
