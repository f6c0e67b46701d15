#pragma once

#include <string>
#include <string_view>

#include "base/random.hpp"
#include "fs/file_system.hpp"
#include "kv/kv_store.hpp"
#include "ring/identity.hpp"
#include "ring/lifecycler.hpp"
#include "ring/options.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::ring {

/// Where a process stands in one component's ring: the store and prefix of the ring's keys, and who it is there.
struct Place {
    kv::KvStore& store;
    std::string prefix;
    Identity identity;
};

/// The entry of a process at its place, without tokens and never forgetting others.
LifecyclerOptions entry_options(
    std::string_view ring, const Place& place, const RingSettings& settings
);

/// The entry of a component that holds no data: it says that the component is there, and forgets others that were not
/// heard of for long.
/// Threads: any.
class Membership {
  public:
    /// All of it outlives the membership.
    struct Environment {
        fs::FileSystem& files;
        telemetry::Registry& registry;
        telemetry::Logger log;
    };

    /// `ring` as Ring's name.
    Membership(
        std::string_view ring,
        const Place& place,
        const RingSettings& settings,
        const Environment& environment
    );

    /// Errors: as Lifecycler::join().
    Result<void> join() { return lifecycler_.join(); }
    /// Others are told that it serves: now, or, which is logged, by the next heartbeat that reaches the store.
    void activate();
    /// Removes the entry; what keeps it there is logged.
    void leave();

  private:
    const telemetry::Logger log_;
    SeededRandom random_{random_seed()};
    Lifecycler lifecycler_;
};

}  // namespace mimir::ring
