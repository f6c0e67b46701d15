#include "ctl/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>

#include "base/nearest.hpp"
#include "ctl/command_table.hpp"
#include "ctl/output/format.hpp"
#include "ctl/output/table.hpp"

namespace mimir::ctl {
namespace {

const Option* find_option(std::span<const Option> options, std::string_view name) {
    const auto at = std::ranges::find_if(options, [&](const Option& option) {
        return option.name == name || (!option.short_name.empty() && option.short_name == name);
    });
    return at == options.end() ? nullptr : &*at;
}

/// Where the next word that is neither a global option nor its value stands; the end when there is none.
std::size_t next_word(std::span<const std::string> arguments, std::size_t from) {
    std::size_t at = from;
    while (at < arguments.size() && arguments[at].size() > 1 && arguments[at].starts_with('-')) {
        const Option* option = find_option(global_options(), arguments[at]);
        if (option == nullptr && arguments[at] == "--") return at;
        at += option != nullptr && !option->value.empty() ? 2 : 1;
    }
    return std::min(at, arguments.size());
}

struct Found {
    const Command* command = nullptr;
    /// Without the command's words.
    std::vector<std::string> rest;
};

tl::unexpected<Failure> no_such_command(
    std::string_view what, std::string_view word, std::span<const std::string_view> candidates
) {
    std::string why = fmt::format(
        "there is no {} \"{}\"{}", what, sanitized(word), did_you_mean(word, candidates)
    );
    return usage(std::move(why), "`mimirctl --help` lists the commands");
}

Outcome<Found> find(std::span<const std::string> arguments) {
    Found found{.rest = {arguments.begin(), arguments.end()}};
    const std::size_t first = next_word(arguments, 0);
    if (first == arguments.size()) return found;
    const std::string& name = arguments[first];
    found.command = find_command(name);
    if (found.command == nullptr) return no_such_command("command", name, top_level_names());
    found.rest.erase(found.rest.begin() + static_cast<std::ptrdiff_t>(first));

    const std::size_t second = next_word(found.rest, first);
    if (!is_group(name) || second == found.rest.size()) return found;
    const std::string verb = found.rest[second];
    if (const Command* command = find_command(name + " " + verb)) {
        found.command = command;
        found.rest.erase(found.rest.begin() + static_cast<std::ptrdiff_t>(second));
    } else if (found.command->run == nullptr) {
        std::vector<std::string_view> verbs;
        for (const Command* each : verbs_of(name))
            verbs.push_back(each->name.substr(name.size() + 1));
        return no_such_command(name + " command", verb, verbs);
    }
    return found;
}

/// CLI11 for one command: every option is a list of strings, so that we say ourselves what is wrong.
class Parser {
  public:
    explicit Parser(const Command* command)
        : command_(command),
          of_command_(command == nullptr ? std::span<const Option>() : command->options) {
        app_.set_help_flag();
        app_.allow_extras(false);
        app_.prefix_command(false);
        for (const auto options : {global_options(), of_command_}) {
            for (const Option& option : options) add(option);
        }
        app_.add_option("arguments", arguments_)
            ->expected(0, CLI::detail::expected_max_vector_size);
    }

    Outcome<void> parse(std::vector<std::string> arguments, Invocation& invocation) {
        MIMIR_TRY(check_flags(arguments));
        std::ranges::reverse(arguments);  // as CLI11 wants them
        try {
            app_.parse(arguments);
        } catch (const CLI::ExtrasError&) {
            return unknown_option(app_.remaining(true));
        } catch (const CLI::ArgumentMismatch& error) {
            const std::string_view what = error.what();
            return usage(fmt::format("{} needs a value", sanitized(what.substr(0, what.find(':'))))
            );
        } catch (const CLI::ParseError& error) {
            return usage(sanitized(error.what()));
        }
        for (const auto& [option, values] : values_) {
            if (values.empty()) continue;
            if (values.size() > 1 && !option->value.empty()) {
                return usage(fmt::format("{} is given more than once", option->name));
            }
            invocation.options.emplace(option->name, values.front());
        }
        invocation.arguments = std::move(arguments_);
        return {};
    }

  private:
    struct Read {
        const Option* option;
        std::vector<std::string> values;
    };

    void add(const Option& option) {
        std::string names(option.name);
        if (!option.short_name.empty()) names += fmt::format(",{}", option.short_name);
        Read& read = values_.emplace_back(&option);
        if (option.value.empty()) {
            app_.add_flag_function(names, [&read](std::int64_t) { read.values = {"true"}; });
        } else {
            app_.add_option(names, read.values)
                ->expected(1)
                ->allow_extra_args(false)
                ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        }
    }

    /// CLI11 would take --flag=false for a flag that is given.
    Outcome<void> check_flags(const std::vector<std::string>& arguments) const {
        const auto end = std::ranges::find(arguments, "--");
        for (auto word = arguments.begin(); word != end; ++word) {
            const std::size_t equals = word->find('=');
            if (equals == std::string::npos) continue;
            const std::string_view name = std::string_view(*word).substr(0, equals);
            for (const auto options : {global_options(), of_command_}) {
                const Option* option = find_option(options, name);
                if (option != nullptr && option->value.empty())
                    return usage(fmt::format("{} takes no value", name));
            }
        }
        return {};
    }

    Outcome<void> unknown_option(const std::vector<std::string>& extras) const {
        const std::string first = extras.empty() ? std::string() : extras.front();
        const std::string name = first.substr(0, first.find('='));
        std::vector<std::string_view> known;
        for (const auto options : {global_options(), of_command_}) {
            for (const Option& option : options) known.push_back(option.name);
        }
        const bool takes_words = command_ != nullptr && !command_->arguments.empty();
        return usage(
            fmt::format("there is no option {}{}", sanitized(name), did_you_mean(name, known)),
            takes_words
                ? fmt::format(
                      "an argument that begins with - stands behind --: `mimirctl {} -- ...`",
                      command_->name
                  )
                : ""
        );
    }

    const Command* command_;
    std::span<const Option> of_command_;
    CLI::App app_;
    std::deque<Read> values_;
    std::vector<std::string> arguments_;
};

Outcome<void> check_arguments(const Command& command, const std::vector<std::string>& given) {
    std::size_t count_min = 0;
    std::size_t count_max = 0;
    bool any_number = false;
    for (const Argument& argument : command.arguments) {
        if (given.size() < count_min + argument.count_min) {
            return usage(fmt::format("{} is missing: {}", argument.name, argument.help));
        }
        count_min += argument.count_min;
        count_max += argument.count_max;
        any_number = any_number || argument.count_max == 0;
    }
    for (std::size_t i = 0; i < given.size() && !command.arguments.empty(); ++i) {
        const Argument& argument = command.arguments[std::min(i, command.arguments.size() - 1)];
        if (given[i].empty())
            return usage(fmt::format("{} is empty: {}", argument.name, argument.help));
    }
    if (any_number || given.size() <= count_max) return {};
    std::vector<std::string_view> verbs;
    for (const Command* verb : verbs_of(command.name))
        verbs.push_back(verb->name.substr(command.name.size() + 1));
    return usage(fmt::format(
        "\"{}\" is one argument too many{}",
        sanitized(given[count_max]),
        did_you_mean(given.front(), verbs)
    ));
}

Outcome<void> check_format(const Invocation& invocation) {
    const auto format = invocation.value("--output");
    if (!format || parse_format(*format)) return {};
    return usage(fmt::format(
        "-o takes {}, not \"{}\"{}",
        fmt::join(kFormatNames, ", "),
        sanitized(*format),
        did_you_mean(*format, kFormatNames)
    ));
}

/// Help is given before anything else is looked at, but not for words behind "--".
bool asks_for_help(const std::vector<std::string>& arguments) {
    const auto end = std::ranges::find(arguments, "--");
    return std::any_of(arguments.begin(), end, [](const std::string& word) {
        return word == "--help" || word == "-h";
    });
}

}  // namespace

Outcome<Invocation> parse_command_line(std::span<const std::string> arguments) {
    MIMIR_TRY(Found found, find(arguments));
    Invocation invocation{.command = found.command};
    const bool is_hidden = found.command != nullptr && found.command->is_hidden;
    if (is_hidden) {  // its words are another command line
        invocation.arguments = std::move(found.rest);
        return invocation;
    }
    if (asks_for_help(found.rest)) {
        invocation.options.emplace("--help", "true");
        return invocation;
    }
    Parser parser(found.command);
    MIMIR_TRY(parser.parse(std::move(found.rest), invocation));
    MIMIR_TRY(check_format(invocation));
    const bool is_command = found.command != nullptr && found.command->run != nullptr;
    if (is_command) MIMIR_TRY(check_arguments(*found.command, invocation.arguments));
    return invocation;
}

}  // namespace mimir::ctl
