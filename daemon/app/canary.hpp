#pragma once

#include <string>

#include "base/cancellation.hpp"
#include "base/guarded.hpp"
#include "base/result.hpp"
#include "base/types.hpp"

namespace mimir::app {

struct Wiring;

/// Requests whose answers show that an instance does its work: a sample of the series `mimird_canary` that is written
/// through it, and the same sample read back. It goes to the tenant of self_monitoring.tenant.
/// Threads: any; each call blocks.
class Canary {
  public:
    /// Errors: why the distributor at this address did not take the sample.
    Result<void> write(Wiring& wiring, const std::string& address, const CancellationToken& cancel);
    /// Asks for what was written last; for a constant when nothing was.
    /// Errors: why the query-frontend at this address does not answer; corrupt, when it answers anything else.
    Result<void> read(Wiring& wiring, const std::string& address, const CancellationToken& cancel);

  private:
    /// Also the sample's value, in seconds; 0 before the first.
    Guarded<TimestampMs> written_{};
};

}  // namespace mimir::app
