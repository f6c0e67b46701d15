#include "conformance/series_notation.hpp"

#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "model/histogram_arithmetic.hpp"
#include "model/sample.hpp"
#include "promql/detail/parser.hpp"
#include "promql/quote.hpp"

namespace mimir::conformance {
namespace {

constexpr std::string_view kDigits = "0123456789";

bool is_space(char c) { return c == ' ' || c == '\t'; }

/// Reads a line from left to right.
class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool done() const { return rest_.empty(); }
    [[nodiscard]] std::string_view rest() const { return rest_; }
    [[nodiscard]] bool at(std::string_view text) const { return rest_.starts_with(text); }
    bool accept(std::string_view text) {
        if (!at(text)) return false;
        rest_.remove_prefix(text.size());
        return true;
    }
    /// True when there was a space.
    bool skip_spaces() {
        const std::size_t before = rest_.size();
        while (!rest_.empty() && is_space(rest_[0])) rest_.remove_prefix(1);
        return rest_.size() < before;
    }
    std::string_view take(std::size_t length) {
        const std::string_view taken = rest_.substr(0, length);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    std::string_view take_all_of(std::string_view characters) {
        return take(std::min(rest_.find_first_not_of(characters), rest_.size()));
    }
    std::string_view take_until(std::string_view characters) {
        return take(std::min(rest_.find_first_of(characters), rest_.size()));
    }

    [[nodiscard]] tl::unexpected<Error> error(std::string_view expected) const {
        return fail(ErrorKind::invalid, "expected {} at \"{}\"", expected, rest_.substr(0, 40));
    }

  private:
    std::string_view rest_;
};

bool starts_with_letters(std::string_view text, std::string_view lower) {
    if (text.size() < lower.size()) return false;
    for (std::size_t i = 0; i < lower.size(); ++i) {
        if ((text[i] | 0x20) != lower[i]) return false;
    }
    return true;
}

/// An unsigned number; what follows it (x3, +1) is left.
Result<double> read_magnitude(Reader& reader) {
    if (starts_with_letters(reader.rest(), "inf")) {
        reader.take(3);
        return HUGE_VAL;
    }
    if (starts_with_letters(reader.rest(), "nan")) {
        reader.take(3);
        return model::kNormalNan;
    }
    const char* begin = reader.rest().data();
    double value = 0;
    const auto parsed = std::from_chars(begin, begin + reader.rest().size(), value);
    if (parsed.ec == std::errc::invalid_argument || reader.at("-")) return reader.error("a number");
    const std::string_view text = reader.take(static_cast<std::size_t>(parsed.ptr - begin));
    if (parsed.ec != std::errc()) return promql::detail::parse_number(text);
    return value;
}

/// Nothing when there is no sign.
std::optional<double> read_sign(Reader& reader) {
    if (reader.accept("+")) return 1;
    if (reader.accept("-")) return -1;
    return std::nullopt;
}

Result<double> read_number(Reader& reader) {
    const double sign = read_sign(reader).value_or(1);
    MIMIR_TRY(const double magnitude, read_magnitude(reader));
    return sign * magnitude;
}

template <class Integer>
Result<Integer> read_integer(Reader& reader) {
    const bool minus = reader.accept("-");
    const std::string_view digits = reader.take_all_of(kDigits);
    Integer value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || parsed.ec != std::errc()) return reader.error("a whole number");
    return minus ? static_cast<Integer>(-value) : value;
}

/// x3, or nothing.
Result<std::optional<std::size_t>> read_repetition(Reader& reader) {
    if (!reader.accept("x")) return std::nullopt;
    MIMIR_TRY(const auto count, read_integer<std::int32_t>(reader));
    if (count < 0) return reader.error("how often to repeat");
    return static_cast<std::size_t>(count);
}

Result<std::vector<double>> read_list(Reader& reader) {
    std::vector<double> values;
    if (!reader.accept("[")) return reader.error("[");
    while (!reader.accept("]")) {
        MIMIR_TRY(values.emplace_back(), read_number(reader));
        reader.skip_spaces();
    }
    return values;
}

Result<model::CounterResetHint> read_hint(Reader& reader) {
    using enum model::CounterResetHint;
    if (reader.accept("unknown")) return unknown;
    if (reader.accept("not_reset")) return not_reset;
    if (reader.accept("reset")) return reset;
    if (reader.accept("gauge")) return gauge;
    return reader.error("a counter reset hint");
}

/// The fields of {{...}}, the opening braces taken.
class HistogramReader {
  public:
    explicit HistogramReader(Reader& reader) : reader_(reader) {}

    Result<Histogram> read() {
        reader_.skip_spaces();
        while (!reader_.accept("}}")) {
            const std::string_view key = reader_.take_until(":} ");
            if (!reader_.accept(":")) return reader_.error("a field of a histogram");
            MIMIR_TRY(read_field(key));
            reader_.skip_spaces();
        }
        const auto length = [](const std::vector<double>& buckets) {
            return static_cast<std::uint32_t>(buckets.size());
        };
        if (!made_.positive_buckets.empty()) {
            made_.positive_spans = {{positive_offset_, length(made_.positive_buckets)}};
        }
        if (!made_.negative_buckets.empty()) {
            made_.negative_spans = {{negative_offset_, length(made_.negative_buckets)}};
        }
        return Histogram{std::make_shared<model::FloatHistogram>(std::move(made_)), has_hint_};
    }

  private:
    Result<void> read_field(std::string_view key) {
        if (key == "counter_reset_hint") {
            has_hint_ = true;
            return into(made_.reset_hint, read_hint(reader_));
        }
        if (key == "schema") return into(made_.schema, read_integer<std::int32_t>(reader_));
        if (key == "offset") return into(positive_offset_, read_integer<std::int32_t>(reader_));
        if (key == "n_offset") return into(negative_offset_, read_integer<std::int32_t>(reader_));
        if (key == "sum") return into(made_.sum, read_number(reader_));
        if (key == "count") return into(made_.count, read_number(reader_));
        if (key == "z_bucket") return into(made_.zero_count, read_number(reader_));
        if (key == "z_bucket_w") return into(made_.zero_threshold, read_number(reader_));
        if (key == "buckets") return into(made_.positive_buckets, read_list(reader_));
        if (key == "n_buckets") return into(made_.negative_buckets, read_list(reader_));
        if (key == "custom_values") return into(made_.custom_bounds, read_list(reader_));
        return fail(ErrorKind::invalid, "a histogram has no field \"{}\"", key);
    }

    template <class T>
    static Result<void> into(T& field, Result<T> value) {
        if (!value) return tl::unexpected(std::move(value).error());
        field = *std::move(value);
        return {};
    }

    Reader& reader_;
    model::FloatHistogram made_;
    bool has_hint_ = false;
    std::int32_t positive_offset_ = 0;
    std::int32_t negative_offset_ = 0;
};

/// {{...}}, {{...}}x3, {{...}}+{{...}}x3
Result<void> read_histograms(Reader& reader, std::vector<Value>& out) {
    reader.take(2);
    MIMIR_TRY(Histogram current, HistogramReader(reader).read());
    const std::optional<double> sign =
        reader.at("+{{") || reader.at("-{{") ? read_sign(reader) : std::nullopt;
    Histogram step;
    if (sign) {
        reader.take(2);
        MIMIR_TRY(step, HistogramReader(reader).read());
        current.has_reset_hint = step.has_reset_hint;
    }
    MIMIR_TRY(const auto repetition, read_repetition(reader));
    if (sign && !repetition) return reader.error("how often to repeat");
    out.emplace_back(current);
    for (std::size_t i = 0; i < repetition.value_or(0); ++i) {
        if (sign) {
            model::FloatHistogram next = *current.value;
            const auto combined =
                *sign > 0 ? model::add(next, *step.value) : model::subtract(next, *step.value);
            if (!combined.compatible) return reader.error("histograms that can be combined");
            current.value = std::make_shared<model::FloatHistogram>(std::move(next));
        }
        out.emplace_back(current);
    }
    return {};
}

/// 1, 1x3, 1+2x3, stale
Result<void> read_floats(Reader& reader, std::vector<Value>& out) {
    if (reader.accept("stale")) {
        out.emplace_back(model::kStaleNan);
        return {};
    }
    MIMIR_TRY(double value, read_number(reader));
    double step = 0;
    const std::optional<double> sign = read_sign(reader);
    if (sign) {
        MIMIR_TRY(step, read_magnitude(reader));
        step *= *sign;
    }
    MIMIR_TRY(const auto repetition, read_repetition(reader));
    if (sign && !repetition) return reader.error("how often to repeat");
    out.emplace_back(value);
    for (std::size_t i = 0; i < repetition.value_or(0); ++i) out.emplace_back(value += step);
    return {};
}

/// _ or _x3
Result<void> read_gap(Reader& reader, std::vector<Value>& out) {
    reader.take(1);
    MIMIR_TRY(const auto repetition, read_repetition(reader));
    out.resize(out.size() + repetition.value_or(1));
    return {};
}

Result<void> read_values(Reader& reader, std::vector<Value>& out) {
    while (!reader.done()) {
        if (!reader.skip_spaces()) return reader.error("a space between values");
        if (reader.done()) break;
        const auto read = reader.at("{{")  ? read_histograms
                          : reader.at("_") ? read_gap
                                           : read_floats;
        MIMIR_TRY(read(reader, out));
    }
    return {};
}

/// name{label="value", "label"="value"}; what follows is left.
Result<model::Labels> read_labels(Reader& reader) {
    const std::string_view text = reader.rest();
    std::vector<std::pair<std::string, std::string>> pairs;
    const std::size_t name_length = std::min(text.find_first_of("{ \t"), text.size());
    if (name_length > 0) pairs.emplace_back(model::kMetricName, reader.take(name_length));
    if (reader.at("{") && !reader.at("{{")) {
        promql::Lexer lexer(reader.rest());
        promql::Token token = lexer.next();
        while (token.kind != promql::TokenKind::right_brace) {
            const promql::Token name = lexer.next();
            if (name.kind == promql::TokenKind::right_brace) {
                token = name;
                break;
            }
            const bool quoted = name.kind == promql::TokenKind::string;
            if (!quoted && name.kind != promql::TokenKind::identifier)
                return reader.error("labels");
            std::string label(name.text);
            if (quoted) {
                MIMIR_TRY(label, promql::unquote(name.text));
            }
            token = lexer.next();
            if (quoted && token.kind != promql::TokenKind::equal) {
                pairs.emplace_back(model::kMetricName, std::move(label));
                continue;
            }
            const promql::Token value = lexer.next();
            if (value.kind != promql::TokenKind::string) return reader.error("labels");
            MIMIR_TRY(std::string unquoted, promql::unquote(value.text));
            pairs.emplace_back(std::move(label), std::move(unquoted));
            token = lexer.next();
            if (token.kind != promql::TokenKind::comma &&
                token.kind != promql::TokenKind::right_brace) {
                return reader.error("labels");
            }
        }
        reader.take(token.span.end);
    }
    model::LabelsBuilder builder;
    for (const auto& [label, value] : pairs) builder.set(label, value);
    return builder.build();
}

}  // namespace

Result<SeriesLine> parse_series(std::string_view line) {
    Reader reader(line);
    SeriesLine series;
    MIMIR_TRY(series.labels, read_labels(reader));
    MIMIR_TRY(read_values(reader, series.values));
    return series;
}

Result<double> parse_value(std::string_view text) {
    Reader reader(text);
    MIMIR_TRY(const double value, read_number(reader));
    if (!reader.done()) return reader.error("the end of the number");
    return value;
}

}  // namespace mimir::conformance
