#include "config/print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/troff.hpp"
#include "base/units.hpp"

namespace mimir::config {
namespace {

constexpr std::string_view kMask = "********";

std::string yaml_of(const Option& option, Printed printed) {
    const Value value = printed == Printed::defaults ? option.default_value : option.load();
    const bool is_set = value != Value(std::string());
    return option.secret && is_set ? fmt::format("\"{}\"", kMask) : format_yaml(value);
}

/// YAML's sections: options among their siblings, in the order in which each name was first declared.
struct Section {
    std::string_view name;
    const Option* option = nullptr;
    std::vector<Section> children;

    void add(std::string_view path, const Option& added) {
        const std::size_t dot = path.find('.');
        const std::string_view head = path.substr(0, dot);
        auto child = std::ranges::find(children, head, &Section::name);
        if (child == children.end()) child = children.insert(child, Section{head, nullptr, {}});
        if (dot == std::string_view::npos) {
            child->option = &added;
        } else {
            child->add(path.substr(dot + 1), added);
        }
    }

    void print(Printed printed, std::size_t depth, std::string& out) const {
        for (const Section& child : children) {
            out += fmt::format("{:{}}{}:", "", 2 * depth, child.name);
            if (child.option != nullptr) {
                out += fmt::format(" {}\n", yaml_of(*child.option, printed));
            } else {
                out += '\n';
                child.print(printed, depth + 1, out);
            }
        }
    }
};

/// For people: sizes with their unit.
std::string default_text(const Option& option) {
    if (option.secret) return "";
    if (option.type == Type::bytes)
        return format_bytes(std::get<std::uint64_t>(option.default_value));
    return format_value(option.default_value);
}

/// "duration", or the names of an enumeration.
std::string type_text(const Option& option) {
    if (option.type == Type::name) return fmt::format("{}", fmt::join(option.names, "|"));
    return std::string(to_string(option.type));
}

/// Whether a bound is only that of the field's type.
bool is_bound_of_type(const Value& bound) {
    const auto is_any_of = [&](auto... values) { return ((bound == Value(values)) || ...); };
    return is_any_of(
        0.0,
        std::int64_t{INT32_MIN},
        std::int64_t{INT32_MAX},
        INT64_MIN,
        INT64_MAX,
        std::uint64_t{0},
        std::uint64_t{UINT32_MAX},
        UINT64_MAX,
        std::chrono::nanoseconds(0)
    );
}

/// "1 to 65535"; nothing for what the type says anyway.
std::string bounds_text(const Option& option) {
    const auto is_natural = [](const std::optional<Value>& bound) {
        return !bound || is_bound_of_type(*bound);
    };
    const bool has_min = !is_natural(option.min);
    const bool has_max = !is_natural(option.max);
    if (has_min && has_max)
        return fmt::format("{} to {}", format_value(*option.min), format_value(*option.max));
    if (has_min) return fmt::format("at least {}", format_value(*option.min));
    if (has_max) return fmt::format("at most {}", format_value(*option.max));
    return "";
}

std::string_view category_mark(Category category) {
    switch (category) {
        case Category::basic: return "";
        case Category::advanced: return "[advanced] ";
        case Category::experimental: return "[experimental] ";
    }
    return "";
}

/// " (default 8080, 1 to 65535)", where there is something to say.
std::string facts_text(const Option& option) {
    std::vector<std::string> facts;
    const std::string text = default_text(option);
    const bool is_plain_switch = option.type == Type::boolean && text == "false";
    if (!text.empty() && !is_plain_switch) facts.push_back("default " + text);
    if (const std::string bounds = bounds_text(option); !bounds.empty()) facts.push_back(bounds);
    return facts.empty() ? "" : fmt::format(" ({})", fmt::join(facts, ", "));
}

/// Indented lines that fit a terminal.
void append_wrapped(std::string& out, std::string_view text) {
    constexpr std::size_t kColumns = 90;
    while (!text.empty()) {
        std::size_t end = text.size();
        if (end > kColumns) {
            end = text.rfind(' ', kColumns);
            if (end == std::string_view::npos) end = std::min(text.find(' '), text.size());
        }
        out += fmt::format("        {}\n", text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

/// For a cell of a table.
std::string cell(std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
        text.insert(at, "\\");
    return text;
}

std::string code(const std::string& text) {
    return text.empty() ? "" : fmt::format("`{}`", cell(text));
}

std::string markdown_row(const Option& option) {
    std::string notes(category_mark(option.category));
    notes += option.help;
    if (const std::string bounds = bounds_text(option); !bounds.empty())
        notes += fmt::format(" Allowed: {}.", bounds);
    if (option.per_tenant) notes += " Per tenant.";
    if (option.key.empty()) {
        // The command line is read once.
    } else if (option.restarts.empty()) {
        notes += " A reload applies it at once.";
    } else if (option.restarts == kProcess) {
        notes += " Needs a restart of mimird.";
    }
    return fmt::format(
        "| {} | {} | {} | {} | {} |\n",
        code(std::string(option.key)),
        code("-" + option.flag),
        cell(type_text(option)),
        code(default_text(option)),
        cell(std::move(notes))
    );
}

}  // namespace

std::string print_yaml(const Declarer& declared, Printed printed) {
    Section root;
    for (const Option& option : declared.options()) {
        if (option.key.empty() || (printed == Printed::diff && option.is_default())) continue;
        root.add(option.key, option);
    }
    std::string out;
    root.print(printed, 0, out);
    return out.empty() ? "{}\n" : out;
}

std::string print_help(const Declarer& declared, bool all) {
    std::vector<const Option*> options;
    for (const Option& option : declared.options()) {
        if (all || option.category == Category::basic) options.push_back(&option);
    }
    std::ranges::sort(options, {}, &Option::flag);
    std::string out =
        "Usage: mimird [flags]\n\n"
        "A store for Prometheus metrics. Flags may be written -flag=value, --flag=value, -flag "
        "value or\n"
        "--flag value, and win over the file of -config.file.\n\n";
    for (const Option* option : options) {
        const std::string type = option->type == Type::boolean ? "" : " " + type_text(*option);
        out += fmt::format("  -{}{}\n", option->flag, type);
        append_wrapped(
            out,
            fmt::format(
                "{}{}{}", category_mark(option->category), option->help, facts_text(*option)
            )
        );
    }
    if (!all) out += "\n-help-all also shows the advanced and experimental flags.\n";
    return out;
}

std::string print_man_flags(const Declarer& declared) {
    std::vector<const Option*> options;
    for (const Option& option : declared.options()) {
        if (option.category == Category::basic) options.push_back(&option);
    }
    std::ranges::sort(options, {}, &Option::flag);
    std::string out;
    for (const Option* option : options) {
        const bool is_switch = option->type == Type::boolean;
        out += troff::tagged(
            fmt::format(
                "-{}{}{}", option->flag, is_switch ? "" : "=", is_switch ? "" : type_text(*option)
            ),
            std::string(option->help) + facts_text(*option)
        );
    }
    return out;
}

std::string print_man_settings(const Declarer& declared) {
    std::vector<std::pair<std::string_view, std::string>> sections = {{"TOP LEVEL", ""}};
    for (const Option& option : declared.options()) {
        if (option.key.empty()) continue;
        const std::size_t dot = option.key.find('.');
        const bool is_top = dot == std::string::npos;
        const std::string_view name =
            is_top ? sections.front().first : std::string_view(option.key).substr(0, dot);
        if (std::ranges::find(sections, name, [](const auto& s) { return s.first; }) ==
            sections.end())
            sections.emplace_back(name, "");
        std::string text(category_mark(option.category));
        text += std::string(option.help) + facts_text(option);
        if (option.per_tenant) text += " Per tenant.";
        std::ranges::find(sections, name, [](const auto& s) { return s.first; })->second +=
            troff::tagged(fmt::format("{}: {}", option.key, type_text(option)), text);
    }
    std::string out;
    for (const auto& [name, text] : sections) out += fmt::format(".SH \"{}\"\n{}", name, text);
    return out;
}

std::string print_markdown(const Declarer& declared) {
    constexpr std::string_view kHeader =
        "| YAML key | flag | type | default | what it does |\n| --- | --- | --- | --- | --- |\n";
    std::string command_line;
    std::string top;
    std::vector<std::pair<std::string_view, std::string>> sections;
    for (const Option& option : declared.options()) {
        const std::size_t dot = option.key.find('.');
        const std::string_view name = std::string_view(option.key).substr(0, dot);
        const auto section =
            std::ranges::find(sections, name, [](const auto& s) { return s.first; });
        const std::string row = markdown_row(option);
        if (option.key.empty()) {
            command_line += row;
        } else if (dot == std::string_view::npos) {
            top += row;
        } else if (section != sections.end()) {
            section->second += row;
        } else {
            sections.emplace_back(name, row);
        }
    }
    std::string out = fmt::format(
        "# Settings\n\n"
        "Made from the declarations in the code (`make docs`). The YAML file is named by "
        "`-config.file`; flags win over "
        "it.\nDurations are written as `30s`, `1h30m` or `7d`; sizes as a number of bytes or as "
        "`64KiB`. `Per tenant` "
        "marks what the file of\n`runtime_config.file` may override for one tenant, under "
        "`overrides.<tenant>`.\n`mimirctl config reload` and SIGHUP read the file again, and "
        "restart the modules whose settings changed unless a setting says otherwise.\n\n"
        "## Command line only\n\n{}{}\n## Top level\n\n{}{}",
        kHeader,
        command_line,
        kHeader,
        top
    );
    for (const auto& [name, rows] : sections)
        out += fmt::format("\n## {}\n\n{}{}", name, kHeader, rows);
    return out;
}

}  // namespace mimir::config
