#include <fmt/format.h>

#include <set>

#include "base/troff.hpp"
#include "ctl/build_info.hpp"
#include "ctl/command_table.hpp"
#include "ctl/docs/pages.hpp"
#include "ctl/help.hpp"

namespace mimir::ctl {
namespace {

using troff::escaped;
using troff::prose;
using troff::tagged;

std::string head(std::string_view name, std::string_view summary) {
    return troff::heading({.name = name, .section = 1, .summary = summary, .version = kVersion});
}

std::string options_section(std::string_view title, std::span<const Option> options) {
    if (options.empty()) return "";
    std::string out = fmt::format("{}\n", title);
    for (const Option& option : options) out += tagged(spelling(option), option.help);
    return out;
}

std::string examples_section(std::string_view title, std::span<const Example> examples) {
    if (examples.empty()) return "";
    std::string out = fmt::format("{}\n", title);
    for (const Example& example : examples) out += tagged(example.command, example.meaning);
    return out;
}

/// What a command is, as sections of its own page or as subsections of its group's.
std::string body(const Command& command, bool is_verb) {
    const std::string_view macro = is_verb ? ".PP" : ".SH";
    const auto title = [&](std::string_view name) {
        return is_verb ? fmt::format(".PP\n\\fI{}\\fR", name) : fmt::format("{} {}", macro, name);
    };
    std::string out;
    if (!command.description.empty()) {
        if (!is_verb) out += ".SH DESCRIPTION\n";
        if (is_verb) out += ".PP\n";
        out += prose(command.description) + "\n";
    }
    if (!command.arguments.empty()) {
        out += title("ARGUMENTS") + "\n";
        for (const Argument& argument : command.arguments)
            out += tagged(argument.name, argument.help);
    }
    out += options_section(title("OPTIONS"), command.options);
    out += examples_section(title("EXAMPLES"), command.examples);
    return out;
}

std::string exit_section(const std::set<ExitCode>& codes) {
    std::string out = ".SH EXIT STATUS\n";
    for (const ExitCode code : codes)
        out += tagged(std::to_string(static_cast<int>(code)), meaning_of(code));
    return out;
}

void add_codes(std::set<ExitCode>& codes, const Command& command) {
    if (command.run == nullptr) return;
    for (const ExitCode code : exit_codes_of(command)) codes.insert(code);
}

ManPage command_page(const Command& command) {
    const std::string name = "mimirctl-" + std::string(command.name);
    std::set<ExitCode> codes;
    add_codes(codes, command);
    std::string text = head(name, command.summary);
    text += ".SH SYNOPSIS\n.nf\n" + escaped(synopsis(command)) + "\n";
    for (const Command* verb : verbs_of(command.name)) text += escaped(synopsis(*verb)) + "\n";
    text += ".fi\n" + body(command, false);
    if (is_group(command.name)) text += ".SH COMMANDS\n";
    for (const Command* verb : verbs_of(command.name)) {
        text += fmt::format(".SS {}\n{}\n", escaped(verb->name), prose(verb->summary)) +
                body(*verb, true);
        add_codes(codes, *verb);
    }
    text += exit_section(codes) + ".SH SEE ALSO\n\\fBmimirctl\\fR(1)\n";
    return {name + ".1", std::move(text)};
}

ManPage program_page() {
    std::string text = head("mimirctl", "operates a mimird daemon over its admin API");
    text += ".SH SYNOPSIS\n" + escaped("mimirctl [OPTION]... COMMAND [ARGUMENT]...") + "\n";
    text += ".SH DESCRIPTION\nData goes to stdout and talk to stderr. With " + escaped("-o") +
            " json, yaml and jsonl come the objects of the admin API, unchanged.\n.SH COMMANDS\n";
    for (const std::string_view name : top_level_names())
        text += tagged(name, find_command(name)->summary);
    text += options_section(".SH OPTIONS", global_options());
    text += ".SH ENVIRONMENT\n";
    for (const VariableText& variable : variable_texts())
        text += tagged(variable.name, variable.meaning);
    std::set<ExitCode> codes;
    for (const ExitCodeText& code : exit_code_texts()) codes.insert(code.code);
    text += exit_section(codes) + ".SH SEE ALSO\n";
    const auto names = top_level_names();
    for (const std::string_view name : names) {
        text += fmt::format(
            ".BR {} (1){}\n",
            escaped(fmt::format("mimirctl-{}", name)),
            name == names.back() ? "" : ","
        );
    }
    return {"mimirctl.1", std::move(text)};
}

}  // namespace

std::vector<ManPage> man_pages() {
    std::vector<ManPage> pages = {program_page()};
    for (const std::string_view name : top_level_names())
        pages.push_back(command_page(*find_command(name)));
    return pages;
}

}  // namespace mimir::ctl
