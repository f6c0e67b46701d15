#pragma once

// Aggregations that pass some elements of each group on with all their labels.

#include "promql/engine/grouping.hpp"
#include "promql/engine/stored_rows.hpp"

namespace mimir::promql::engine {

/// topk, bottomk. Of an instant query the rows come group by group, best first.
class TopK final : public VectorOperator {
  public:
    enum class Best : std::uint8_t { highest, lowest };
    struct Call {
        Best best{};
        ScalarOperatorPtr count;
        Span input_span;
    };

    TopK(QueryContext& context, Steps steps, VectorOperatorPtr input, LabelSubset kept, Call call);

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    struct Element {
        double value;
        std::uint32_t series;
    };
    /// True when a ranks before b; NaN ranks last.
    [[nodiscard]] bool better(double a, double b) const;
    Result<void> read();
    Result<void> offer(std::vector<Element>& heap, Element element, double count);
    Result<void> rank();

    QueryContext& context_;
    Steps steps_;
    VectorOperatorPtr input_;
    Grouping grouping_;
    Call call_;
    HeldSamples held_;
    std::vector<double> counts_;               // by step
    std::vector<std::vector<Element>> heaps_;  // by group and step; the worst first
    std::vector<std::pair<std::uint32_t, std::vector<double>>> rows_;
    std::size_t next_ = 0;
};

/// limitk: the first k elements of each group. Streams.
class LimitK final : public VectorOperator {
  public:
    LimitK(Steps steps, VectorOperatorPtr input, LabelSubset kept, ScalarOperatorPtr count)
        : steps_(steps),
          input_(std::move(input)),
          grouping_(std::move(kept)),
          count_(std::move(count)) {}

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    Steps steps_;
    VectorOperatorPtr input_;
    Grouping grouping_;
    ScalarOperatorPtr count_;
    std::vector<double> counts_;       // by step
    std::vector<std::uint32_t> kept_;  // by group and step
};

/// limit_ratio: the elements whose labels hash below the ratio; for a negative one, those left over. Streams.
class LimitRatio final : public VectorOperator {
  public:
    LimitRatio(
        QueryContext& context, VectorOperatorPtr input, ScalarOperatorPtr ratio, Span ratio_span
    )
        : context_(context),
          input_(std::move(input)),
          ratio_(std::move(ratio)),
          ratio_span_(ratio_span) {}

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    [[nodiscard]] bool keeps(std::uint32_t series, std::size_t step) const;

    QueryContext& context_;
    VectorOperatorPtr input_;
    ScalarOperatorPtr ratio_;
    Span ratio_span_;
    std::vector<double> ratios_;  // by step
};

/// A parameter of topk, bottomk, limitk: whole numbers by step. Errors: invalid, for NaN and what no integer holds.
Result<std::vector<double>> evaluate_count(ScalarOperator& parameter);

}  // namespace mimir::promql::engine
