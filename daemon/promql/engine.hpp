#pragma once

// The query engine: evaluates a PromQL expression over the series of a Queryable.
//
// A query becomes a tree of streaming operators (engine/operator.hpp) that pass blocks of series,
// each with its values at every step, from the selectors up. What is in memory at once is bounded
// by EngineOptions::samples_max, whatever the query. See docs/adr/0008-query-engine.md.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/cancellation.hpp"
#include "base/result.hpp"
#include "base/types.hpp"
#include "model/labels.hpp"
#include "promql/ast.hpp"
#include "promql/functions/values.hpp"
#include "promql/parser.hpp"
#include "promql/queryable.hpp"

namespace mimir::promql {

struct EngineOptions {
    /// How far back an instant selector looks for a series' newest sample.
    std::chrono::milliseconds lookback = std::chrono::minutes(5);
    /// The step of subqueries that give none.
    std::chrono::milliseconds default_interval = std::chrono::minutes(1);
    /// Samples that one query may hold in memory at once. A histogram counts by its size.
    std::size_t samples_max = 50'000'000;
    /// Metric names are removed at the end of the evaluation rather than by each function.
    bool delayed_name_removal = false;
    /// Which parts of the language are on.
    ParserOptions parser;
};

/// What to evaluate, and when: at start, start + step, ... up to end. An instant query has start ==
/// end.
struct Query {
    std::string text;
    TimestampMs start;
    TimestampMs end;
    std::chrono::milliseconds step{0};                                 ///< 0: an instant query.
    std::optional<std::chrono::milliseconds> lookback = std::nullopt;  ///< Instead of the engine's.
    std::optional<std::size_t> samples_max = std::nullopt;             ///< Instead of the engine's.

    static Query instant(std::string text, TimestampMs at) { return {std::move(text), at, at}; }
    [[nodiscard]] bool is_instant() const { return step.count() == 0; }
};

struct FloatPoint {
    TimestampMs time;
    double value = 0;
};

struct HistogramPoint {
    TimestampMs time;
    HistogramPtr value;  ///< Not null.
};

/// A series of a matrix; the points of each kind by time, and no time in both.
struct MatrixSeries {
    model::Labels labels;
    std::vector<FloatPoint> floats;
    std::vector<HistogramPoint> histograms;
};

/// An element of an instant vector.
struct VectorSample {
    model::Labels labels;
    TimestampMs time;
    double value = 0;
    HistogramPtr histogram;  ///< When not null, it is the value.
};

using Matrix = std::vector<MatrixSeries>;  ///< Sorted by labels.
using Vector =
    std::vector<VectorSample>;  ///< In no order, unless the query asks for one (sort, topk).
using Scalar = FloatPoint;
struct String {
    TimestampMs time;
    std::string value;
};

/// What a person should know about a result. Whole texts, with the position in the query; none
/// twice.
struct Annotations {
    std::vector<std::string> warnings;
    std::vector<std::string> infos;
};

struct QueryStatistics {
    std::size_t series = 0;        ///< Selected from storage.
    std::size_t samples = 0;       ///< Decoded within the selections' ranges.
    std::size_t samples_peak = 0;  ///< Held in memory at once.
    // Not known to the engine; whoever runs it fills them in.
    std::size_t chunks = 0;       ///< Fetched from storage.
    std::size_t chunk_bytes = 0;  ///< Of those chunks.
    std::chrono::nanoseconds wall_time{0};
};

struct QueryResult {
    /// A range query gives a Matrix; an instant query any of them.
    std::variant<Scalar, String, Vector, Matrix> value;
    Annotations annotations;
    QueryStatistics statistics;
};

/// Threads: any; an engine has no state beyond its options. A query runs on the caller's thread.
class Engine {
  public:
    explicit Engine(EngineOptions options) : options_(std::move(options)) {}

    /// Parses and evaluates the query.
    /// Errors: invalid (syntax; what the evaluation finds wrong, in Prometheus' words); limit
    /// (samples_max); timeout,
    ///         canceled (the token); those of the storage.
    Result<QueryResult> execute(
        const Query& query, Queryable& storage, const CancellationToken& cancellation = {}
    ) const;

    /// The same for an expression already parsed, from query.text.
    Result<QueryResult> execute(
        const ExprPtr& expr,
        const Query& query,
        Queryable& storage,
        const CancellationToken& cancellation = {}
    ) const;

    [[nodiscard]] const EngineOptions& options() const { return options_; }

  private:
    EngineOptions options_;
};

}  // namespace mimir::promql
