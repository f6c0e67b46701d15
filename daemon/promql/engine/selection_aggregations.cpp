#include "promql/engine/selection_aggregations.hpp"

#include <algorithm>
#include <cmath>

#include "promql/functions/number_text.hpp"

namespace mimir::promql::engine {

namespace {

/// Removes the histograms of a block for which drop(cell) is true.
template <class Drop>
void remove_histograms(SeriesBlock& block, Drop&& drop) {
    std::erase_if(block.histograms(), drop);
}

}  // namespace

Result<std::vector<double>> evaluate_count(ScalarOperator& parameter) {
    constexpr double kIntegerLimit = 0x1p63;
    MIMIR_TRY(auto counts, parameter.evaluate());
    for (double& count : counts) {
        if (std::isnan(count)) return fail(ErrorKind::invalid, "Parameter value is NaN");
        if (count >= kIntegerLimit) {
            return fail(
                ErrorKind::invalid, "Scalar value {} overflows int64", format_general(count)
            );
        }
        if (count < -kIntegerLimit) {
            return fail(
                ErrorKind::invalid, "Scalar value {} underflows int64", format_general(count)
            );
        }
        count = std::trunc(count);
    }
    return counts;
}

TopK::TopK(QueryContext& context, Steps steps, VectorOperatorPtr input, LabelSubset kept, Call call)
    : context_(context),
      steps_(steps),
      input_(std::move(input)),
      grouping_(std::move(kept)),
      call_(std::move(call)),
      held_(context.budget) {}

bool TopK::better(double a, double b) const {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(b) && !std::isnan(a);
    return call_.best == Best::highest ? a > b : a < b;
}

Result<void> TopK::prepare() {
    MIMIR_TRY(counts_, evaluate_count(*call_.count));
    MIMIR_TRY(input_->prepare());
    series_ = input_->series();
    grouping_.assign(series_);
    MIMIR_TRY(held_.add(grouping_.count() * steps_.count));
    heaps_.resize(grouping_.count() * steps_.count);
    MIMIR_TRY(read());
    return rank();
}

Result<void> TopK::read() {
    for (SeriesBlock block;;) {
        MIMIR_TRY(const bool more, input_->next(block));
        if (!more) return {};
        if (!block.histograms().empty()) {
            context_.annotator.inform(
                fmt::format(
                    "ignored histogram in {} aggregation",
                    call_.best == Best::highest ? "topk" : "bottomk"
                ),
                call_.input_span
            );
        }
        for (std::size_t i = 0; i < block.row_count(); ++i) {
            const std::uint32_t series = block.series_of(i);
            const std::size_t first = grouping_.group_of(series) * steps_.count;
            const auto row = block.row(i);
            for (std::size_t step = 0; step < row.size(); ++step) {
                if (is_absent(row[step])) continue;
                MIMIR_TRY(offer(heaps_[first + step], {row[step], series}, counts_[step]));
            }
        }
    }
}

Result<void> TopK::offer(std::vector<Element>& heap, Element element, double count) {
    const auto worst_first = [this](const Element& a, const Element& b) {
        return better(a.value, b.value);
    };
    if (static_cast<double>(heap.size()) < count) {
        MIMIR_TRY(held_.add(1));
        heap.push_back(element);
        std::ranges::push_heap(heap, worst_first);
    } else if (!heap.empty() && better(element.value, heap.front().value)) {
        std::ranges::pop_heap(heap, worst_first);
        heap.back() = element;
        std::ranges::push_heap(heap, worst_first);
    }
    return {};
}

/// Makes a row of each series that is in some heap.
Result<void> TopK::rank() {
    constexpr std::uint32_t kNone = ~0U;
    std::vector<std::uint32_t> row_of(series_.size(), kNone);
    for (std::size_t i = 0; i < heaps_.size(); ++i) {
        std::ranges::sort(heaps_[i], [this](const Element& a, const Element& b) {
            if (better(a.value, b.value)) return true;
            return !better(b.value, a.value) && a.series < b.series;
        });
        for (const auto& [value, series] : heaps_[i]) {
            if (row_of[series] == kNone) {
                MIMIR_TRY(held_.add(steps_.count));
                row_of[series] = static_cast<std::uint32_t>(rows_.size());
                rows_.emplace_back(series, std::vector<double>(steps_.count, kAbsent));
            }
            rows_[row_of[series]].second[i % steps_.count] = value;
        }
        heaps_[i] = {};
    }
    return {};
}

Result<bool> TopK::next(SeriesBlock& block) {
    block.reset(steps_.count);
    for (; next_ < rows_.size() && !block.is_full(); ++next_) {
        const auto& [series, values] = rows_[next_];
        std::ranges::copy(values, block.add_row_for_overwrite(series).begin());
    }
    return !block.empty();
}

Result<void> LimitK::prepare() {
    MIMIR_TRY(counts_, evaluate_count(*count_));
    MIMIR_TRY(input_->prepare());
    series_ = input_->series();
    grouping_.assign(series_);
    kept_.resize(grouping_.count() * steps_.count);
    return {};
}

Result<bool> LimitK::next(SeriesBlock& block) {
    MIMIR_TRY(const bool more, input_->next(block));
    if (!more) return false;
    const auto keep = [&](std::size_t row, std::size_t step) {
        auto& kept = kept_[grouping_.group_of(block.series_of(row)) * steps_.count + step];
        if (kept >= counts_[step]) return false;
        ++kept;
        return true;
    };
    for (std::size_t i = 0; i < block.row_count(); ++i) {
        const auto row = block.row(i);
        for (std::size_t step = 0; step < row.size(); ++step) {
            if (!is_absent(row[step]) && !keep(i, step)) row[step] = kAbsent;
        }
    }
    remove_histograms(block, [&](const HistogramCell& c) { return !keep(c.row, c.step); });
    return true;
}

Result<void> LimitRatio::prepare() {
    MIMIR_TRY(ratios_, ratio_->evaluate());
    for (double& ratio : ratios_) {
        if (std::isnan(ratio)) return fail(ErrorKind::invalid, "Ratio value is NaN");
        const double capped = std::clamp(ratio, -1.0, 1.0);
        if (capped == ratio) continue;
        context_.annotator.warn(
            fmt::format(
                "ratio value should be between -1 and 1, got {}, capping to {}",
                format_general(ratio),
                format_general(capped)
            ),
            ratio_span_
        );
        ratio = capped;
    }
    MIMIR_TRY(input_->prepare());
    series_ = input_->series();
    return {};
}

bool LimitRatio::keeps(std::uint32_t series, std::size_t step) const {
    // Not LabelsHash: what a query picks must not change with the process.
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : series_[series].labels.bytes()) {
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
    }
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccd;
    hash ^= hash >> 33;
    const double offset = static_cast<double>(hash) / 0x1p64;
    const double ratio = ratios_[step];
    return ratio >= 0 ? offset < ratio : offset >= 1 + ratio;
}

Result<bool> LimitRatio::next(SeriesBlock& block) {
    MIMIR_TRY(const bool more, input_->next(block));
    if (!more) return false;
    for (std::size_t i = 0; i < block.row_count(); ++i) {
        const auto row = block.row(i);
        for (std::size_t step = 0; step < row.size(); ++step) {
            if (!is_absent(row[step]) && !keeps(block.series_of(i), step)) row[step] = kAbsent;
        }
    }
    remove_histograms(block, [&](const HistogramCell& c) {
        return !keeps(block.series_of(c.row), c.step);
    });
    return true;
}

}  // namespace mimir::promql::engine
