#include "config/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/nearest.hpp"

namespace mimir::config {
namespace {

/// Walks a YAML map along the declared keys.
class YamlWalk {
  public:
    YamlWalk(const YamlPlace& place, const Declarer& declared, Findings& findings)
        : place_(place), declared_(declared), findings_(findings) {}

    /// `path` is the key of the map: empty, or ending in a dot.
    void section(const YamlNode& node, const std::string& path) {
        if (node.kind == YamlNode::Kind::null) return;
        if (node.kind != YamlNode::Kind::map) {
            return note(node.line, path, "expected a section with keys below it");
        }
        for (const YamlEntry& entry : node.entries) {
            const std::string key = path + entry.key;
            if (const Option* option = declared_.find_key(key)) {
                set(*option, key, entry);
            } else if (is_section(key + ".")) {
                section(entry.value, key + ".");
            } else {
                note(entry.line, key, "unknown key" + suggestion(path, entry.key));
            }
        }
    }

  private:
    void set(const Option& option, const std::string& key, const YamlEntry& entry) {
        const YamlNode& value = entry.value;
        Result<void> result;
        switch (value.kind) {
            case YamlNode::Kind::null: return;  // "key:" leaves the default, as in Go
            case YamlNode::Kind::scalar: result = option.set(value.scalar); break;
            case YamlNode::Kind::sequence: {
                std::vector<std::string> items;
                for (const YamlNode& item : value.items) {
                    if (item.kind != YamlNode::Kind::scalar) {
                        return note(item.line, key, "expected a list of plain values");
                    }
                    items.push_back(item.scalar);
                }
                result = option.set(std::move(items));
                break;
            }
            case YamlNode::Kind::map:
                return note(
                    entry.line,
                    key,
                    fmt::format("expected a {}, not a section", to_string(option.type))
                );
        }
        if (result) return;
        const bool has_variable = value.scalar.find("${") != std::string::npos;
        note(
            entry.line,
            key,
            result.error().message +
                (has_variable ? "; -config.expand-env replaces variables in the file" : "")
        );
    }

    [[nodiscard]] bool is_section(std::string_view path) const {
        return std::ranges::any_of(declared_.options(), [&](const Option& option) {
            return option.key.starts_with(path);
        });
    }

    /// The nearest key of this section, or the section where this very key belongs.
    [[nodiscard]] std::string suggestion(std::string_view path, std::string_view key) const {
        std::set<std::string_view> here;
        std::string_view elsewhere;
        for (const Option& option : declared_.options()) {
            if (option.key.ends_with(key) && option.key.size() > key.size() &&
                option.key[option.key.size() - key.size() - 1] == '.') {
                elsewhere = std::string_view(option.key).substr(0, option.key.size() - key.size() - 1);
            }
            if (option.key.empty() || !option.key.starts_with(path)) continue;
            const std::string_view rest = std::string_view(option.key).substr(path.size());
            here.insert(rest.substr(0, rest.find('.')));
        }
        const std::vector<std::string_view> candidates(here.begin(), here.end());
        std::string text = did_you_mean(key, candidates);
        if (!text.empty() || elsewhere.empty()) return text;
        return fmt::format("; it belongs under \"{}\"", elsewhere);
    }

    void note(int line, std::string_view key, std::string_view what) {
        if (key.ends_with('.')) key.remove_suffix(1);
        key.remove_prefix(std::min(place_.key_prefix.size(), key.size()));
        std::string shown = place_.shown_prefix + std::string(key);
        if (shown.ends_with('.')) shown.pop_back();
        findings_.add(
            fmt::format("{}:{}", place_.file, line),
            shown.empty() ? std::string(what) : fmt::format("{}: {}", shown, what)
        );
    }

    const YamlPlace& place_;
    const Declarer& declared_;
    Findings& findings_;
};

std::string unknown_flag(std::string_view name, const Declarer& declared) {
    std::vector<std::string_view> flags;
    for (const Option& option : declared.options()) flags.push_back(option.flag);
    const auto meant = nearest(name, flags);
    return meant ? fmt::format("unknown flag; did you mean -{}?", *meant)
                 : "unknown flag; -help-all lists them";
}

bool is_name_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

}  // namespace

void apply_yaml(
    const YamlNode& root, const YamlPlace& place, const Declarer& declared, Findings& findings
) {
    YamlWalk(place, declared, findings).section(root, place.key_prefix);
}

std::vector<FlagValue> parse_flags(
    std::span<const std::string_view> arguments, const Declarer& declared, Findings& findings
) {
    std::vector<FlagValue> flags;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string_view argument = arguments[i];
        if (!argument.starts_with('-') || argument.size() == 1) {
            findings.add(
                std::string(argument), "expected a flag; to set a boolean flag, write -name=false"
            );
            continue;
        }
        argument.remove_prefix(argument.starts_with("--") ? 2 : 1);
        const std::size_t equals = argument.find('=');
        const std::string_view name = argument.substr(0, equals);
        const Option* option = declared.find_flag(name);
        if (option == nullptr) {
            findings.add(fmt::format("-{}", name), unknown_flag(name, declared));
            // Its value, if it has one, is not to be taken for an argument of its own.
            const bool has_value = equals == std::string_view::npos && i + 1 < arguments.size() &&
                                   !arguments[i + 1].starts_with('-');
            if (has_value) ++i;
        } else if (equals != std::string_view::npos) {
            flags.push_back({option, std::string(argument.substr(equals + 1))});
        } else if (option->type == Type::boolean) {
            flags.push_back({option, "true"});
        } else if (i + 1 < arguments.size()) {
            flags.push_back({option, std::string(arguments[++i])});
        } else {
            findings.add(
                fmt::format("-{}", name), fmt::format("needs a {}", to_string(option->type))
            );
        }
    }
    return flags;
}

void apply_flags(const std::vector<FlagValue>& flags, Findings& findings) {
    for (const FlagValue& flag : flags) {
        const auto result = flag.option->set(flag.value);
        if (!result) findings.add("-" + flag.option->flag, result.error().message);
    }
}

std::string expand_env(
    std::string_view text,
    const std::function<std::optional<std::string>(std::string_view name)>& lookup
) {
    std::string out;
    while (!text.empty()) {
        const std::size_t dollar = std::min(text.find('$'), text.size());
        out += text.substr(0, dollar);
        text.remove_prefix(dollar);
        if (text.size() < 2) {
            out += text;
            break;
        }
        text.remove_prefix(1);
        std::string_view name;
        std::string_view fallback;
        if (text.front() == '$') {
            out += '$';
            text.remove_prefix(1);
            continue;
        }
        const std::size_t close = text.front() == '{' ? text.find('}') : std::string_view::npos;
        if (close != std::string_view::npos) {
            name = text.substr(1, close - 1);
            text.remove_prefix(close + 1);
            if (const std::size_t colon = name.find(':'); colon != std::string_view::npos) {
                fallback = name.substr(colon + 1);
                name = name.substr(0, colon);
            }
        } else {
            const auto end = std::ranges::find_if_not(text, is_name_character);
            name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
            text.remove_prefix(name.size());
        }
        if (name.empty()) {
            out += '$';
            continue;
        }
        const auto value = lookup(name);
        // Shell's ${NAME:-default} is what many will write.
        if (fallback.starts_with('-')) fallback.remove_prefix(1);
        out += value && !value->empty() ? std::string_view(*value) : fallback;
    }
    return out;
}

}  // namespace mimir::config
