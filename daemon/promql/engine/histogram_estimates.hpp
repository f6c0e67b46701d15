#pragma once

#include <optional>

#include "promql/engine/label_sets.hpp"
#include "promql/engine/stored_rows.hpp"
#include "promql/functions/classic_histogram.hpp"
#include "promql/functions/function_table.hpp"

namespace mimir::promql::engine {

/// histogram_quantile, histogram_fraction and histogram_quantiles: of native histograms, which are series' values, and of
/// classic ones, which are series told apart by "le". A group (the labels but "le") is kept until its last series came.
class HistogramEstimate final : public VectorOperator {
  public:
    struct Call {
        FunctionId id{};
        std::vector<ScalarOperatorPtr> parameters;  ///< q; lower and upper; q after q
        Span parameter_span;
        Span input_span;
        std::string label;  ///< of histogram_quantiles: has q as its value
    };

    HistogramEstimate(QueryContext& context, Steps steps, VectorOperatorPtr input, Call call);

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    struct Bucket {
        double bound;
        StoredRow row;
    };
    struct Group {
        model::LabelsView labels;
        std::vector<Bucket> buckets;
        StoredRow native;
    };
    struct Input {
        std::uint32_t group;
        std::optional<double> bound;  // none: "le" is missing or no number
    };

    [[nodiscard]] std::size_t estimates() const;  // a group
    Result<void> name_estimates();
    Result<void> read();
    Result<void> keep(const SeriesBlock& block, std::size_t row);
    void estimate(Group& group, std::size_t index, SeriesBlock& block);
    double of_native(const Group& group, std::size_t index, std::size_t step);
    double of_classic(const Group& group, std::size_t index, std::size_t step);

    QueryContext& context_;
    Steps steps_;
    VectorOperatorPtr input_;
    Call call_;
    HeldSamples held_;
    LabelsArena arena_;
    std::vector<std::vector<double>> parameters_;  // each by step
    std::vector<Input> inputs_;                    // by series of the input
    std::vector<Group> groups_;
    std::vector<ClassicBucket> buckets_;  // of the step at hand
    bool read_ = false;
    std::size_t next_ = 0;  // series
};

}  // namespace mimir::promql::engine
