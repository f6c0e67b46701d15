#include <fmt/format.h>

#include "ctl/command_table.hpp"
#include "ctl/docs/pages.hpp"
#include "ctl/help.hpp"

namespace mimir::ctl {
namespace {

/// Text within a cell of a table.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') out += '\\';
        out += c == '\n' ? ' ' : c;
    }
    return out;
}

std::string options_table(std::span<const Option> options) {
    std::string out = "| Option | |\n| --- | --- |\n";
    for (const Option& option : options)
        out += fmt::format("| `{}` | {} |\n", spelling(option), cell(option.help));
    return out + "\n";
}

std::string command_section(const Command& command) {
    std::string out = fmt::format("## {}\n\n{}\n\n", command.name, command.summary);
    out += fmt::format("    {}\n\n", synopsis(command));
    if (!command.description.empty()) out += fmt::format("{}\n\n", command.description);
    if (!command.arguments.empty()) out += "| Argument | |\n| --- | --- |\n";
    for (const Argument& argument : command.arguments) {
        out += fmt::format("| `{}` | {} |\n", argument.name, cell(argument.help));
    }
    if (!command.arguments.empty()) out += "\n";
    if (!command.options.empty()) out += options_table(command.options);
    for (const Example& example : command.examples) {
        out += fmt::format("    {}\n\n{}\n\n", example.command, example.meaning);
    }
    if (command.run == nullptr) return out;
    std::string codes;
    for (const ExitCode code : exit_codes_of(command)) {
        codes += fmt::format("{}{}", codes.empty() ? "" : ", ", static_cast<int>(code));
    }
    return out + fmt::format("Exit codes: {}.\n\n", codes);
}

}  // namespace

std::string reference_markdown() {
    std::string out =
        "# mimirctl\n\n"
        "Operates a mimird daemon over its admin API. Data goes to stdout, talk to stderr; an empty list is valid JSON and no\n"
        "error. With `-o json`, `yaml` and `jsonl` come the objects of the admin API, unchanged. Generated from the command\n"
        "table by `make docs`; the man pages come from it too.\n\n"
        "    mimirctl [OPTION]... COMMAND [ARGUMENT]...\n\n"
        "## Options of every command\n\nThey may stand before and behind the command.\n\n";
    out += options_table(global_options());
    out += "| Variable | |\n| --- | --- |\n";
    for (const VariableText& variable : variable_texts()) {
        out += fmt::format("| `{}` | {} |\n", variable.name, cell(variable.meaning));
    }
    out += "\n## Exit codes\n\n| Code | Meaning |\n| ---: | --- |\n";
    for (const ExitCodeText& text : exit_code_texts()) {
        out += fmt::format("| {} | {} |\n", static_cast<int>(text.code), cell(text.meaning));
    }
    out += "\n";
    for (const Command& command : commands()) {
        if (!command.is_hidden) out += command_section(command);
    }
    while (out.ends_with("\n\n")) out.pop_back();
    return out;
}

}  // namespace mimir::ctl
