#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "admin/routes.hpp"
#include "base/result.hpp"
#include "http/message.hpp"

namespace mimir::admin {

/// Bounds how many streams there are at once. Outlives them.
/// Threads: any.
class StreamPlaces {
  public:
    explicit StreamPlaces(std::size_t limit) : limit_(limit) {}
    StreamPlaces(const StreamPlaces&) = delete;
    StreamPlaces& operator=(const StreamPlaces&) = delete;

    /// A place for as long as what is returned, or a copy of it, lives.
    /// Errors: unavailable, naming the limit.
    Result<std::shared_ptr<const void>> take();

  private:
    const std::size_t limit_;
    std::atomic<std::size_t> taken_ = 0;
};

/// A line with the operation for each of its versions after `after`, until it has ended.
/// Errors: those of StreamPlaces::take().
Result<http::Response> watch_operation(
    const RouteEnvironment& environment,
    std::string id,
    std::uint64_t after,
    CancellationToken cancellation
);

/// A line for each event after the cursor, for as long as the client listens.
/// Errors: those of StreamPlaces::take().
Result<http::Response> follow_events(
    const RouteEnvironment& environment, std::uint64_t cursor, CancellationToken cancellation
);

}  // namespace mimir::admin
