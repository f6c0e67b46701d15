#pragma once

#include <chrono>
#include <cstddef>

#include "config/declarer.hpp"
#include "config/findings.hpp"
#include "promql/engine.hpp"
#include "ring/options.hpp"
#include "rpc/gather.hpp"

namespace mimir::querier {

struct Options {
    std::size_t max_concurrent = 20;
    std::chrono::milliseconds timeout = std::chrono::minutes(2);
    std::size_t max_samples = 50'000'000;
    std::chrono::milliseconds lookback_delta = std::chrono::minutes(5);
    std::chrono::milliseconds default_evaluation_interval = std::chrono::minutes(1);
    std::chrono::milliseconds max_query_into_future = std::chrono::minutes(10);
    bool minimize_ingester_requests = true;
    std::chrono::milliseconds minimize_ingester_requests_hedging_delay = std::chrono::seconds(3);
    /// Of the ring that says which queriers there are.
    ring::RingSettings ring;
};

void declare(config::Declarer& d, Options& options);
void validate(const Options& options, config::Findings& findings);

promql::EngineOptions engine_options(const Options& options);
rpc::GatherOptions gather_options(const Options& options);

}  // namespace mimir::querier
