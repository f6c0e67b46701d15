#pragma once

// The little state that processes share: who is in a ring, which replica of a pair is elected. Keys
// are paths ("collectors/ingester/host-1"), values are bytes of at most kValueBytesMax.
//
// Every store keeps these promises:
//   - a successful write has a version greater than any version of the store before it;
//   - compare_and_swap is linearizable: of two with the same expectation, one fails with conflict;
//   - a watcher sees every key's latest value sooner or later (within a second while the store is
//     reachable), versions of one key never go back, and states in between may be left out;
//   - what was written survives the end of any process that uses the store, but for `inmemory`.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace mimir::kv {

/// Of a key that is not there.
inline constexpr std::uint64_t kAbsent = 0;

inline constexpr std::size_t kValueBytesMax = 1 << 20;

struct Entry {
    std::string key;
    std::string value;
    std::uint64_t version = kAbsent;

    bool operator==(const Entry&) const = default;
};

/// One call's worth of news for a watcher.
struct Update {
    /// `changed` is all there is: what it lacks is gone. True for the first update, and after the
    /// store lost track of what was missed.
    bool complete = false;
    std::vector<Entry> changed;
    std::vector<std::string> removed;
};

/// Told of everything under a prefix. Calls come one after the other, on a thread of the store's
/// choice, which may be the event loop: they are quick, and call no store. They may come before
/// watch() has returned, and the first may come after it.
class Watcher {
  public:
    virtual ~Watcher() = default;
    virtual void updated(const Update& update) = 0;
    /// The store can't be reached since now, or can be again when there is no error; what was seen
    /// before holds until the next update.
    virtual void reachable(const Result<void>& state) = 0;
};

/// Threads: any; calls but watch() may block up to the store's time-out, so not on an event loop.
/// Errors of all calls: unavailable, when the store can't be reached: a write may then have
/// happened or not. Invalid keys and values that are too large are mistakes of ours.
class KvStore {
  public:
    struct WriteOptions {
        /// The key vanishes this long after its last write; unset: it stays.
        std::optional<std::chrono::milliseconds> time_to_live = {};
    };

    /// Ends its watch when destroyed: the watcher is not called any more once that has returned. Not
    /// from within a call of the watcher, nor under a lock that such a call takes.
    class Watch {
      public:
        virtual ~Watch() = default;
    };

    virtual ~KvStore() = default;

    virtual Result<std::optional<Entry>> get(std::string_view key) = 0;
    /// Sorted by key.
    virtual Result<std::vector<Entry>> list(std::string_view prefix) = 0;

    /// Writes the value if the key has the `expected` version (kAbsent: if it is not there), and
    /// returns the new version.
    /// Errors: conflict, when it has another.
    virtual Result<std::uint64_t> compare_and_swap(
        std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
    ) = 0;
    Result<std::uint64_t> compare_and_swap(
        std::string_view key, std::uint64_t expected, std::string value
    ) {
        return compare_and_swap(key, expected, std::move(value), WriteOptions{});
    }
    /// Errors: conflict, when the key has another version than the expected one. A key that is not
    /// there is removed already.
    virtual Result<void> remove(std::string_view key, std::uint64_t expected) = 0;

    /// Tells the watcher of every key under the prefix, now and as they change; it outlives the
    /// watch. Never fails: an unreachable store is tried until it can be reached.
    [[nodiscard]] virtual std::unique_ptr<Watch> watch(std::string prefix, Watcher& watcher) = 0;

    /// For people: "sqlite ./data-node/kv.sqlite", "etcd https://10.0.0.1:2379".
    [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace mimir::kv
