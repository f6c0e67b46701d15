#include "ring/membership.hpp"

namespace mimir::ring {
namespace {

/// Members that were not heard of for so many heartbeat time-outs are forgotten.
constexpr int kForgetAfterTimeouts = 10;

LifecyclerOptions forgetting(LifecyclerOptions entry) {
    entry.forget_after = kForgetAfterTimeouts * entry.heartbeat_timeout;
    return entry;
}

}  // namespace

LifecyclerOptions entry_options(
    std::string_view ring, const Place& place, const RingSettings& settings
) {
    return {
        .ring_name = std::string(ring),
        .prefix = place.prefix,
        .instance_id = place.identity.id,
        .address = place.identity.address,
        .zone = place.identity.zone,
        .heartbeat_period = settings.heartbeat_period,
        .heartbeat_timeout = settings.heartbeat_timeout,
    };
}

Membership::Membership(
    std::string_view ring,
    const Place& place,
    const RingSettings& settings,
    const Environment& environment
)
    : log_(environment.log),
      lifecycler_(
          forgetting(entry_options(ring, place, settings)),
          {place.store, environment.files, environment.log, environment.registry, random_}
      ) {}

void Membership::activate() {
    if (auto active = lifecycler_.change_state(InstanceState::active); !active) {
        log_.warn("the ring is told later that it is active", {{"err", active.error()}});
    }
}

void Membership::leave() {
    if (auto left = lifecycler_.leave(Lifecycler::Entry::remove); !left) {
        log_.warn("it is still in the ring", {{"err", left.error()}});
    }
}

}  // namespace mimir::ring
