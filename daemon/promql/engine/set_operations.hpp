#pragma once

#include "promql/ast.hpp"
#include "promql/engine/label_sets.hpp"
#include "promql/engine/operator.hpp"

namespace mimir::promql::engine {

/// At which steps the series of each signature have values.
class Presence {
  public:
    Presence(Steps steps, LabelSubset signature, HeldSamples& held)
        : steps_(steps), signature_(std::move(signature)), held_(held) {}

    /// Numbers the series' signatures. Errors: limit.
    Result<void> add_series(const std::vector<SeriesMeta>& series);
    void note(const SeriesBlock& block);
    /// Row of a set of labels: a value a step; null when no series has its signature.
    [[nodiscard]] const std::vector<bool>* find(model::LabelsView labels);

  private:
    Steps steps_;
    LabelSubset signature_;
    HeldSamples& held_;
    LabelsNumbering signatures_;
    std::vector<std::uint32_t> signature_of_;  // by series
    std::vector<std::vector<bool>> present_;   // by signature and step
};

/// `a and b`, `a unless b`: the right side is read first, the left one streams by.
class Intersection final : public VectorOperator {
  public:
    enum class Keep : std::uint8_t { with_partner, without_partner };

    Intersection(
        QueryContext& context,
        Steps steps,
        VectorOperatorPtr left,
        VectorOperatorPtr right,
        LabelSubset signature,
        Keep keep
    );

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    VectorOperatorPtr left_;
    VectorOperatorPtr right_;
    Keep keep_;
    HeldSamples held_;
    Presence right_presence_;
    bool right_read_ = false;
};

/// `a or b`: the left side streams by first, then what of the right one has no partner. Series of both sides may have
/// equal labels; they are for DistinctSeries to merge.
class Union final : public VectorOperator {
  public:
    Union(
        QueryContext& context,
        Steps steps,
        VectorOperatorPtr left,
        VectorOperatorPtr right,
        LabelSubset signature
    );

    Result<void> prepare() override;
    Result<bool> next(SeriesBlock& block) override;

  private:
    VectorOperatorPtr left_;
    VectorOperatorPtr right_;
    HeldSamples held_;
    Presence left_presence_;
    bool left_read_ = false;
};

}  // namespace mimir::promql::engine
