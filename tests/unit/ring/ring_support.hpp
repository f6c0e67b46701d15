#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ring/detail/view_builder.hpp"
#include "support/test_support.hpp"

namespace mimir::test {

/// An instance with evenly spaced tokens of its own.
inline ring::Instance member(
    std::string id, std::vector<std::uint32_t> tokens, std::string zone = {}
) {
    ring::Instance instance{
        .id = id,
        .address = id + ":9095",
        .zone = std::move(zone),
        .state = ring::InstanceState::active
    };
    for (const std::uint32_t token : tokens) instance.tokens.push_back(Token{token});
    return instance;
}

/// Views of a ring whose members a test puts and takes away; their heartbeats are fresh at time 0.
struct TestRing {
    explicit TestRing(ring::RingOptions options = {}) : builder(std::move(options)) {}

    std::shared_ptr<const ring::detail::TableView> put(std::vector<ring::Instance> instances) {
        ring::detail::ViewBuilder::Changes changes;
        for (ring::Instance& instance : instances) {
            changes.put.push_back({
                std::make_shared<const ring::Instance>(std::move(instance)),
                std::make_shared<std::atomic<ring::SteadyTime>>(ring::SteadyTime()),
            });
        }
        return builder.apply(changes);
    }
    std::shared_ptr<const ring::detail::TableView> remove(std::vector<std::string> ids) {
        return builder.apply({.removed = std::move(ids)});
    }

    ring::detail::ViewBuilder builder;
};

}  // namespace mimir::test
