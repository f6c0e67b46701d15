#pragma once

// Where the gateway sends requests: a module, and perhaps a tenant, to the instances that serve it.
// Discovery fills the table; who moves a module pins an entry to one instance, waits until what the
// former ones have in flight is done, and lets the entry go again. Each change makes a new, immutable
// snapshot with the next revision.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/guarded.hpp"
#include "base/result.hpp"

namespace mimir::gateway {

/// Where a module runs, as discovery knows it.
struct Upstream {
    std::string instance;
    /// "unix:///var/lib/mimird/rpc/ingester.sock" or "10.0.0.1:9095"; unused when local.
    std::string address;
    /// This process.
    bool local = false;
    /// Of this process' node: preferred to others.
    bool near = false;
    bool healthy = true;
};

/// An instance of a module, to which requests go. Lives as long as a snapshot or a request has it.
/// Threads: any.
class Target {
  public:
    using TimePoint = std::chrono::steady_clock::time_point;
    enum class Reach : std::uint8_t { in_process, unix_socket, tcp };

    Target(std::string module, Upstream upstream);

    void failed(TimePoint left_alone_until) { left_alone_until_ = left_alone_until; }
    void succeeded() { left_alone_until_ = TimePoint::min(); }
    [[nodiscard]] bool left_alone(TimePoint now) const { return now < left_alone_until_.load(); }
    [[nodiscard]] std::size_t in_flight() const { return in_flight_; }

    const std::string module;
    const std::string instance;
    /// Empty when in process.
    const std::string address;
    const Reach reach;
    const bool near;

  private:
    friend class Lease;
    std::atomic<std::size_t> in_flight_ = 0;
    std::atomic<TimePoint> left_alone_until_ = TimePoint::min();
};

std::string_view to_string(Target::Reach reach);

/// A request's claim on its target: it is in flight as long as this lives.
class Lease {
  public:
    explicit Lease(std::shared_ptr<Target> target) : target_(std::move(target)) {
        ++target_->in_flight_;
    }
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&& other) noexcept {
        std::swap(target_, other.target_);
        return *this;
    }
    ~Lease() {
        if (target_) --target_->in_flight_;
    }

    [[nodiscard]] Target& target() const { return *target_; }

  private:
    std::shared_ptr<Target> target_;
};

struct RouteEntry {
    std::string module;
    /// Empty: of all tenants that have no entry of their own.
    std::string tenant;
    /// Of the snapshot that changed this entry last.
    std::uint64_t revision = 0;
    /// Set by hand: requests go to the one target, wherever the module is served.
    bool pinned = false;
    /// The healthy ones.
    std::vector<std::shared_ptr<Target>> targets;
    /// This process, which serves what it can when the entry is not pinned.
    std::shared_ptr<Target> local;
};

struct RouteSnapshot {
    /// Module and tenant.
    using Key = std::pair<std::string_view, std::string_view>;
    struct Less {
        using is_transparent = void;
        bool operator()(const Key& a, const Key& b) const { return a < b; }
    };

    std::uint64_t revision = 0;
    std::map<std::pair<std::string, std::string>, RouteEntry, Less> entries;

    /// The tenant's own entry, else that of all. Null when the module is not routed.
    [[nodiscard]] const RouteEntry* find(std::string_view module, std::string_view tenant) const;
};

/// Threads: any.
class RouteTable {
  public:
    /// `instance`: of this process.
    explicit RouteTable(std::string instance);

    [[nodiscard]] std::shared_ptr<const RouteSnapshot> load() const { return snapshot_.load(); }

    /// Sets what was found for a module; its pinned entries stay. Nothing changes when it was known.
    void update(std::string_view module, const std::vector<Upstream>& upstreams);

    struct Pin {
        std::string module;
        std::string tenant = {};
        Upstream to;
    };
    /// A change of an entry, and the targets that requests went to before: they get no new ones from
    /// it, and are drained when Target::in_flight() of each is 0.
    struct Flip {
        std::uint64_t revision;
        std::vector<std::shared_ptr<const Target>> before;
    };
    /// From now on the entry's requests go to this one. `expected`: the entry's revision; 0 when the
    /// tenant has none of its own yet. Errors: conflict, when it is another by now; not_found, when
    /// the module is not routed.
    Result<Flip> pin(Pin pin, std::uint64_t expected);
    /// Gives the entry back to discovery; a tenant's own ends. Errors: conflict; not_found, when it
    /// is not pinned.
    Result<Flip> unpin(std::string_view module, std::string_view tenant, std::uint64_t expected);

    struct Choice {
        std::string_view module;
        std::string_view tenant;
        /// This process has a handler for the request.
        bool served_here = false;
        Target::TimePoint now;
        std::size_t in_flight_limit;
        /// Not these.
        std::span<const Target* const> tried = {};
    };
    /// The target for a request: where the entry is pinned to; else this process, when it can; else of the others the
    /// one with the least in flight, those of this node first, and those that have failed lately last. Nothing when
    /// there is none. Once a flip has returned, no target of before is given out any more.
    [[nodiscard]] std::optional<Lease> acquire(const Choice& choice);

    /// Every target that an entry or a request has.
    [[nodiscard]] std::vector<std::shared_ptr<const Target>> targets() const;

  private:
    struct Key {
        std::string module;
        std::string instance;
        std::string address;
        auto operator<=>(const Key&) const = default;
    };
    std::shared_ptr<Target> target(std::string_view module, const Upstream& upstream);
    [[nodiscard]] std::shared_ptr<Target> choose(const RouteEntry& entry, const Choice& choice);
    Flip replace(RouteSnapshot next, const RouteEntry* before);

    const std::string instance_;
    std::atomic<std::size_t> turn_ = 0;
    mutable std::mutex changing_;
    std::map<Key, std::weak_ptr<Target>> known_;                       // with changing_
    std::map<std::string, std::vector<Upstream>, std::less<>> found_;  // with changing_
    Snapshot<RouteSnapshot> snapshot_;
};

}  // namespace mimir::gateway
