#pragma once

// Range queries in parts, by time: the parts are evaluated apart, and what they give is put together
// to what the whole would have given.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "promql/engine.hpp"

namespace mimir::query_frontend {

/// The parts of a range query: cut before the first step at or after each multiple of the interval since 1970 (UTC).
/// Every step is in one part, at its own time. Nothing, when there is nothing to cut: an instant query, one that
/// lies between two multiples, no interval.
std::vector<promql::Query> split_by_interval(
    const promql::Query& query, std::chrono::milliseconds interval
);

/// The text of a query with what depends on its start and end put as numbers, so that its parts ask for the same:
/// `@ start()`, `@ end()`, start(), end(), range().
class PinnedQuery {
  public:
    /// The query's text is one that parses.
    explicit PinnedQuery(const promql::Query& query);

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] bool changed() const { return !changes_.empty(); }
    /// Annotations of the pinned query with the positions that they have in the query as it was asked.
    void restore_positions(promql::Annotations& annotations) const;

  private:
    struct Change {
        std::size_t original;  ///< Where it begins.
        std::size_t original_bytes;
        std::size_t pinned;
        std::size_t pinned_bytes;
    };

    [[nodiscard]] std::size_t original_offset(std::size_t pinned) const;
    void restore_position(std::string& annotation) const;

    std::string original_;
    std::string text_;
    std::vector<Change> changes_;
};

/// What the whole query gives, from what its parts, in order of time, give: series by labels, annotations once each.
/// Statistics are added up; of samples_peak the greatest counts, for parts are evaluated apart.
promql::QueryResult merge_parts(std::vector<promql::QueryResult> parts);

}  // namespace mimir::query_frontend
