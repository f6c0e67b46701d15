#include "ctl/completion.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "api/endpoints.hpp"
#include "api/json.hpp"
#include "ctl/command_table.hpp"
#include "ctl/connection.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/table.hpp"

namespace mimir::ctl {
namespace {

constexpr std::chrono::milliseconds kPatience{300};
constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 3> kConfigModes = {"effective", "diff", "defaults"};
constexpr std::array<std::string_view, 2> kForms = {"monolithic", "microservices"};
constexpr std::array<std::string_view, 3> kShells = {"bash", "zsh", "fish"};

/// The words before the one that is completed, taken apart as far as they make sense.
struct Before {
    const Command* command = nullptr;
    std::vector<std::string> arguments;
    /// Options with values, by name.
    std::map<std::string, std::string, std::less<>> options;
    /// The option whose value is completed.
    const Option* open_option = nullptr;
    bool options_are_over = false;
};

const Option* find_option(const Command* command, std::string_view name) {
    const auto matches = [&](const Option& option) {
        return option.name == name || (!option.short_name.empty() && option.short_name == name);
    };
    for (const auto options :
         {global_options(), command == nullptr ? std::span<const Option>() : command->options}) {
        if (const auto at = std::ranges::find_if(options, matches); at != options.end())
            return &*at;
    }
    return nullptr;
}

void take_word(Before& before, const std::string& word) {
    if (before.command == nullptr) {
        before.command = find_command(word);
        return;
    }
    const std::string verb = fmt::format("{} {}", before.command->name, word);
    const Command* deeper = before.arguments.empty() ? find_command(verb) : nullptr;
    if (deeper != nullptr) {
        before.command = deeper;
    } else {
        before.arguments.push_back(word);
    }
}

Before read(std::span<const std::string> words) {
    Before before;
    for (const std::string& word : words) {
        if (before.open_option != nullptr) {
            before.options[std::string(before.open_option->name)] = word;
            before.open_option = nullptr;
        } else if (word == "--") {
            before.options_are_over = true;
        } else if (!before.options_are_over && word.size() > 1 && word.starts_with('-')) {
            const std::size_t equals = word.find('=');
            const Option* option = find_option(before.command, word.substr(0, equals));
            if (option == nullptr || option->value.empty()) continue;
            if (equals == std::string::npos) {
                before.open_option = option;
            } else {
                before.options[std::string(option->name)] = word.substr(equals + 1);
            }
        } else {
            take_word(before, word);
        }
    }
    return before;
}

class Completer {
  public:
    Completer(std::span<const std::string> words, const Environment& environment)
        : environment_(environment),
          before_(read(words.first(words.size() - 1))),
          last_(words.back()) {}

    std::vector<Candidate> complete() {
        if (before_.open_option != nullptr) {
            add_values(before_.open_option->values);
        } else if (!before_.options_are_over && last_.starts_with('-')) {
            add_options();
        } else {
            add_words();
        }
        return std::move(found_);
    }

  private:
    void add(std::string_view text, std::string_view help = {}) {
        if (text.starts_with(last_))
            found_.push_back({sanitized(prefix_ + std::string(text)), sanitized(help)});
    }

    void add_options() {
        if (const std::size_t equals = last_.find('='); equals != std::string::npos) {
            const Option* option = find_option(before_.command, last_.substr(0, equals));
            prefix_ = last_.substr(0, equals + 1);
            last_.erase(0, equals + 1);
            if (option != nullptr) add_values(option->values);
            return;
        }
        for (const auto options :
             {before_.command == nullptr ? std::span<const Option>() : before_.command->options,
              global_options()}) {
            for (const Option& option : options) add(option.name, option.help);
        }
    }

    void add_words() {
        if (before_.command == nullptr) {
            for (const std::string_view name : top_level_names())
                add(name, find_command(name)->summary);
            return;
        }
        if (before_.arguments.empty()) {
            for (const Command* verb : verbs_of(before_.command->name)) {
                add(verb->name.substr(before_.command->name.size() + 1), verb->summary);
            }
        }
        std::size_t index = before_.arguments.size();
        for (const Argument& argument : before_.command->arguments) {
            if (argument.count_max == 0 || index < argument.count_max)
                return add_values(argument.values);
            index -= argument.count_max;
        }
    }

    void add_values(Values values) {
        switch (values) {
            case Values::none:
            case Values::files: return;
            case Values::modules: return add_modules();
            case Values::targets: return add_targets();
            case Values::operations: return add_operations();
            case Values::codes: return add_codes();
            case Values::codes_and_modules: add_codes(); return add_modules();
            case Values::formats: return add_all(kFormatNames);
            case Values::log_levels: return add_all(kLevels);
            case Values::shells: return add_all(kShells);
            case Values::config_modes: return add_all(kConfigModes);
            case Values::forms: return add_all(kForms);
        }
    }

    void add_all(std::span<const std::string_view> texts) {
        for (const std::string_view text : texts) add(text);
    }
    void add_codes() {
        for (const api::ProblemKind& kind : api::problem_kinds()) add(kind.code, kind.title);
    }
    void add_modules() {
        for (const api::Module& module : ask<std::vector<api::Module>>(api::kListModules)) {
            const auto& given = before_.arguments;
            if (std::ranges::find(given, module.name) == given.end())
                add(module.name, api::to_string(module.state));
        }
    }
    /// Targets are joined by commas: what is completed is the part behind the last one.
    void add_targets() {
        if (const std::size_t comma = last_.rfind(','); comma != std::string::npos) {
            prefix_ = last_.substr(0, comma + 1);
            last_.erase(0, comma + 1);
        }
        for (const api::Target& target : ask<std::vector<api::Target>>(api::kListTargets))
            add(target.name);
    }
    void add_operations() {
        for (const api::Operation& operation :
             ask<std::vector<api::Operation>>(api::kListOperations)) {
            add(operation.id,
                fmt::format("{} ({})", operation.summary, api::to_string(operation.state)));
        }
    }

    [[nodiscard]] std::optional<std::string_view> option(std::string_view name) const {
        const auto at = before_.options.find(name);
        return at == before_.options.end() ? std::nullopt
                                           : std::optional<std::string_view>(at->second);
    }

    /// Silent when there is no answer.
    template <class T>
    T ask(const api::Endpoint& endpoint) {
        const DaemonOptions options{
            .socket = option("--socket"),
            .token_file = option("--token-file"),
            .ca_file = option("--ca-file"),
            .certificate_file = option("--cert-file"),
            .key_file = option("--key-file"),
        };
        const auto daemon = choose_daemon(options, environment_);
        if (!daemon) return {};
        http::ClientRequest request{.target = std::string(endpoint.path)};
        if (!daemon->token.empty()) request.headers.add("Authorization", "Bearer " + daemon->token);
        http::BlockingClient client(daemon->endpoint, daemon->client);
        const auto token = CancellationToken::create(std::chrono::steady_clock::now() + kPatience);
        const auto response = client.send(std::move(request), token);
        if (!response || response->status != 200) return {};
        return api::from_json<T>(response->body, api::Unknown::ignore).value_or(T{});
    }

    const Environment& environment_;
    const Before before_;
    std::string last_;
    std::string prefix_;
    std::vector<Candidate> found_;
};

constexpr std::string_view kBash =
    R"(# bash completion for mimirctl; load it with: source <(mimirctl completion bash)
_mimirctl() {
    local words=() index line
    # Words as the shell takes them apart at = and : are put together again.
    local text="${COMP_LINE:0:COMP_POINT}"
    read -r -a words <<< "$text"
    [[ "$text" == *[[:space:]] ]] && words+=("")
    local current="${words[-1]}"
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${line%%$'\t'*}")
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
    # Bash replaces only what stands behind the last = or : of the word.
    if [[ "$current" == *[=:]* ]]; then
        local kept="${current%"${current##*[=:]}"}"
        for index in "${!COMPREPLY[@]}"; do
            COMPREPLY[index]="${COMPREPLY[index]#"$kept"}"
        done
    fi
}
complete -o default -F _mimirctl mimirctl
)";

constexpr std::string_view kZsh = R"(#compdef mimirctl
# zsh completion for mimirctl; load it with: source <(mimirctl completion zsh)
_mimirctl() {
    local -a lines candidates
    local line
    lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in $lines; do
        [[ -z "$line" ]] && continue
        candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    if (( $#candidates )); then
        _describe 'mimirctl' candidates
    else
        _files
    fi
}
if (( $+functions[compdef] )); then
    compdef _mimirctl mimirctl
fi
)";

constexpr std::string_view kFish =
    R"(# fish completion for mimirctl; load it with: mimirctl completion fish | source
function __mimirctl_complete
    set -l words (commandline -opc)
    set -e words[1]
    mimirctl __complete $words (commandline -ct) 2>/dev/null
end
complete -c mimirctl -f -a '(__mimirctl_complete)'
)";

}  // namespace

std::vector<Candidate> complete(
    std::span<const std::string> words, const Environment& environment
) {
    const std::vector<std::string> nothing = {""};
    return Completer(words.empty() ? nothing : words, environment).complete();
}

std::span<const std::string_view> shells() { return kShells; }

std::string_view completion_script(std::string_view shell) {
    if (shell == "bash") return kBash;
    if (shell == "zsh") return kZsh;
    if (shell == "fish") return kFish;
    return "";
}

}  // namespace mimir::ctl
