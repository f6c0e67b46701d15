#include "conformance/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "model/histogram_arithmetic.hpp"
#include "model/histogram_buckets.hpp"
#include "model/sample.hpp"
#include "promql/printer.hpp"

namespace mimir::conformance {
namespace {

constexpr double kEpsilon = 1e-6;

tl::unexpected<Error> differs(std::string message) {
    return tl::unexpected(Error{ErrorKind::invalid, {}, std::move(message)});
}

std::string show(double value) { return fmt::format("{}", value); }
std::string show(const model::FloatHistogram& histogram) {
    return fmt::format(
        "{} (schema {}, zero threshold {}, hint {})",
        model::to_string(histogram),
        histogram.schema,
        histogram.zero_threshold,
        static_cast<int>(histogram.reset_hint)
    );
}
std::string show(const Value& value) {
    if (const auto* number = std::get_if<double>(&value)) return show(*number);
    if (const auto* histogram = std::get_if<Histogram>(&value)) return show(*histogram->value);
    return "no sample";
}

/// The buckets that hold something, by index.
std::map<std::int32_t, double> buckets(
    const std::vector<model::BucketSpan>& spans, const std::vector<double>& counts
) {
    std::map<std::int32_t, double> found;
    std::int32_t index = 0;
    std::size_t position = 0;
    for (const model::BucketSpan& span : spans) {
        index += span.offset;
        for (std::uint32_t i = 0; i < span.length; ++i, ++index, ++position) {
            if (counts.at(position) != 0) found[index] = counts[position];
        }
    }
    return found;
}

bool same_buckets(
    const std::map<std::int32_t, double>& a, const std::map<std::int32_t, double>& b
) {
    return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
        return x.first == y.first && almost_equal(x.second, y.second);
    });
}

/// One sample of a result, whatever it came in.
struct Actual {
    double value = 0;
    promql::HistogramPtr histogram;
};

bool matches(const Actual& actual, const Value& expected) {
    if (const auto* number = std::get_if<double>(&expected)) {
        return !actual.histogram && almost_equal(actual.value, *number);
    }
    const auto* histogram = std::get_if<Histogram>(&expected);
    return histogram != nullptr && actual.histogram && almost_equal(*actual.histogram, *histogram);
}

std::string show(const Actual& actual) {
    return actual.histogram ? show(*actual.histogram) : show(actual.value);
}

class Comparison {
  public:
    explicit Comparison(const Eval& expected) : expected_(expected) {
        for (std::size_t i = 0; i < expected.series.size(); ++i)
            position_[expected.series[i].labels] = i;
    }

    Result<void> operator()(const promql::Scalar& scalar) const {
        if (!expected_.scalar) return differs("a scalar, " + show(scalar.value));
        if (almost_equal(scalar.value, *expected_.scalar)) return {};
        return differs(fmt::format("{} instead of {}", scalar.value, *expected_.scalar));
    }

    Result<void> operator()(const promql::String& string) const {
        if (expected_.string == string.value) return {};
        return differs(fmt::format("the string \"{}\"", string.value));
    }

    Result<void> operator()(const promql::Vector& vector) const {
        if (expected_.scalar || expected_.string) return differs("a vector");
        std::map<model::Labels, std::size_t> seen;
        for (std::size_t i = 0; i < vector.size(); ++i) {
            const promql::VectorSample& sample = vector[i];
            const std::string labels = sample.labels.to_string();
            const Actual actual{sample.value, sample.histogram};
            const auto found = position_.find(sample.labels);
            if (found == position_.end())
                return differs(fmt::format("{} {} too much", labels, show(actual)));
            if (expected_.ordered && found->second != i) {
                return differs(
                    fmt::format("{} at position {} instead of {}", labels, i, found->second)
                );
            }
            if (!seen.emplace(sample.labels, i).second) return differs(labels + " twice");
            const std::vector<Value>& values = expected_.series[found->second].values;
            const Value& value = values.empty() ? Value{} : values.front();
            if (!matches(actual, value)) {
                return differs(fmt::format("{} {} instead of {}", labels, show(actual), show(value))
                );
            }
        }
        return all_of(seen);
    }

    Result<void> operator()(const promql::Matrix& matrix) const {
        if (expected_.scalar || expected_.string) return differs("a matrix");
        if (expected_.ordered) return differs("a matrix, which has no order");
        const bool sorted = std::ranges::is_sorted(matrix, [](const auto& a, const auto& b) {
            return a.labels < b.labels;
        });
        if (!sorted) return differs("a matrix that is not sorted");
        std::map<model::Labels, std::size_t> seen;
        for (const promql::MatrixSeries& series : matrix) {
            const auto found = position_.find(series.labels);
            if (found == position_.end()) {
                return differs(fmt::format(
                    "{} too much, with {}", series.labels.to_string(), show_points(series)
                ));
            }
            if (!seen.emplace(series.labels, 0).second)
                return differs(series.labels.to_string() + " twice");
            MIMIR_TRY(compare_points(series, expected_.series[found->second].values));
        }
        return all_of(seen);
    }

  private:
    Result<void> compare_points(
        const promql::MatrixSeries& series, const std::vector<Value>& values
    ) const {
        std::map<TimestampMs, Actual> points = by_time(series);
        const auto [from, to, step] = expected_.range_vector.value_or(
            Eval::RangeVector{expected_.start, expected_.end, expected_.step}
        );
        TimestampMs time = from;
        for (const Value& value : values) {
            const auto found = points.find(time);
            const bool wanted = !std::holds_alternative<std::monostate>(value);
            if (wanted != (found != points.end()) || (wanted && !matches(found->second, value))) {
                return differs(fmt::format(
                    "{} at {} ms {} instead of {}; all: {}",
                    series.labels.to_string(),
                    time.ms,
                    found == points.end() ? "no sample" : show(found->second),
                    show(value),
                    show_points(series)
                ));
            }
            if (wanted) points.erase(found);
            time = time + step;
        }
        if (points.empty()) return {};
        return differs(fmt::format(
            "{} has samples too much: {}", series.labels.to_string(), show_points(series)
        ));
    }

    static std::map<TimestampMs, Actual> by_time(const promql::MatrixSeries& series) {
        std::map<TimestampMs, Actual> points;
        for (const promql::FloatPoint& point : series.floats)
            points[point.time] = {point.value, nullptr};
        for (const promql::HistogramPoint& point : series.histograms)
            points[point.time] = {0, point.value};
        return points;
    }

    static std::string show_points(const promql::MatrixSeries& series) {
        std::string out;
        for (const auto& [time, point] : by_time(series)) {
            out += fmt::format("{}{}@{}", out.empty() ? "" : " ", show(point), time.ms);
        }
        return out;
    }

    Result<void> all_of(const std::map<model::Labels, std::size_t>& seen) const {
        for (const SeriesLine& line : expected_.series) {
            if (!seen.contains(line.labels))
                return differs(line.labels.to_string() + " is missing");
        }
        return {};
    }

    const Eval& expected_;
    std::map<model::Labels, std::size_t> position_;
};

Result<void> compare_annotations(
    std::string_view kind,
    const std::vector<Expectation>& expected,
    bool none,
    const std::vector<std::string>& actual
) {
    if (none && !actual.empty()) return differs(fmt::format("the {} \"{}\"", kind, actual.front()));
    if (expected.empty()) return {};
    if (actual.empty()) return differs(fmt::format("no {}", kind));
    for (const Expectation& one : expected) {
        const auto met = [&](const std::string& message) { return one.matches(message); };
        if (std::ranges::any_of(actual, met)) continue;
        return differs(
            fmt::format("the {} \"{}\" instead of the one expected", kind, actual.front())
        );
    }
    for (const std::string& message : actual) {
        const auto meets = [&](const Expectation& one) { return one.matches(message); };
        if (std::ranges::any_of(expected, meets)) continue;
        return differs(fmt::format("the {} \"{}\" too much", kind, message));
    }
    return {};
}

}  // namespace

bool almost_equal(double a, double b) {
    if (model::is_stale(a) || model::is_stale(b)) return model::is_stale(a) && model::is_stale(b);
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    if (a == b) return true;
    constexpr double kSmallest = std::numeric_limits<double>::min();
    const double sum = std::abs(a) + std::abs(b);
    const double difference = std::abs(a - b);
    if (a == 0 || b == 0 || sum < kSmallest) return difference < kEpsilon * kSmallest;
    return difference / std::min(sum, std::numeric_limits<double>::max()) < kEpsilon;
}

bool almost_equal(const model::FloatHistogram& actual, const Histogram& expected) {
    const model::FloatHistogram& wanted = *expected.value;
    return actual.schema == wanted.schema && actual.zero_threshold == wanted.zero_threshold &&
           almost_equal(actual.count, wanted.count) && almost_equal(actual.sum, wanted.sum) &&
           almost_equal(actual.zero_count, wanted.zero_count) &&
           actual.custom_bounds == wanted.custom_bounds &&
           same_buckets(
               buckets(actual.positive_spans, actual.positive_buckets),
               buckets(wanted.positive_spans, wanted.positive_buckets)
           ) &&
           same_buckets(
               buckets(actual.negative_spans, actual.negative_buckets),
               buckets(wanted.negative_spans, wanted.negative_buckets)
           ) &&
           (!expected.has_reset_hint || actual.reset_hint == wanted.reset_hint);
}

Result<void> compare(const Eval& expected, const promql::QueryResult& actual) {
    MIMIR_TRY(compare_annotations(
        "warning", expected.warnings, expected.no_warnings, actual.annotations.warnings
    ));
    MIMIR_TRY(
        compare_annotations("info", expected.infos, expected.no_infos, actual.annotations.infos)
    );
    return std::visit(Comparison(expected), actual.value);
}

}  // namespace mimir::conformance
