#pragma once

// Keeps one instance's entry in a ring: registers it, writes heartbeats, changes its state, removes
// it in the end.
//
// What always holds:
//   - of two processes with one id, the one that joined last has the entry; the other finds that out
//     at its next heartbeat, says so in state(), and writes no more until the entry is gone;
//   - an entry that vanished (the store was wiped, someone forgot it) is written again by the next
//     heartbeat, with the same tokens; tokens that others chose meanwhile are exchanged for new ones;
//   - processes that choose tokens do so one after the other, by an entry "<prefix>tokens/<ring>" that
//     vanishes by itself; who waits for it in vain chooses all the same.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "fs/file_system.hpp"
#include "kv/kv_store.hpp"
#include "ring/instance.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace mimir::ring {

struct LifecyclerOptions {
    /// As Ring's.
    std::string ring_name;
    std::string prefix;
    std::string instance_id;
    std::string address;
    std::string zone;
    /// 0 in rings that only say who is there.
    std::size_t num_tokens = 0;
    /// As Ring's: tokens are then chosen so that shares are even within the zone.
    bool zone_awareness_enabled = false;
    /// Tokens are kept here over restarts; empty: in the ring only.
    std::string tokens_file;
    std::chrono::milliseconds heartbeat_period = std::chrono::seconds(15);
    std::chrono::milliseconds heartbeat_timeout = std::chrono::minutes(1);
    /// Other members whose heartbeat is older are removed; unset: only by hand.
    std::optional<std::chrono::milliseconds> forget_after = {};
};

/// Heartbeats have a thread of their own; where a simulation drives it, tick() instead.
/// Threads: any.
class Lifecycler {
  public:
    struct Environment {
        kv::KvStore& store;
        fs::FileSystem& files;
        telemetry::Logger log;
        telemetry::Registry& registry;
        Random& random;
        const Clock& clock = system_clock();
    };
    enum class Drive : std::uint8_t { thread, manual };

    Lifecycler(LifecyclerOptions options, Environment environment, Drive drive = Drive::thread);
    /// Ends heartbeats; leaves the entry as it is.
    ~Lifecycler();

    /// Writes the entry as PENDING, or takes over what an earlier process of this id left: its
    /// tokens, read-only flag and registration time. Then chooses tokens and goes to JOINING.
    /// A process of this id counts as living when its address is not ours, it has not left, and its
    /// heartbeat is younger than the time-out: to try again until then is up to the caller.
    /// Errors: conflict, when another process that lives has this id, naming its address;
    ///         unavailable, when the store can't be reached. May be tried again after either.
    Result<void> join();
    /// JOINING -> ACTIVE, ACTIVE -> LEAVING. The change is in the store when this returns without an
    /// error.
    /// Errors: unavailable: the store can't be reached; the next heartbeat that can makes the change.
    ///         conflict: another process has the entry.
    Result<void> change_state(InstanceState state);
    Result<void> set_read_only(bool read_only);
    /// Ends heartbeats, then: LEAVING, and removes the entry, or leaves it there for the next process
    /// of this id. May be tried again after an error.
    /// Errors: unavailable: the entry is there until it is forgotten.
    enum class Entry : std::uint8_t { remove, keep };
    Result<void> leave(Entry entry);

    /// One heartbeat now.
    void tick();

    /// What the ring should say of this instance.
    [[nodiscard]] Instance instance() const;
    /// Whether the last heartbeat reached the store.
    [[nodiscard]] Result<void> state() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace mimir::ring
