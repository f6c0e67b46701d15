#pragma once

#include <string>

#include "promql/engine.hpp"

namespace mimir::rpc::detail {

/// Makes the frames of a query's result: parts of one message, cut between its samples, its series, and the points of a
/// long series.
/// Threads: one at a time.
class QueryResultWriter {
  public:
    /// The result outlives the writer.
    explicit QueryResultWriter(const promql::QueryResult& result) : result_(result) {}

    /// Replaces the frame's content by the next one's; it is empty after the last.
    void next(std::string& frame);

    /// Whether the whole is made in less time than another thread takes to wake up.
    [[nodiscard]] bool is_small() const;

  private:
    void add_head(std::string& frame) const;
    void add_sample(const promql::VectorSample& sample, std::string& frame);
    void add_series(const promql::MatrixSeries& series, std::string& frame);
    void add_floats(const promql::MatrixSeries& series);
    void add_histogram(std::uint32_t field, const model::FloatHistogram& value, TimestampMs time);

    const promql::QueryResult& result_;
    bool begun_ = false;
    std::size_t elements_done_ = 0;
    std::size_t floats_done_ = 0;  // of the series that is being written
    std::size_t histograms_done_ = 0;
    std::int64_t sample_ms_ = 0;  // of the sample before
    std::string element_;
    std::string histogram_;
};

}  // namespace mimir::rpc::detail
