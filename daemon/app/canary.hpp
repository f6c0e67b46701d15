#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/cancellation.hpp"
#include "base/result.hpp"
#include "base/types.hpp"
#include "wave/store.hpp"

namespace mimir::app {

struct Wiring;

/// Requests whose answers show that an instance does its work: samples of the series `mimird_canary`, whose value is their
/// own time in milliseconds, written through one instance and read through another. They go to the tenant of
/// self_monitoring.tenant.
/// Threads: any; each call blocks, and waits for others.
class Canary {
  public:
    /// Errors: why the distributor at this address did not acknowledge a sample.
    Result<void> write(Wiring& wiring, const std::string& address, const CancellationToken& cancel);
    /// Asks for the newest sample that was acknowledged; for a constant when none was.
    /// Errors: why the query-frontend at this address does not answer; corrupt, when it answers something else.
    Result<void> read(Wiring& wiring, const std::string& address, const CancellationToken& cancel);
    /// How many samples there are that are younger than `since`.
    Result<std::uint64_t> count(
        Wiring& wiring,
        const std::string& address,
        TimestampMs since,
        const CancellationToken& cancel
    );
    /// Of all samples so far, but those that were given up before there was an answer.
    struct Counts {
        std::uint64_t tried = 0;
        std::uint64_t acknowledged = 0;
    };
    [[nodiscard]] Counts counts() const;
    /// Closes connections.
    void rest();

  private:
    Result<wave::Store*> store_at(const Wiring& wiring, const std::string& address);

    /// Held over a request: the samples of a series come in the order of their times.
    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<wave::Store>> stores_;  // by address
    TimestampMs tried_;
    TimestampMs acknowledged_;
    Counts counts_;
};

}  // namespace mimir::app
