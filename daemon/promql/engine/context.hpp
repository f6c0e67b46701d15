#pragma once

// What all operators of one query share.

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/cancellation.hpp"
#include "base/result.hpp"
#include "promql/engine.hpp"
#include "promql/position.hpp"

namespace mimir::promql::engine {

/// The samples a query holds in memory, and how many it may.
class SampleBudget {
  public:
    explicit SampleBudget(std::size_t limit) : limit_(limit) {}

    /// Errors: limit.
    Result<void> take(std::size_t samples);
    void give_back(std::size_t samples) { held_ -= samples; }
    /// Errors: limit, when that many could never be held.
    [[nodiscard]] Result<void> check_size(double samples) const;
    [[nodiscard]] std::size_t peak() const { return peak_; }

  private:
    std::size_t limit_;
    std::size_t held_ = 0;
    std::size_t peak_ = 0;
};

/// A part of the budget, given back when it goes out of scope.
class HeldSamples {
  public:
    explicit HeldSamples(SampleBudget& budget) : budget_(&budget) {}
    ~HeldSamples() { release(); }
    HeldSamples(const HeldSamples&) = delete;
    HeldSamples& operator=(const HeldSamples&) = delete;

    /// Errors: limit.
    Result<void> add(std::size_t samples) {
        MIMIR_TRY(budget_->take(samples));
        count_ += samples;
        return {};
    }
    void release() {
        budget_->give_back(count_);
        count_ = 0;
    }

  private:
    SampleBudget* budget_;
    std::size_t count_ = 0;
};

/// How much a histogram counts beside a float sample of 16 bytes.
std::size_t sample_weight(const model::FloatHistogram& histogram);

/// Collects the annotations of a query; each text once.
class Annotator {
  public:
    explicit Annotator(std::string_view query) : query_(query) {}

    /// Adds "PromQL warning: TEXT (line:column)". The position is that of the part of the query it is about.
    void warn(std::string_view text, Span part);
    /// Adds "PromQL info: TEXT (line:column)".
    void inform(std::string_view text, Span part);
    /// Warns unless it is between 0 and 1.
    void check_quantile(double q, Span part);
    [[nodiscard]] Annotations take() { return std::move(annotations_); }

  private:
    void add(std::vector<std::string>& texts, std::string text);

    std::string_view query_;
    Annotations annotations_;
    std::unordered_set<std::string> seen_;
};

/// TEXT for metric name "M"; the text alone when there is no name.
std::string for_metric(std::string_view text, std::string_view metric);

struct QueryContext {
    const Query& query;
    const EngineOptions& options;
    Queryable& storage;
    const CancellationToken& cancellation;
    std::chrono::milliseconds lookback;
    SampleBudget budget;
    Annotator annotator;
    QueryStatistics statistics;

    /// To be called once a block: lets others compute when it is their turn. Errors: timeout, canceled.
    [[nodiscard]] Result<void> check_cancellation() const;
};

}  // namespace mimir::promql::engine
