#include "conformance/script.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "promql/duration.hpp"
#include "promql/quote.hpp"

namespace mimir::conformance {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpaces = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kSpaces);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

/// Lines without the space round them; comments are empty lines, and an empty line ends a command.
std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trim(text.substr(0, end));
        lines.push_back(line.starts_with('#') ? std::string_view() : line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

/// Removes and returns the first word.
std::string_view take_word(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    const std::string_view word = text.substr(0, end);
    text = trim(text.substr(end));
    return word;
}

Result<void> take(std::string_view& text, std::string_view expected) {
    if (const std::string_view word = take_word(text); word != expected) {
        return fail(ErrorKind::invalid, "expected \"{}\" instead of \"{}\"", expected, word);
    }
    return {};
}

Result<TimestampMs> take_time(std::string_view& text) {
    MIMIR_TRY(const auto since_start, promql::parse_duration(take_word(text)));
    return TimestampMs{since_start.count()};
}

/// from A to B step S
struct Times {
    TimestampMs from;
    TimestampMs to;
    std::chrono::milliseconds step{0};
};

Result<Times> take_times(std::string_view& text) {
    Times times;
    MIMIR_TRY(take(text, "from"));
    MIMIR_TRY(times.from, take_time(text));
    MIMIR_TRY(take(text, "to"));
    MIMIR_TRY(times.to, take_time(text));
    MIMIR_TRY(take(text, "step"));
    MIMIR_TRY(times.step, promql::parse_duration(take_word(text)));
    return times;
}

Result<Expectation> parse_expectation(std::string_view text) {
    if (text.empty()) return Expectation{};
    if (text.starts_with("msg:")) return Expectation{.text = std::string(trim(text.substr(4)))};
    if (!text.starts_with("regex:")) return fail(ErrorKind::invalid, "expected msg: or regex:");
    auto regex = std::make_shared<re2::RE2>(std::string(trim(text.substr(6))));
    if (!regex->ok()) return fail(ErrorKind::invalid, "bad expression: {}", regex->error());
    return Expectation{.regex = std::move(regex)};
}

class Parser {
  public:
    explicit Parser(std::string_view text) : lines_(split_lines(text)) {}

    Result<std::vector<Command>> parse() {
        std::vector<Command> commands;
        for (; at_ < lines_.size(); ++at_) {
            if (lines_[at_].empty()) continue;
            auto command = parse_command();
            if (!command) {
                return tl::unexpected(command.error().with_context(fmt::format("line {}", at_ + 1))
                );
            }
            commands.push_back(*std::move(command));
        }
        return commands;
    }

  private:
    Result<Command> parse_command() {
        std::string_view rest = lines_[at_];
        const std::string_view word = take_word(rest);
        if (word == "clear") return Clear{};
        if (word == "load" || word == "load_with_nhcb") return parse_load(rest, word != "load");
        if (word == "eval" || word.starts_with("eval_")) return parse_eval(rest, word.substr(4));
        return fail(ErrorKind::invalid, "unknown command \"{}\"", word);
    }

    Result<Command> parse_load(std::string_view rest, bool with_nhcb) {
        Load load{.with_nhcb = with_nhcb};
        MIMIR_TRY(load.interval, promql::parse_duration(rest));
        while (next_line()) {
            MIMIR_TRY(SeriesLine series, parse_series(lines_[at_]));
            load.series.push_back(std::move(series));
        }
        return load;
    }

    Result<Command> parse_eval(std::string_view rest, std::string_view modifier) {
        Eval eval{.line = at_ + 1};
        if (modifier == "_fail") eval.failure.emplace();
        if (modifier == "_warn") eval.warnings.emplace_back();
        if (modifier == "_info") eval.infos.emplace_back();
        eval.ordered = modifier == "_ordered";
        eval.is_range = take_word(rest) == "range";
        if (eval.is_range) {
            MIMIR_TRY(const Times times, take_times(rest));
            eval.start = times.from;
            eval.end = times.to;
            eval.step = times.step;
        } else {
            MIMIR_TRY(take(rest, "at"));
            MIMIR_TRY(eval.start, take_time(rest));
            eval.end = eval.start;
        }
        eval.query = rest;
        while (next_line()) {
            MIMIR_TRY(parse_expected(eval, lines_[at_]));
        }
        return eval;
    }

    static Result<void> parse_expected(Eval& eval, std::string_view line) {
        std::string_view rest = line;
        const std::string_view word = take_word(rest);
        if (word == "expect") return parse_expect(eval, rest);
        if (word == "expected_fail_message") {
            eval.failure = Expectation{.text = std::string(rest)};
            return {};
        }
        if (word == "expected_fail_regexp") {
            MIMIR_TRY(eval.failure, parse_expectation("regex:" + std::string(rest)));
            return {};
        }
        if (const auto number = parse_value(line)) {
            eval.scalar = *number;
            return {};
        }
        MIMIR_TRY(SeriesLine series, parse_series(line));
        eval.series.push_back(std::move(series));
        return {};
    }

    static Result<void> parse_expect(Eval& eval, std::string_view rest) {
        const std::string_view what = take_word(rest);
        if (what == "string") {
            MIMIR_TRY(eval.string, promql::unquote(rest));
        } else if (what == "range") {
            MIMIR_TRY(take(rest, "vector"));
            MIMIR_TRY(const Times times, take_times(rest));
            eval.range_vector = Eval::RangeVector{times.from, times.to, times.step};
        } else if (what == "ordered") {
            eval.ordered = true;
        } else if (what == "no_warn") {
            eval.no_warnings = true;
        } else if (what == "no_info") {
            eval.no_infos = true;
        } else {
            MIMIR_TRY(Expectation expectation, parse_expectation(rest));
            if (what == "fail") {
                eval.failure = std::move(expectation);
            } else if (what == "warn") {
                eval.warnings.push_back(std::move(expectation));
            } else if (what == "info") {
                eval.infos.push_back(std::move(expectation));
            } else {
                return fail(ErrorKind::invalid, "nothing is known of expecting \"{}\"", what);
            }
        }
        return {};
    }

    /// Steps to the next line of the command; false, and stays, when the command has no more.
    bool next_line() {
        if (at_ + 1 >= lines_.size() || lines_[at_ + 1].empty()) return false;
        ++at_;
        return true;
    }

    std::vector<std::string_view> lines_;
    std::size_t at_ = 0;
};

}  // namespace

bool Expectation::matches(std::string_view message) const {
    if (text) return *text == message;
    return !regex ||
           re2::RE2::PartialMatch(re2::StringPiece(message.data(), message.size()), *regex);
}

Result<std::vector<Command>> parse_script(std::string_view text) { return Parser(text).parse(); }

}  // namespace mimir::conformance
