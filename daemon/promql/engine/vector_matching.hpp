#pragma once

#include <optional>

#include "promql/engine/arithmetic.hpp"
#include "promql/engine/histogram_arithmetic.hpp"
#include "promql/engine/label_sets.hpp"
#include "promql/engine/stored_rows.hpp"

namespace mimir::promql::engine {

/// The labels on which the elements of two vectors are matched.
LabelSubset matched_labels(const VectorMatching& matching);

/// `a + b`, `a > on (x) group_left b`: an operation of the elements of two vectors that have equal signatures.
///
/// The side that may have only one element a signature (with group_right the left one, else the right one) is kept; the
/// other, the "many" side, streams by. Output series whose labels are equal are for DistinctSeries to merge.
class VectorMatch final : public VectorOperator {
  public:
    struct Call {
        Operation operation;
        Span span;
        VectorMatching matching;
    };

    VectorMatch(
        QueryContext& context,
        Steps steps,
        VectorOperatorPtr left,
        VectorOperatorPtr right,
        Call call
    );

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    static constexpr std::uint32_t kNone = ~0U;

    /// The one side's series of a signature.
    struct Partner {
        model::LabelsView signature;
        std::vector<std::uint32_t> series;
        std::vector<StoredRow> rows;       // of all of them together, or (copies_labels) of each
        std::vector<std::uint32_t> owner;  // by step: whose value it is; empty for a single series
        std::uint32_t many_count = 0;      // series of the many side
        std::vector<bool> matched;         // by step, for fill_many
    };
    /// An output series: first come those of each series of the many side, then those that fill_many makes.
    struct Output {
        std::uint32_t partner = kNone;
        std::uint32_t row =
            kNone;  // of the partner; kNone: the value to fill in where the partner has none
        std::uint32_t slot = kNone;  // of taken_
    };

    [[nodiscard]] bool copies_labels() const { return !call_.matching.include.empty(); }
    [[nodiscard]] bool one_is_left() const {
        return call_.matching.card == Cardinality::one_to_many;
    }
    void find_partners();
    void plan_outputs();
    void add_output(const SeriesMeta& many, Output output, model::LabelsView one);
    void find_conflicts();
    [[nodiscard]] model::Labels result_labels(model::LabelsView many, model::LabelsView one) const;

    model::LabelsView signature_labels(model::LabelsView labels);

    Result<void> read_one_side();
    Result<void> keep(const SeriesBlock& block, std::size_t row);
    void note_owner(Partner& partner, std::uint32_t series, RowView row);
    [[nodiscard]] Result<void> check_duplicates() const;
    Result<void> match(std::size_t row, SeriesBlock& block);
    [[nodiscard]] RowView one_row(const Output& output);
    Result<void> take(std::uint32_t slot, RowView many, RowView one);
    void compute(RowView many, RowView one, std::uint32_t output, SeriesBlock& block);
    void fill_many_side(SeriesBlock& block);

    Steps steps_;
    VectorOperatorPtr many_;
    VectorOperatorPtr one_;
    Call call_;
    std::optional<double> fill_many_;
    std::optional<double> fill_one_;
    HistogramArithmetic histograms_;
    HeldSamples held_;
    LabelSubset signature_;
    LabelsArena arena_;

    std::vector<Partner> partners_;
    std::vector<std::uint32_t> partner_of_one_;   // by series of the one side
    std::vector<std::uint32_t> partner_of_many_;  // by series of the many side; kNone: it has none
    std::vector<Output> outputs_;                 // by output series
    std::vector<std::uint32_t> outputs_begin_;    // by series of the many side
    std::vector<std::vector<bool>> taken_;        // by slot and step: some output has matched there
    std::vector<std::pair<std::uint32_t, std::uint32_t>>
        duplicates_;  // by step: of the one side; or empty

    std::string labels_without_name_;  // room for one set
    std::vector<double> filled_;       // room for one row

    SeriesBlock in_;
    std::size_t row_ = 0;  // the next of in_
    bool one_side_read_ = false;
    bool exhausted_ = false;
    std::size_t next_filled_ = 0;  // of the outputs beyond those of the many side
};

}  // namespace mimir::promql::engine
