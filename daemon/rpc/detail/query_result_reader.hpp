#pragma once

#include <string_view>

#include "promql/engine.hpp"

namespace mimir::rpc::detail {

/// Puts the frames of a query's result together. They come from outside: label sets are canonical, and histograms have
/// the buckets that they say, or the result is corrupt.
/// Threads: one at a time.
class QueryResultReader {
  public:
    using Answer = promql::QueryResult;

    /// Errors: corrupt; then it is not to be used any more.
    Result<void> add(std::string_view frame);
    /// The whole, after the last frame. Errors: corrupt.
    Result<Answer> finish();

  private:
    Result<void> begin(std::uint64_t type);
    Result<void> set_time(TimestampMs time);
    Result<void> add_sample(std::string_view message);
    Result<void> add_series(std::string_view message);

    Answer result_;
    bool begun_ = false;
    TimestampMs sample_time_;  // of the sample before
};

}  // namespace mimir::rpc::detail
