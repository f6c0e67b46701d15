#pragma once

#include <map>
#include <string>
#include <thread>

#include "api/types.hpp"
#include "app/wiring.hpp"

namespace mimir::app {

/// Watches what becomes of requests while the node changes its form: writes a canary again and again, wherever writes go
/// at that moment, and counts what goes through the gateway.
/// Threads: one.
class Witness {
  public:
    explicit Witness(Wiring& wiring);
    /// No more requests are counted; before the gateway ends, whose counts end with it.
    void count_requests();
    /// Ends the watch; what was acknowledged is read back.
    api::MigrationReport finish();

  private:
    struct Counts {
        double requests = 0;
        double failed = 0;
        double retried = 0;
        double parked = 0;
    };

    void watch(const std::stop_token& stop);
    void write(const CancellationToken& cancel);
    /// Where requests for the module go now.
    /// Errors: unavailable.
    [[nodiscard]] Result<std::string> address_of(const std::string& module) const;
    [[nodiscard]] Counts counts() const;

    Wiring& wiring_;
    const TimestampMs begun_;
    const Counts before_;
    const Canary::Counts canaries_before_;
    std::optional<Counts> after_;
    /// What the thread below writes until it has ended.
    api::MigrationReport report_;
    std::chrono::steady_clock::time_point acknowledged_;
    std::jthread thread_;
};

}  // namespace mimir::app
