#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "http/client.hpp"
#include "loadgen/prepared_request.hpp"

namespace mimir::loadgen {

struct SendOptions {
    http::Endpoint endpoint;
    /// Path and query of the push API.
    std::string target = "/api/v1/push";
    /// X-Scope-OrgID; empty sends none.
    std::string tenant;
    std::uint64_t samples_per_request = 2000;
    std::size_t concurrency = 2;
    /// Samples a second; 0 is as fast as they are accepted.
    double rate = 0;
    /// The first of these that is reached ends the run; 0 is no limit.
    std::uint64_t rounds = 1;
    std::chrono::seconds duration{0};
    /// How long a request is repeated that meets 429, 5xx or no server.
    std::chrono::seconds retry_for{60};
};

struct SendReport {
    std::uint64_t requests = 0;  // answered with 2xx
    std::uint64_t samples = 0;   // acknowledged
    std::uint64_t samples_lost = 0;
    std::uint64_t bytes = 0;  // compressed
    std::uint64_t rounds = 0;
    /// Answers other than 2xx by status, and "unavailable", "timeout", ... for none.
    std::map<std::string, std::uint64_t> errors;
    std::string first_error;
    std::chrono::nanoseconds elapsed{0};
    /// Of acknowledged requests, from the first try to the answer, ascending.
    std::vector<float> latencies_ms;

    [[nodiscard]] double latency_ms(double quantile) const;
    [[nodiscard]] double samples_per_second() const;
};

/// Sends the plan's rounds; returns when they are through, time is up, or `stop` is set.
SendReport send(const Plan& plan, const SendOptions& options, const std::atomic<bool>& stop);

}  // namespace mimir::loadgen
