#include "promql/engine/histogram_estimates.hpp"

#include "promql/errors.hpp"
#include "promql/functions/histogram_statistics.hpp"
#include "promql/functions/number_text.hpp"

namespace mimir::promql::engine {

namespace {

constexpr std::string_view kBucketLabel = "le";

bool is_fraction(FunctionId id) { return id == FunctionId::histogram_fraction; }

}  // namespace

HistogramEstimate::HistogramEstimate(
    QueryContext& context, Steps steps, VectorOperatorPtr input, Call call
)
    : context_(context),
      steps_(steps),
      input_(std::move(input)),
      call_(std::move(call)),
      held_(context.budget) {}

std::size_t HistogramEstimate::estimates() const {
    return is_fraction(call_.id) ? 1 : parameters_.size();
}

Result<void> HistogramEstimate::prepare() {
    for (const auto& parameter : call_.parameters) {
        MIMIR_TRY(auto values, parameter->evaluate());
        if (!is_fraction(call_.id)) {
            for (const double q : values)
                context_.annotator.check_quantile(q, call_.parameter_span);
        }
        parameters_.push_back(std::move(values));
    }
    MIMIR_TRY(input_->prepare());
    LabelsNumbering numbering;
    for (const auto& series : input_->series()) {
        const auto labels = model::LabelsBuilder(series.labels).remove(kBucketLabel).build();
        const auto [group, added] = numbering.add(labels.bytes());
        if (added) groups_.push_back({arena_.store(labels), {}, {}});
        inputs_.push_back({group, parse_number(series.labels.get(kBucketLabel))});
    }
    return name_estimates();
}

/// The series: group by group, one an estimate.
Result<void> HistogramEstimate::name_estimates() {
    for (const auto& group : groups_) {
        if (call_.id != FunctionId::histogram_quantiles) {
            series_.push_back({group.labels, true});
            continue;
        }
        for (const auto& quantiles : parameters_) {
            const double q = quantiles.front();
            if (!std::ranges::all_of(quantiles, [&](double x) { return x == q || q != q; })) {
                return fail_with_id(
                    ErrorKind::invalid,
                    kNotBuilt,
                    "not built: histogram_quantiles() with a quantile that changes over time"
                );
            }
            const auto value = format_as_float(q);
            const auto labels = model::LabelsBuilder(group.labels).set(call_.label, value).build();
            series_.push_back({arena_.store(labels), true});
        }
    }
    return {};
}

Result<void> HistogramEstimate::read() {
    for (SeriesBlock block;;) {
        MIMIR_TRY(const bool more, input_->next(block));
        if (!more) return {};
        for (std::size_t row = 0; row < block.row_count(); ++row) {
            MIMIR_TRY(keep(block, row));
        }
    }
}

Result<void> HistogramEstimate::keep(const SeriesBlock& block, std::size_t row) {
    const auto& [group_index, bound] = inputs_[block.series_of(row)];
    auto& group = groups_[group_index];
    if (!block.histograms_of(row).empty()) {
        if (group.native.empty()) {
            MIMIR_TRY(group.native.assign(RowView::of(block, row), held_));
        } else if (!group.native.merge(RowView::of(block, row))) {
            return fail(ErrorKind::invalid, "vector cannot contain metrics with the same labelset");
        }
    }
    if (std::ranges::all_of(block.row(row), is_absent)) return {};
    if (bound) {
        group.buckets.push_back({*bound, {}});
        return group.buckets.back().row.assign(RowView::of(block, row), held_);
    }
    const auto labels = input_->series()[block.series_of(row)].labels;
    context_.annotator.warn(
        for_metric(
            fmt::format(
                "bucket label \"le\" is missing or has a malformed value of \"{}\"",
                labels.get(kBucketLabel)
            ),
            labels.metric_name()
        ),
        call_.input_span
    );
    return {};
}

Result<bool> HistogramEstimate::next(SeriesBlock& block) {
    if (!read_) {
        read_ = true;
        MIMIR_TRY(read());
    }
    block.reset(steps_.count);
    for (; next_ < series_.size() && !block.is_full(); ++next_) {
        auto& group = groups_[next_ / estimates()];
        if (!group.buckets.empty() || !group.native.empty()) {
            estimate(group, next_ % estimates(), block);
        }
    }
    return !block.empty();
}

void HistogramEstimate::estimate(Group& group, std::size_t index, SeriesBlock& block) {
    const auto row = block.add_row(static_cast<std::uint32_t>(next_));
    for (std::size_t step = 0; step < steps_.count; ++step) {
        buckets_.clear();
        for (const auto& [bound, stored] : group.buckets) {
            const double count = stored.view().values[step];
            if (!is_absent(count)) buckets_.push_back({bound, count});
        }
        const bool native =
            !group.native.empty() && group.native.view().histogram_at(step) != nullptr;
        if (native && !buckets_.empty()) {
            context_.annotator.warn(
                for_metric(
                    "vector contains a mix of classic and native histograms",
                    group.labels.metric_name()
                ),
                call_.input_span
            );
        } else if (native) {
            row[step] = of_native(group, index, step);
        } else if (!buckets_.empty()) {
            row[step] = of_classic(group, index, step);
        }
    }
}

double HistogramEstimate::of_native(const Group& group, std::size_t index, std::size_t step) {
    const auto& histogram = *group.native.view().histogram_at(step);
    const auto metric = group.labels.metric_name();
    EstimateNotes notes;
    const double result =
        is_fraction(call_.id)
            ? histogram_fraction(parameters_[0][step], parameters_[1][step], histogram, notes)
            : histogram_quantile(parameters_[index][step], histogram, notes);
    const auto inform = [&](std::string_view text) {
        context_.annotator.inform(for_metric(text, metric), call_.input_span);
    };
    if (notes.nan_result) {
        inform("input to histogram_quantile has NaN observations, result is NaN");
    }
    if (notes.nan_skewed) {
        inform("input to histogram_quantile has NaN observations, result is skewed higher");
    }
    if (notes.nan_excluded) {
        inform(
            "input to histogram_fraction has NaN observations, which are excluded from all "
            "fractions"
        );
    }
    return result;
}

double HistogramEstimate::of_classic(const Group& group, std::size_t index, std::size_t step) {
    if (is_fraction(call_.id)) {
        return classic_fraction(parameters_[0][step], parameters_[1][step], buckets_);
    }
    bool mended = false;
    const double result = classic_quantile(parameters_[index][step], buckets_, mended);
    if (mended) {
        context_.annotator.inform(
            for_metric(
                "input to histogram_quantile needed to be fixed for monotonicity (see "
                "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                "#histogram_quantile)",
                group.labels.metric_name()
            ),
            call_.input_span
        );
    }
    return result;
}

}  // namespace mimir::promql::engine
