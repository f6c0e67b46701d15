#include "promql/engine/set_operations.hpp"

#include <algorithm>

namespace mimir::promql::engine {

namespace {

/// Removes the values of a row for which keeps(step) is false.
template <class Keeps>
void filter_rows(SeriesBlock& block, Keeps&& keeps) {
    for (std::size_t i = 0; i < block.row_count(); ++i) {
        const auto row = block.row(i);
        for (std::size_t step = 0; step < row.size(); ++step) {
            if (!keeps(i, step)) row[step] = kAbsent;
        }
    }
    std::erase_if(block.histograms(), [&](const HistogramCell& cell) {
        return !keeps(cell.row, cell.step);
    });
}

/// The rows' presence on the other side, looked up once a row.
std::vector<const std::vector<bool>*> partners(
    const SeriesBlock& block, const std::vector<SeriesMeta>& series, Presence& presence
) {
    std::vector<const std::vector<bool>*> found(block.row_count());
    for (std::size_t row = 0; row < found.size(); ++row) {
        found[row] = presence.find(series[block.series_of(row)].labels);
    }
    return found;
}

}  // namespace

Result<void> Presence::add_series(const std::vector<SeriesMeta>& series) {
    for (const auto& [labels, drop_name] : series) {
        signature_of_.push_back(signatures_.add(signature_.of(labels)).number);
    }
    constexpr std::size_t kBitsOfSample = 8 * sizeof(FloatPoint);
    MIMIR_TRY(held_.add(signatures_.count() * (steps_.count / kBitsOfSample + 1)));
    present_.assign(signatures_.count(), std::vector<bool>(steps_.count));
    return {};
}

void Presence::note(const SeriesBlock& block) {
    for (std::size_t i = 0; i < block.row_count(); ++i) {
        auto& present = present_[signature_of_[block.series_of(i)]];
        const auto row = block.row(i);
        for (std::size_t step = 0; step < row.size(); ++step) {
            if (!is_absent(row[step])) present[step] = true;
        }
    }
    for (const auto& cell : block.histograms()) {
        present_[signature_of_[block.series_of(cell.row)]][cell.step] = true;
    }
}

const std::vector<bool>* Presence::find(model::LabelsView labels) {
    const std::uint32_t* number = signatures_.find(signature_.of(labels));
    return number == nullptr ? nullptr : &present_[*number];
}

Intersection::Intersection(
    QueryContext& context,
    Steps steps,
    VectorOperatorPtr left,
    VectorOperatorPtr right,
    LabelSubset signature,
    Keep keep
)
    : left_(std::move(left)),
      right_(std::move(right)),
      keep_(keep),
      held_(context.budget),
      right_presence_(steps, std::move(signature), held_) {}

Result<void> Intersection::prepare() {
    MIMIR_TRY(left_->prepare());
    MIMIR_TRY(right_->prepare());
    series_ = left_->series();
    return right_presence_.add_series(right_->series());
}

Result<bool> Intersection::next(SeriesBlock& block) {
    while (!right_read_) {
        MIMIR_TRY(const bool more, right_->next(block));
        if (more) {
            right_presence_.note(block);
        } else {
            right_read_ = true;
        }
    }
    MIMIR_TRY(const bool more, left_->next(block));
    if (!more) return false;
    const auto partner = partners(block, series_, right_presence_);
    filter_rows(block, [&](std::size_t row, std::size_t step) {
        const bool has_partner = partner[row] != nullptr && (*partner[row])[step];
        return has_partner == (keep_ == Keep::with_partner);
    });
    return true;
}

Union::Union(
    QueryContext& context,
    Steps steps,
    VectorOperatorPtr left,
    VectorOperatorPtr right,
    LabelSubset signature
)
    : left_(std::move(left)),
      right_(std::move(right)),
      held_(context.budget),
      left_presence_(steps, std::move(signature), held_) {}

Result<void> Union::prepare() {
    MIMIR_TRY(left_->prepare());
    MIMIR_TRY(right_->prepare());
    series_ = left_->series();
    series_.insert(series_.end(), right_->series().begin(), right_->series().end());
    return left_presence_.add_series(left_->series());
}

Result<bool> Union::next(SeriesBlock& block) {
    if (!left_read_) {
        MIMIR_TRY(const bool more, left_->next(block));
        if (more) {
            left_presence_.note(block);
            return true;
        }
        left_read_ = true;
    }
    MIMIR_TRY(const bool more, right_->next(block));
    if (!more) return false;
    const auto partner = partners(block, right_->series(), left_presence_);
    filter_rows(block, [&](std::size_t row, std::size_t step) {
        return partner[row] == nullptr || !(*partner[row])[step];
    });
    const auto offset = static_cast<std::uint32_t>(left_->series().size());
    for (std::size_t row = 0; row < block.row_count(); ++row) {
        block.set_series(row, block.series_of(row) + offset);
    }
    return true;
}

}  // namespace mimir::promql::engine
