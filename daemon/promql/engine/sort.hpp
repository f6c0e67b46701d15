#pragma once

#include "promql/engine/stored_rows.hpp"

namespace mimir::promql::engine {

/// sort, sort_desc: rows in the order of their only value, NaN last, histograms left out. For instant queries.
class SortByValue final : public VectorOperator {
  public:
    enum class Order : std::uint8_t { ascending, descending };

    SortByValue(QueryContext& context, VectorOperatorPtr input, Order order)
        : input_(std::move(input)), order_(order), held_(context.budget) {}

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    struct Element {
        double value;
        std::uint32_t series;
    };

    VectorOperatorPtr input_;
    Order order_;
    HeldSamples held_;
    std::vector<Element> elements_;
    std::size_t next_ = 0;
};

/// sort_by_label, sort_by_label_desc: rows in the natural order of some labels, then of all. For instant queries.
class SortByLabel final : public VectorOperator {
  public:
    SortByLabel(
        QueryContext& context,
        VectorOperatorPtr input,
        std::vector<std::string> labels,
        SortByValue::Order order
    )
        : input_(std::move(input)),
          labels_(std::move(labels)),
          order_(order),
          held_(context.budget) {}

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    [[nodiscard]] bool less(std::uint32_t a, std::uint32_t b) const;

    VectorOperatorPtr input_;
    std::vector<std::string> labels_;
    SortByValue::Order order_;
    HeldSamples held_;
    std::vector<std::pair<std::uint32_t, StoredRow>> rows_;
    std::size_t next_ = 0;
};

}  // namespace mimir::promql::engine
