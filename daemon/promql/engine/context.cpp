#include "promql/engine/context.hpp"

#include <algorithm>

#include "base/turn.hpp"
#include "promql/functions/number_text.hpp"

namespace mimir::promql::engine {

namespace {

tl::unexpected<Error> too_many_samples() {
    return fail(
        ErrorKind::limit,
        "query processing would load too many samples into memory in query execution"
    );
}

}  // namespace

Result<void> SampleBudget::take(std::size_t samples) {
    if (samples > limit_ - std::min(held_, limit_)) return too_many_samples();
    held_ += samples;
    peak_ = std::max(peak_, held_);
    return {};
}

Result<void> SampleBudget::check_size(double samples) const {
    if (samples > static_cast<double>(limit_)) return too_many_samples();
    return {};
}

std::size_t sample_weight(const model::FloatHistogram& histogram) {
    constexpr std::size_t kFixedBytes = 64;
    const std::size_t numbers = histogram.positive_spans.size() + histogram.negative_spans.size() +
                                histogram.positive_buckets.size() +
                                histogram.negative_buckets.size() + histogram.custom_bounds.size();
    return (kFixedBytes + numbers * sizeof(double)) / sizeof(FloatPoint);
}

void Annotator::warn(std::string_view text, Span part) {
    add(annotations_.warnings,
        fmt::format("PromQL warning: {} ({})", text, position_text(query_, part)));
}

void Annotator::inform(std::string_view text, Span part) {
    add(annotations_.infos, fmt::format("PromQL info: {} ({})", text, position_text(query_, part)));
}

void Annotator::add(std::vector<std::string>& texts, std::string text) {
    if (seen_.insert(text).second) texts.push_back(std::move(text));
}

void Annotator::check_quantile(double q, Span part) {
    if (q >= 0 && q <= 1) return;
    warn(fmt::format("quantile value should be between 0 and 1, got {}", format_general(q)), part);
}

std::string for_metric(std::string_view text, std::string_view metric) {
    return metric.empty() ? std::string(text)
                          : fmt::format("{} for metric name \"{}\"", text, metric);
}

Result<void> QueryContext::check_cancellation() const {
    Turn::give_way(cancellation);
    auto checked = cancellation.check();
    if (checked) return {};
    if (checked.error().kind == ErrorKind::timeout) {
        return fail(ErrorKind::timeout, "query timed out in query execution");
    }
    return fail(ErrorKind::canceled, "query was canceled in query execution");
}

}  // namespace mimir::promql::engine
