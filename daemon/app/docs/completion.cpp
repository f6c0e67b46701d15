#include <fmt/format.h>

#include <algorithm>

#include "app/docs/pages.hpp"
#include "app/load_settings.hpp"
#include "app/module_table.hpp"

namespace mimir::app {
namespace {

struct Flag {
    std::string_view name;
    /// The first sentence of its help.
    std::string_view help;
    /// Those that can be listed.
    std::vector<std::string> values;
    bool is_switch;
};

std::string_view first_sentence(std::string_view text) {
    const std::size_t end = text.find(". ");
    text = text.substr(0, end);
    if (text.ends_with('.')) text.remove_suffix(1);
    return text;
}

std::vector<Flag> flags_of(const Loaded& loaded) {
    const modules::ModuleTable table = module_table(loaded.settings, nullptr);
    std::vector<Flag> flags;
    for (const config::Option& option : loaded.declared.options()) {
        Flag flag{
            option.flag,
            first_sentence(option.help),
            {option.names.begin(), option.names.end()},
            option.type == config::Type::boolean
        };
        if (flag.is_switch) flag.values = {"true", "false"};
        if (option.key == "target") {
            for (const auto target : table.targets()) flag.values.emplace_back(target);
        }
        flags.push_back(std::move(flag));
    }
    std::ranges::sort(flags, {}, &Flag::name);
    return flags;
}

/// In single quotes, as POSIX shells and fish both read them.
std::string shell_word(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

constexpr std::string_view kBash = R"(# bash completion for mimird
_mimird() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD - 1]}}" flag="" values=""
    # Bash takes -flag=value apart at the =.
    if [[ "$word" == "=" ]]; then
        flag="$before" word=""
    elif [[ "$before" == "=" ]]; then
        flag="${{COMP_WORDS[COMP_CWORD - 2]}}"
    elif [[ "$before" == -* && "$word" != -* ]]; then
        flag="$before"
    fi
    case "${{flag#-}}" in
{}    esac
    if [[ -n "$values" ]]; then
        # Lists are joined by commas: the part behind the last one is completed.
        local kept=""
        [[ "$word" == *,* ]] && kept="${{word%,*}},"
        mapfile -t COMPREPLY < <(compgen -P "$kept" -W "$values" -- "${{word##*,}}")
    elif [[ -z "$flag" ]]; then
        mapfile -t COMPREPLY < <(compgen -W "{}" -- "$word")
    fi
}}
complete -o default -F _mimird mimird
)";

std::string bash(const std::vector<Flag>& flags) {
    std::string cases;
    std::vector<std::string> words;
    for (const Flag& flag : flags) {
        words.push_back(fmt::format("-{}", flag.name));
        if (flag.values.empty()) continue;
        cases += fmt::format(
            "        {0}|-{0}) values=\"{1}\" ;;\n", flag.name, fmt::join(flag.values, " ")
        );
    }
    return fmt::format(kBash, cases, fmt::join(words, " "));
}

/// A text within [...] of zsh's _arguments.
std::string zsh_help(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
        out += c;
    }
    return out;
}

std::string zsh(const std::vector<Flag>& flags) {
    std::string out = "#compdef mimird\n_arguments \\\n";
    for (const Flag& flag : flags) {
        const std::string values =
            flag.values.empty() ? "_files" : fmt::format("({})", fmt::join(flag.values, " "));
        // The value of a switch may be left out; that of another may stand behind a = or be the next word.
        const std::string spec = fmt::format(
            "-{}{}[{}]{}:value:{}",
            flag.name,
            flag.is_switch ? "=-" : "=",
            zsh_help(flag.help),
            flag.is_switch ? ":" : "",
            values
        );
        out += fmt::format("    {} \\\n", shell_word(spec));
    }
    return out + "    && return 0\n";
}

std::string fish(const std::vector<Flag>& flags) {
    std::string out = "# fish completion for mimird\n";
    for (const Flag& flag : flags) {
        const std::string values =
            flag.values.empty() || flag.is_switch
                ? ""
                : fmt::format(
                      " -x -a {}", shell_word(fmt::format("{}", fmt::join(flag.values, " ")))
                  );
        const std::string_view wants = flag.is_switch || !values.empty() ? "" : " -r";
        out += fmt::format(
            "complete -c mimird -o {}{}{} -d {}\n", flag.name, wants, values, shell_word(flag.help)
        );
    }
    return out;
}

}  // namespace

std::optional<std::string> daemon_completion(std::string_view shell) {
    const Loaded loaded;
    const auto flags = flags_of(loaded);
    if (shell == "bash") return bash(flags);
    if (shell == "zsh") return zsh(flags);
    if (shell == "fish") return fish(flags);
    return std::nullopt;
}

}  // namespace mimir::app
