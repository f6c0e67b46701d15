#include "ctl/help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "ctl/command_table.hpp"
#include "ctl/output/table.hpp"

namespace mimir::ctl {
namespace {

void append_options(std::ostream& out, std::span<const Option> options) {
    Table table{.columns = {{}, {}}, .rows = {}};
    for (const Option& option : options) {
        const std::string_view indent = option.short_name.empty() ? "      " : "  ";
        table.rows.push_back({Cell(std::string(indent) + spelling(option)), Cell(option.help)});
    }
    write_table(out, table, {.titles = false});
}

void append_summaries(std::ostream& out, std::span<const std::string_view> names) {
    Table table{.columns = {{}, {}}, .rows = {}};
    for (const std::string_view name : names) {
        const std::string_view summary = find_command(name)->summary;
        table.rows.push_back({Cell("  " + std::string(name)), Cell(summary)});
    }
    write_table(out, table, {.titles = false});
}

void append_examples(std::ostream& out, std::span<const Example> examples) {
    if (examples.empty()) return;
    out << "\nExamples:\n";
    for (const Example& example : examples) {
        out << "  " << example.command << "\n      " << example.meaning << '\n';
    }
}

}  // namespace

std::string spelling(const Option& option) {
    std::string text;
    if (!option.short_name.empty()) text = std::string(option.short_name) + ", ";
    text += option.name;
    if (!option.value.empty()) text += " " + std::string(option.value);
    return text;
}

std::string synopsis(const Command& command) {
    std::string text = "mimirctl " + std::string(command.name);
    if (command.run == nullptr) return text + " COMMAND [ARGUMENT]...";
    for (const Argument& argument : command.arguments) {
        std::string one(argument.name);
        if (argument.count_max != 1) one += "...";
        text += argument.count_min == 0 ? " [" + one + "]" : " " + one;
    }
    for (const Option& option : command.options) {
        text += " [" + std::string(option.name);
        if (!option.value.empty()) text += " " + std::string(option.value);
        text += "]";
    }
    return text;
}

std::vector<ExitCode> exit_codes_of(const Command& command) {
    std::vector<ExitCode> codes = {ExitCode::done, ExitCode::usage};
    if (command.needs_daemon)
        codes.insert(codes.end(), {ExitCode::not_permitted, ExitCode::unreachable});
    codes.insert(codes.end(), command.exit_codes.begin(), command.exit_codes.end());
    std::ranges::sort(codes);
    return codes;
}

std::string_view meaning_of(ExitCode code) {
    for (const ExitCodeText& text : exit_code_texts()) {
        if (text.code == code) return text.meaning;
    }
    return "";
}

std::string program_help() {
    std::ostringstream out;
    out << "mimirctl operates a mimird daemon over its admin API.\n\n"
           "Usage: mimirctl [OPTION]... COMMAND [ARGUMENT]...\n\nCommands:\n";
    append_summaries(out, top_level_names());
    out << "\nOptions of every command:\n";
    append_options(out, global_options());
    out << "\n`mimirctl COMMAND --help` says more about a command.\n";
    return std::move(out).str();
}

std::string command_help(const Command& command) {
    std::ostringstream out;
    out << command.summary << "\n\nUsage: " << synopsis(command) << '\n';
    if (!command.description.empty()) out << '\n' << command.description << '\n';
    if (!command.arguments.empty()) {
        out << "\nArguments:\n";
        Table table{.columns = {{}, {}}, .rows = {}};
        for (const Argument& argument : command.arguments) {
            table.rows.push_back({Cell("  " + std::string(argument.name)), Cell(argument.help)});
        }
        write_table(out, table, {.titles = false});
    }
    if (const auto verbs = verbs_of(command.name); !verbs.empty()) {
        out << "\nCommands:\n";
        std::vector<std::string_view> names;
        for (const Command* verb : verbs) names.push_back(verb->name);
        append_summaries(out, names);
    }
    if (!command.options.empty()) {
        out << "\nOptions:\n";
        append_options(out, command.options);
    }
    append_examples(out, command.examples);
    if (command.run != nullptr) {
        out << "\nExit codes:\n";
        for (const ExitCode code : exit_codes_of(command)) {
            out << fmt::format("  {:>3}  {}\n", static_cast<int>(code), meaning_of(code));
        }
    }
    out << "\n`mimirctl --help` lists the options of every command.\n";
    return std::move(out).str();
}

}  // namespace mimir::ctl
