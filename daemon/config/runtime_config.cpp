#include "config/runtime_config.hpp"

#include <fmt/format.h>

#include "config/load.hpp"
#include "config/print.hpp"

namespace mimir::config {
namespace {

constexpr std::string_view kOverrides = "overrides";

void apply_tenant(
    const YamlEntry& tenant, std::string_view file, Limits& limits, Findings& findings
) {
    Declarer declared;
    declare(declared, limits);
    const YamlPlace place{
        .file = file,
        .key_prefix = "limits.",
        .shown_prefix = fmt::format("overrides.{}.", tenant.key)
    };
    apply_yaml(tenant.value, place, declared, findings);
}

void apply_file(
    const NamedText& file,
    std::map<std::string, Limits>& tenants,
    const Limits& defaults,
    Findings& findings
) {
    const auto root = parse_yaml(file.text, file.name, findings);
    if (!root || root->kind == YamlNode::Kind::null) return;
    if (root->kind != YamlNode::Kind::map) {
        return findings.add(
            fmt::format("{}:{}", file.name, root->line), "expected the section \"overrides\""
        );
    }
    for (const YamlEntry& entry : root->entries) {
        const std::string where = fmt::format("{}:{}", file.name, entry.line);
        if (entry.key != kOverrides) {
            findings.add(
                where,
                fmt::format("unknown key \"{}\"; the one known key is \"overrides\"", entry.key)
            );
        } else if (entry.value.kind == YamlNode::Kind::map) {
            for (const YamlEntry& tenant : entry.value.entries) {
                Limits& limits = tenants.try_emplace(tenant.key, defaults).first->second;
                apply_tenant(tenant, file.name, limits, findings);
            }
        } else if (entry.value.kind != YamlNode::Kind::null) {
            findings.add(where, "expected tenants below \"overrides\", each with its limits");
        }
    }
}

}  // namespace

Result<LimitsOverrides> parse_overrides(std::span<const NamedText> files, const Limits& defaults) {
    Findings findings;
    std::map<std::string, Limits> tenants;
    for (const NamedText& file : files) apply_file(file, tenants, defaults, findings);
    MIMIR_TRY(findings.result());
    LimitsOverrides overrides;
    for (auto& [tenant, limits] : tenants)
        overrides.emplace(tenant, std::make_shared<const Limits>(limits));
    return overrides;
}

std::string print_overrides(
    const LimitsOverrides& overrides, const Limits& defaults, bool only_different
) {
    if (overrides.empty()) return "overrides: {}\n";
    std::string out = "overrides:\n";
    for (const auto& [tenant, limits] : overrides) {
        out += fmt::format("  {}:\n", format_yaml(tenant));
        // Declared on the defaults, then given the tenant's values: what differs from a default is an override.
        Limits shown = defaults;
        Declarer declared;
        declare(declared, shown);
        shown = *limits;
        for (const Option& option : declared.options()) {
            if (only_different && option.is_default()) continue;
            const std::string_view name = std::string_view(option.key).substr(option.key.find('.') + 1);
            out += fmt::format("    {}: {}\n", name, format_yaml(option.load()));
        }
    }
    return out;
}

}  // namespace mimir::config
