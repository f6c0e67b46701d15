#include "promql/engine/vector_matching.hpp"

#include <algorithm>

namespace mimir::promql::engine {

LabelSubset matched_labels(const VectorMatching& matching) {
    return {matching.on ? LabelSubset::Kind::only : LabelSubset::Kind::all_but, matching.labels};
}

VectorMatch::VectorMatch(
    QueryContext& context, Steps steps, VectorOperatorPtr left, VectorOperatorPtr right, Call call
)
    : steps_(steps),
      many_(std::move(left)),
      one_(std::move(right)),
      call_(std::move(call)),
      fill_many_(call_.matching.fill_left),
      fill_one_(call_.matching.fill_right),
      histograms_(context.annotator, call_.operation.op, call_.operation.return_bool, call_.span),
      held_(context.budget),
      signature_(matched_labels(call_.matching)) {
    if (one_is_left()) {
        std::swap(many_, one_);
        std::swap(fill_many_, fill_one_);
    }
}

Result<void> VectorMatch::prepare() {
    MIMIR_TRY(many_->prepare());
    MIMIR_TRY(one_->prepare());
    find_partners();
    plan_outputs();
    find_conflicts();
    return {};
}

void VectorMatch::find_partners() {
    LabelsNumbering signatures;
    for (std::uint32_t i = 0; i < one_->series().size(); ++i) {
        const std::string_view bytes = signature_.of(one_->series()[i].labels);
        const auto [number, added] = signatures.add(bytes);
        if (added) partners_.push_back({.signature = arena_.store(bytes)});
        partners_[number].series.push_back(i);
        partner_of_one_.push_back(number);
    }
    for (const auto& series : many_->series()) {
        const std::uint32_t* number = signatures.find(signature_.of(series.labels));
        partner_of_many_.push_back(number == nullptr ? kNone : *number);
        if (number != nullptr) ++partners_[*number].many_count;
    }
}

void VectorMatch::plan_outputs() {
    for (std::uint32_t i = 0; i < partner_of_many_.size(); ++i) {
        const auto& many = many_->series()[i];
        outputs_begin_.push_back(static_cast<std::uint32_t>(outputs_.size()));
        const std::uint32_t partner = partner_of_many_[i];
        if (partner == kNone) {
            if (fill_one_) add_output(many, {}, signature_labels(many.labels));
            continue;
        }
        const auto& series = partners_[partner].series;
        const std::size_t rows = copies_labels() ? series.size() : 1;
        for (std::uint32_t row = 0; row < rows; ++row) {
            add_output(many, {partner, row}, one_->series()[series[row]].labels);
        }
        if (copies_labels() && fill_one_) {
            add_output(many, {partner, kNone}, partners_[partner].signature);
        }
    }
    outputs_begin_.push_back(static_cast<std::uint32_t>(outputs_.size()));
    if (!fill_many_) return;
    for (std::uint32_t i = 0; i < partners_.size(); ++i) {
        const auto& partner = partners_[i];
        const std::size_t rows = copies_labels() ? partner.series.size() : 1;
        for (std::uint32_t row = 0; row < rows; ++row) {
            add_output({partner.signature}, {i, row}, one_->series()[partner.series[row]].labels);
        }
    }
}

/// The labels an element matches by, for one that is made up.
model::LabelsView VectorMatch::signature_labels(model::LabelsView labels) {
    return arena_.store(signature_.of(labels));
}

void VectorMatch::add_output(const SeriesMeta& many, Output output, model::LabelsView one) {
    outputs_.push_back(output);
    series_.push_back(
        {arena_.store(result_labels(many.labels, one)),
         many.drop_name || call_.operation.drops_name()}
    );
}

model::Labels VectorMatch::result_labels(model::LabelsView many, model::LabelsView one) const {
    const auto& matching = call_.matching;
    model::LabelsBuilder builder(many);
    if (matching.card == Cardinality::one_to_one) {
        if (matching.on) {
            builder.keep(matching.labels);
        } else {
            for (const auto& name : matching.labels) builder.remove(name);
        }
    }
    for (const auto& name : matching.include) builder.set(name, one.get(name));
    return builder.build();
}

/// Finds outputs that must not have a value at the same step: one-to-one, those of one signature; else, those of one
/// signature with equal labels.
void VectorMatch::find_conflicts() {
    LabelsNumbering slots;
    std::vector<std::uint32_t> slot_of;
    std::vector<std::uint32_t> members;
    std::string key;
    for (std::size_t i = 0; i < outputs_.size() && i < outputs_begin_.back(); ++i) {
        const std::uint32_t partner = outputs_[i].partner;
        key = std::to_string(partner);
        if (call_.matching.card != Cardinality::one_to_one) {
            copy_without_name(series_[i].labels, labels_without_name_);
            key += call_.operation.drops_name() ? labels_without_name_ : series_[i].labels.bytes();
        } else if (partner == kNone) {
            key += signature_.of(series_[i].labels);
        }
        const std::uint32_t slot = slots.add(key).number;
        slot_of.push_back(slot);
        if (slot == members.size()) members.push_back(0);
        ++members[slot];
    }
    for (std::size_t i = 0; i < slot_of.size(); ++i) {
        if (members[slot_of[i]] > 1) outputs_[i].slot = slot_of[i];
    }
    taken_.resize(members.size());
}

Result<bool> VectorMatch::next(SeriesBlock& block) {
    if (!one_side_read_) {
        one_side_read_ = true;
        MIMIR_TRY(read_one_side());
    }
    block.reset(steps_.count);
    while (!exhausted_ && !block.is_full()) {
        if (row_ == in_.row_count()) {
            row_ = 0;
            MIMIR_TRY(const bool more, many_->next(in_));
            exhausted_ = !more;
            if (more) MIMIR_TRY(check_duplicates());
        } else {
            MIMIR_TRY(match(row_++, block));
        }
    }
    if (exhausted_ && fill_many_) fill_many_side(block);
    return !block.empty();
}

Result<void> VectorMatch::read_one_side() {
    for (SeriesBlock block;;) {
        MIMIR_TRY(const bool more, one_->next(block));
        if (!more) return {};
        for (std::size_t row = 0; row < block.row_count(); ++row) {
            MIMIR_TRY(keep(block, row));
        }
    }
}

Result<void> VectorMatch::keep(const SeriesBlock& block, std::size_t row) {
    const std::uint32_t series = block.series_of(row);
    auto& partner = partners_[partner_of_one_[series]];
    const RowView view = RowView::of(block, row);
    if (partner.series.size() > 1) note_owner(partner, series, view);
    if (partner.many_count == 0 && !fill_many_) return {};
    partner.rows.resize(copies_labels() ? partner.series.size() : 1);
    const auto index =
        copies_labels() ? std::ranges::find(partner.series, series) - partner.series.begin() : 0;
    auto& stored = partner.rows[static_cast<std::size_t>(index)];
    if (stored.empty()) return stored.assign(view, held_);
    stored.merge(view);  // a collision is among the duplicates that note_owner() found
    return {};
}

void VectorMatch::note_owner(Partner& partner, std::uint32_t series, RowView row) {
    partner.owner.resize(steps_.count, kNone);
    for (std::size_t step = 0; step < steps_.count; ++step) {
        if (!row.has_value_at(step)) continue;
        if (partner.owner[step] == kNone) {
            partner.owner[step] = series;
        } else {
            duplicates_.resize(steps_.count, {kNone, kNone});
            duplicates_[step] = {series, partner.owner[step]};
        }
    }
}

/// A signature twice on the one side is an error where the many side has any element.
Result<void> VectorMatch::check_duplicates() const {
    if (duplicates_.empty()) return {};
    for (std::size_t row = 0; row < in_.row_count(); ++row) {
        const RowView view = RowView::of(in_, row);
        for (std::size_t step = 0; step < steps_.count; ++step) {
            const auto [series, other] = duplicates_[step];
            if (series == kNone || !view.has_value_at(step)) continue;
            const auto labels = one_->series()[series].labels;
            const auto other_labels = one_->series()[other].labels;
            return fail(
                ErrorKind::invalid,
                "found duplicate series for the match group {} on the {} hand-side of the "
                "operation: [{}, {}];many-to-many matching not allowed: matching labels must be "
                "unique on one side",
                in_braces(partners_[partner_of_one_[series]].signature),
                one_is_left() ? "left" : "right",
                in_braces(std::min(labels, other_labels)),
                in_braces(std::max(labels, other_labels))
            );
        }
    }
    return {};
}

/// Emits the outputs of one row of the many side.
Result<void> VectorMatch::match(std::size_t row, SeriesBlock& block) {
    const std::uint32_t series = in_.series_of(row);
    const RowView many = RowView::of(in_, row);
    const std::uint32_t partner = partner_of_many_[series];
    if (partner != kNone && fill_many_) {
        auto& matched = partners_[partner].matched;
        matched.resize(steps_.count);
        for (std::size_t step = 0; step < steps_.count; ++step) {
            if (many.has_value_at(step)) matched[step] = true;
        }
    }
    for (std::uint32_t i = outputs_begin_[series]; i < outputs_begin_[series + 1]; ++i) {
        const RowView one = one_row(outputs_[i]);
        if (one.values.empty()) continue;
        if (outputs_[i].slot != kNone) MIMIR_TRY(take(outputs_[i].slot, many, one));
        compute(many, one, i, block);
    }
    return {};
}

/// What an output is computed from, with the values that stand in for missing ones.
RowView VectorMatch::one_row(const Output& output) {
    RowView row;
    if (output.row != kNone && output.row < partners_[output.partner].rows.size()) {
        row = partners_[output.partner].rows[output.row].view();
    }
    const bool fills = fill_one_ && (output.row == kNone || !copies_labels());
    if (!fills) return row;
    filled_.assign(steps_.count, *fill_one_);
    const auto hide = [&](RowView present) {
        for (std::size_t step = 0; step < steps_.count; ++step) {
            if (present.has_value_at(step)) filled_[step] = kAbsent;
        }
    };
    if (output.row == kNone && output.partner != kNone) {
        for (const auto& other : partners_[output.partner].rows) hide(other.view());
    }
    if (!row.values.empty()) {
        hide(row);
        for (std::size_t step = 0; step < steps_.count; ++step) {
            if (is_absent(filled_[step])) filled_[step] = row.values[step];
        }
    }
    return {filled_, row.histograms};
}

Result<void> VectorMatch::take(std::uint32_t slot, RowView many, RowView one) {
    auto& taken = taken_[slot];
    taken.resize(steps_.count);
    for (std::size_t step = 0; step < steps_.count; ++step) {
        if (!many.has_value_at(step) || !one.has_value_at(step)) continue;
        if (taken[step]) {
            return fail(
                ErrorKind::invalid,
                "multiple matches for labels: {}",
                call_.matching.card == Cardinality::one_to_one
                    ? "many-to-one matching must be explicit (group_left/group_right)"
                    : "grouping labels must ensure unique matches"
            );
        }
        taken[step] = true;
    }
    return {};
}

void VectorMatch::compute(RowView many, RowView one, std::uint32_t output, SeriesBlock& block) {
    const auto row = block.add_row_for_overwrite(output);
    const auto& left = one_is_left() ? one : many;
    const auto& right = one_is_left() ? many : one;
    const bool filter = call_.operation.is_filter();
    with_arithmetic(call_.operation.op, [&](auto f) {
        for (std::size_t step = 0; step < row.size(); ++step) {
            const double a = left.values[step];
            const double b = right.values[step];
            const double result = f(a, b);
            const double kept = filter ? (result != 0 ? a : kAbsent) : result;
            row[step] = is_absent(a) || is_absent(b) ? kAbsent : kept;
        }
    });
    if (many.histograms.empty() && one.histograms.empty()) return;
    for (std::size_t step = 0; step < row.size(); ++step) {
        const Operand a{left.values[step], left.histogram_at(step)};
        const Operand b{right.values[step], right.histogram_at(step)};
        const bool any_histogram = a.histogram != nullptr || b.histogram != nullptr;
        if (!any_histogram || !a.exists() || !b.exists()) continue;
        auto outcome = histograms_.apply(a, b);
        row[step] = outcome.value;
        if (outcome.histogram != nullptr) {
            block.add_histogram(step, std::move(outcome.histogram));
        }
    }
}

/// Emits what the one side has where the many side has nothing.
void VectorMatch::fill_many_side(SeriesBlock& block) {
    const std::vector<double> fill(steps_.count, *fill_many_);
    for (; next_filled_ + outputs_begin_.back() < outputs_.size() && !block.is_full();
         ++next_filled_) {
        const auto index = static_cast<std::uint32_t>(next_filled_ + outputs_begin_.back());
        auto& partner = partners_[outputs_[index].partner];
        if (outputs_[index].row >= partner.rows.size()) continue;
        const RowView one = partner.rows[outputs_[index].row].view();
        if (one.values.empty()) continue;
        partner.matched.resize(steps_.count);
        filled_ = fill;
        for (std::size_t step = 0; step < steps_.count; ++step) {
            if (partner.matched[step]) filled_[step] = kAbsent;
        }
        compute({filled_, {}}, one, index, block);
    }
}

}  // namespace mimir::promql::engine
