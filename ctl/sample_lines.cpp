#include "ctl/sample_lines.hpp"

#include <algorithm>
#include <charconv>
#include <deque>
#include <set>

namespace mimir::ctl {
namespace {

constexpr std::string_view kSpace = " \t\r";

class LineParser {
  public:
    explicit LineParser(std::string_view line) : line_(line), rest_(line) {}

    Result<SampleLine> parse(TimestampMs now) {
        SampleLine result;
        MIMIR_TRY(result.labels, labels());
        MIMIR_TRY(result.sample.value, value());
        result.sample.time = now;
        skip_space();
        if (!rest_.empty()) {
            MIMIR_TRY(result.sample.time, time());
        }
        skip_space();
        if (!rest_.empty()) return want("the end of the line");
        return result;
    }

  private:
    Result<model::Labels> labels() {
        skip_space();
        const std::string_view name = take_while([](char c) { return is_name(c) || c == ':'; });
        if (!name.empty()) {
            if (!model::is_legacy_metric_name(name)) return bad_name(name);
            MIMIR_TRY(add(std::string(model::kMetricName), std::string(name)));
        }
        skip_space();
        if (take('{')) MIMIR_TRY(label_list());
        if (builder_.get(model::kMetricName).empty()) return want("a metric's name");
        return builder_.build();
    }

    Result<void> label_list() {
        for (;;) {
            skip_space();
            if (take('}')) return {};
            const std::string_view name = take_while(is_name);
            if (name.empty()) return want("a label's name or }");
            if (!model::is_legacy_label_name(name)) return bad_name(name);
            skip_space();
            if (!take('=')) return want("=");
            skip_space();
            if (!take('"')) return want("a label's value in double quotes");
            MIMIR_TRY(std::string text, quoted());
            MIMIR_TRY(add(std::string(name), std::move(text)));
            skip_space();
            if (!take(',') && !rest_.starts_with('}')) return want(", or }");
        }
    }

    Result<std::string> quoted() {
        std::string text;
        while (!rest_.empty()) {
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') {
                if (!model::is_valid_utf8(text))
                    return fail(ErrorKind::invalid, "a label's value is not UTF-8");
                return text;
            }
            if (c != '\\') {
                text += c;
            } else if (take('n')) {
                text += '\n';
            } else if (rest_.starts_with('\\') || rest_.starts_with('"')) {
                text += rest_.front();
                rest_.remove_prefix(1);
            } else {
                return want("\\\\, \\\" or \\n");
            }
        }
        return want("the closing double quote");
    }

    Result<void> add(std::string name, std::string value) {
        if (!names_.insert(name).second)
            return fail(ErrorKind::invalid, "the label {} is given twice", name);
        texts_.push_back(std::move(name));
        const std::string& kept = texts_.back();
        texts_.push_back(std::move(value));
        builder_.set(kept, texts_.back());
        return {};
    }

    Result<double> value() {
        skip_space();
        std::string_view text = take_word();
        const std::string_view whole = text;
        if (text.starts_with('+')) text.remove_prefix(1);
        double number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (whole.empty() || error != std::errc() || end != text.data() + text.size()) {
            return fail(
                ErrorKind::invalid, "at column {}: want a number, not \"{}\"", column(whole), whole
            );
        }
        return number;
    }

    Result<TimestampMs> time() {
        const std::string_view word = take_word();
        TimestampMs time;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), time.ms);
        if (error == std::errc() && end == word.data() + word.size()) return time;
        return fail(
            ErrorKind::invalid,
            "at column {}: want milliseconds since 1970, not \"{}\"",
            column(word),
            word
        );
    }

    tl::unexpected<Error> want(std::string_view what) const {
        const std::string got =
            rest_.empty() ? "the end of the line" : fmt::format("\"{}\"", rest_.substr(0, 20));
        return fail(ErrorKind::invalid, "at column {}: want {}, not {}", column(rest_), what, got);
    }
    tl::unexpected<Error> bad_name(std::string_view name) const {
        return fail(
            ErrorKind::invalid, "at column {}: \"{}\" cannot be a name", column(name), name
        );
    }

    static bool is_name(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    }
    /// Counted from 1.
    [[nodiscard]] std::size_t column(std::string_view at) const {
        return static_cast<std::size_t>(at.data() - line_.data()) + 1;
    }
    void skip_space() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
    }
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::string_view take_while(auto condition) {
        std::size_t count = 0;
        while (count < rest_.size() && condition(rest_[count])) ++count;
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    std::string_view take_word() {
        return take_while([](char c) { return kSpace.find(c) == std::string_view::npos; });
    }

    const std::string_view line_;
    std::string_view rest_;
    std::set<std::string> names_;
    std::deque<std::string> texts_;
    model::LabelsBuilder builder_;  // of texts_
};

}  // namespace

Result<SampleLine> parse_sample_line(std::string_view line, TimestampMs now) {
    return LineParser(line).parse(now);
}

}  // namespace mimir::ctl
