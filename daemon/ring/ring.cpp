#include "ring/ring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "base/guarded.hpp"
#include "base/rfc3339.hpp"
#include "ring/detail/shard_cache.hpp"
#include "ring/detail/view_builder.hpp"

namespace mimir::ring {
namespace {

using detail::TableView;
using detail::ViewBuilder;

// By how much the wall clocks of hosts may differ before an entry that is seen for the first time is
// misjudged, until its next heartbeat.
constexpr std::chrono::milliseconds kSkewTolerated = std::chrono::minutes(1);
// Beyond any time-out; keeps arithmetic on times of others within bounds.
constexpr std::chrono::milliseconds kAgeMax = std::chrono::hours(24 * 365);

constexpr std::string_view kUnhealthy = "Unhealthy";
constexpr std::array kStates = {
    InstanceState::active, InstanceState::leaving, InstanceState::pending, InstanceState::joining
};

struct Metrics {
    Metrics(telemetry::MetricScope& scope, std::string_view name)
        : views(scope
                    .counters(
                        "mimird_ring_views_total",
                        "Changes of a ring's members that were taken over.",
                        {"name"}
                    )
                    .with({name})),
          entries(scope
                      .counters(
                          "mimird_ring_token_entries_written_total",
                          "Entries of the token table that these changes wrote anew.",
                          {"name"}
                      )
                      .with({name})) {}

    std::shared_ptr<telemetry::Counter> views;
    std::shared_ptr<telemetry::Counter> entries;
};

}  // namespace

class Ring::Impl final : public kv::Watcher {
  public:
    Impl(std::string name, std::string prefix, RingOptions options, Environment environment)
        : name_(std::move(name)),
          key_prefix_(std::move(prefix) + name_ + "/"),
          options_(std::move(options)),
          environment_(environment),
          builder_(options_),
          view_(builder_.apply({})),
          scope_(environment.registry),
          metrics_(scope_, name_) {
        declare_callbacks();
        watch_ = environment_.store.watch(key_prefix_, *this);
    }

    void updated(const kv::Update& update) override;
    void reachable(const Result<void>& state) override;

    Result<void> wait_until_read(std::chrono::milliseconds at_most);
    [[nodiscard]] std::shared_ptr<const TableView> view() const { return view_.load(); }
    [[nodiscard]] std::shared_ptr<const TableView> shard(
        std::string_view tenant, std::size_t size, std::optional<std::chrono::milliseconds> lookback
    ) const;
    [[nodiscard]] std::size_t healthy_count(InstanceState state) const;
    [[nodiscard]] RingStatus status() const;
    Result<void> forget(std::string_view id);
    [[nodiscard]] const std::string& name() const { return name_; }

  private:
    struct Known {
        std::shared_ptr<const Instance> instance;  // with the newest heartbeat
        std::shared_ptr<std::atomic<SteadyTime>> seen;
        std::uint64_t version = kv::kAbsent;
    };
    struct Unreachable {
        Error error;
        TimestampMs since;
    };
    struct Ownership {
        std::uint64_t revision = 0;
        std::vector<double> shares;
    };

    void learn(const kv::Entry& entry, ViewBuilder::Changes& changes);
    void forget_known(const std::string& id, ViewBuilder::Changes& changes);
    void hold_heartbeats();
    void resume_heartbeats();
    [[nodiscard]] SteadyTime first_seen(const Instance& instance) const;
    [[nodiscard]] std::vector<double> ownership(const TableView& view) const;
    [[nodiscard]] std::string problem() const;
    void declare_callbacks();

    const std::string name_;
    const std::string key_prefix_;
    const RingOptions options_;
    const Environment environment_;

    mutable std::mutex changing_;
    std::condition_variable read_changed_;
    // Guarded by changing_, which is never held over a call of the store.
    ViewBuilder builder_;
    std::map<std::string, Known, std::less<>> known_;
    std::set<std::string, std::less<>> unreadable_;
    bool read_ = false;
    std::optional<Unreachable> unreachable_;

    Snapshot<TableView> view_;
    mutable Guarded<detail::ShardCache> shards_;
    mutable Guarded<Ownership> ownership_;
    telemetry::MetricScope scope_;
    Metrics metrics_;
    std::unique_ptr<kv::KvStore::Watch> watch_;  // ends first
};

void Ring::Impl::updated(const kv::Update& update) {
    const std::lock_guard lock(changing_);
    ViewBuilder::Changes changes;
    if (update.complete) {
        std::set<std::string, std::less<>> present;
        for (const kv::Entry& entry : update.changed) {
            present.insert(entry.key.substr(key_prefix_.size()));
        }
        std::vector<std::string> gone;
        for (const auto& [id, known] : known_) {
            if (!present.contains(id)) gone.push_back(id);
        }
        for (const std::string& id : gone) forget_known(id, changes);
        std::erase_if(unreadable_, [&](const auto& id) { return !present.contains(id); });
    }
    for (const std::string& key : update.removed) {
        forget_known(key.substr(key_prefix_.size()), changes);
    }
    for (const kv::Entry& entry : update.changed) learn(entry, changes);
    if (!changes.put.empty() || !changes.removed.empty()) {
        view_.store(builder_.apply(changes));
        metrics_.views->inc();
        metrics_.entries->add(builder_.cost().entries);
    }
    if (!read_) {
        read_ = true;
        read_changed_.notify_all();
    }
}

void Ring::Impl::learn(const kv::Entry& entry, ViewBuilder::Changes& changes) {
    const std::string id = entry.key.substr(key_prefix_.size());
    const auto at = known_.find(id);
    if (at != known_.end() && at->second.version == entry.version) return;
    auto decoded = decode_instance(entry.value);
    if (decoded && decoded->id != id) {
        decoded = fail(ErrorKind::corrupt, "the entry says it is of {}", decoded->id);
    }
    if (!decoded) {
        // What it said before holds until its heartbeats are missed.
        if (unreadable_.insert(id).second) {
            environment_.log.error(
                "a ring's entry can't be read",
                {{"ring", name_}, {"instance", id}, {"err", decoded.error()}}
            );
        }
        return;
    }
    unreadable_.erase(id);
    if (at == known_.end()) {
        auto seen = std::make_shared<std::atomic<SteadyTime>>(first_seen(*decoded));
        auto instance = std::make_shared<const Instance>(*std::move(decoded));
        known_[id] = {instance, seen, entry.version};
        changes.put.push_back({std::move(instance), std::move(seen)});
        return;
    }
    Known& known = at->second;
    known.version = entry.version;
    known.seen->store(environment_.clock.steady_now(), std::memory_order_relaxed);
    const TimestampMs heartbeat = std::exchange(decoded->heartbeat, known.instance->heartbeat);
    const bool same = *decoded == *known.instance;
    decoded->heartbeat = heartbeat;
    known.instance = std::make_shared<const Instance>(*std::move(decoded));
    if (!same) changes.put.push_back({known.instance, known.seen});
}

void Ring::Impl::forget_known(const std::string& id, ViewBuilder::Changes& changes) {
    unreadable_.erase(id);
    if (known_.erase(id) != 0) changes.removed.push_back(id);
}

SteadyTime Ring::Impl::first_seen(const Instance& instance) const {
    const SteadyTime now = environment_.clock.steady_now();
    const auto age = std::min(environment_.clock.now() - instance.heartbeat, kAgeMax);
    return age > options_.heartbeat_timeout + kSkewTolerated ? now - age : now;
}

void Ring::Impl::reachable(const Result<void>& state) {
    const std::lock_guard lock(changing_);
    if (state) {
        if (unreachable_) {
            environment_.log.info("the ring's store can be reached again", {{"ring", name_}});
            resume_heartbeats();
        }
        unreachable_.reset();
        return;
    }
    if (!unreachable_) {
        environment_.log.warn(
            "the ring's store can't be reached; what was last seen of the ring holds",
            {{"ring", name_}, {"store", environment_.store.describe()}, {"err", state.error()}}
        );
        unreachable_.emplace(Unreachable{state.error(), environment_.clock.now()});
        hold_heartbeats();
    }
    unreachable_->error = state.error();
}

/// Called with changing_ held. No heartbeat can be seen now, which says nothing about the members: who was
/// healthy stays so. Who does die meanwhile is found out by those who call it.
void Ring::Impl::hold_heartbeats() {
    const SteadyTime now = environment_.clock.steady_now();
    for (const auto& [id, known] : known_) {
        if (now - known.seen->load() <= options_.heartbeat_timeout)
            known.seen->store(now + kAgeMax);
    }
}

/// Called with changing_ held. From now on each has the whole time-out for its next heartbeat.
void Ring::Impl::resume_heartbeats() {
    const SteadyTime now = environment_.clock.steady_now();
    for (const auto& [id, known] : known_) {
        if (known.seen->load() > now) known.seen->store(now);
    }
}

Result<void> Ring::Impl::wait_until_read(std::chrono::milliseconds at_most) {
    std::unique_lock lock(changing_);
    if (read_changed_.wait_for(lock, at_most, [&] { return read_; })) return {};
    return fail(
        ErrorKind::unavailable,
        "ring {}: {} could not be read: {}",
        name_,
        environment_.store.describe(),
        unreachable_ ? unreachable_->error.message : "no answer yet"
    );
}

std::shared_ptr<const TableView> Ring::Impl::shard(
    std::string_view tenant, std::size_t size, std::optional<std::chrono::milliseconds> lookback
) const {
    auto whole = view();
    const auto is_read_only = [](const Member& member) { return member.instance->read_only; };
    const bool all = size == 0 || size >= whole->members().size() ||
                     (lookback && *lookback == std::chrono::milliseconds(0));
    if (all && (lookback || std::ranges::none_of(whole->members(), is_read_only))) return whole;
    if (all) size = whole->members().size();
    std::optional<TimestampMs> since;
    if (lookback) since = environment_.clock.now() - *lookback;
    // One tenant's name serves for all where all get the same.
    return shards_.with([&](detail::ShardCache& cache) {
        return cache.get(whole, all ? std::string_view() : tenant, size, since);
    });
}

std::size_t Ring::Impl::healthy_count(InstanceState state) const {
    const auto view = view_.load();
    const SteadyTime now = environment_.clock.steady_now();
    std::size_t count = 0;
    for (MemberIndex i = 0; i < view->members().size(); ++i) {
        if (view->members()[i].instance->state == state && view->is_fresh(i, now)) ++count;
    }
    return count;
}

std::vector<double> Ring::Impl::ownership(const TableView& view) const {
    return ownership_.with([&](Ownership& last) {
        if (last.revision != view.revision()) last = {view.revision(), view.ownership()};
        return last.shares;
    });
}

/// Called with changing_ held.
std::string Ring::Impl::problem() const {
    if (unreachable_) {
        return fmt::format(
            "{} can't be reached since {}: {}",
            environment_.store.describe(),
            format_rfc3339(unreachable_->since),
            unreachable_->error.message
        );
    }
    if (!read_) return fmt::format("nothing was read from {} yet", environment_.store.describe());
    if (!unreadable_.empty()) {
        return fmt::format("the entry of {} can't be read", *unreadable_.begin());
    }
    if (known_.empty()) return "the ring is empty";
    if (options_.expects_peers && known_.size() == 1 &&
        known_.begin()->first == options_.own_instance_id) {
        return fmt::format(
            "only this instance, {}, is in the ring although others are configured: do they use "
            "the same store ({}) and prefix?",
            options_.own_instance_id,
            environment_.store.describe()
        );
    }
    return {};
}

RingStatus Ring::Impl::status() const {
    RingStatus status{
        .name = name_,
        .store = environment_.store.describe(),
        .replication_factor = options_.replication_factor
    };
    const std::lock_guard lock(changing_);
    const auto view = view_.load();
    const std::vector<double> shares = ownership(*view);
    const SteadyTime now = environment_.clock.steady_now();
    for (MemberIndex i = 0; i < view->members().size(); ++i) {
        const Member& member = view->members()[i];
        const auto since = std::max(
            now - member.seen->load(std::memory_order_relaxed), SteadyTime::duration::zero()
        );
        status.members.push_back({
            .instance = *known_.at(member.instance->id).instance,
            .healthy = view->is_fresh(i, now),
            .since_seen = std::chrono::floor<std::chrono::milliseconds>(since),
            .ownership = shares[i],
        });
    }
    status.problem = problem();
    return status;
}

Result<void> Ring::Impl::forget(std::string_view id) {
    const std::string key = key_prefix_ + std::string(id);
    // A member that lives may write between the two calls.
    constexpr int kTries = 5;
    Result<void> removed;
    for (int i = 0; i < kTries; ++i) {
        MIMIR_TRY(const auto entry, environment_.store.get(key));
        if (!entry) {
            return fail(ErrorKind::not_found, "ring {} has no instance {}", name_, id);
        }
        removed = environment_.store.remove(key, entry->version);
        if (removed) {
            environment_.log.info(
                "instance forgotten by request", {{"ring", name_}, {"instance", id}}
            );
            return {};
        }
        if (removed.error().kind != ErrorKind::conflict) return removed;
    }
    return fail(ErrorKind::unavailable, "instance {} keeps writing its entry", id);
}

void Ring::Impl::declare_callbacks() {
    using telemetry::MetricType;
    struct State {
        double members = 0;
        double oldest = 0;
    };
    const auto by_state = [this] {
        std::map<std::string_view, State> states{{kUnhealthy, {}}};
        for (const InstanceState state : kStates) states[to_string(state)];
        const SteadyTime now = environment_.clock.steady_now();
        const std::lock_guard lock(changing_);
        for (const auto& [id, known] : known_) {
            const bool fresh = now - known.seen->load() <= options_.heartbeat_timeout;
            State& state = states[fresh ? to_string(known.instance->state) : kUnhealthy];
            const auto heartbeat = static_cast<double>(known.instance->heartbeat.ms / 1000);
            state.oldest = state.members == 0 ? heartbeat : std::min(state.oldest, heartbeat);
            ++state.members;
        }
        return states;
    };
    scope_.callbacks(
        MetricType::gauge,
        "cortex_ring_members",
        "Number of members in the ring.",
        {"name", "state"},
        [this, by_state](const telemetry::MetricScope::Emit& emit) {
            for (const auto& [state, found] : by_state()) {
                emit({name_, std::string(state)}, found.members);
            }
        }
    );
    scope_.callbacks(
        MetricType::gauge,
        "cortex_ring_oldest_member_timestamp",
        "Oldest heartbeat among the members in this state, in seconds since 1970.",
        {"name", "state"},
        [this, by_state](const telemetry::MetricScope::Emit& emit) {
            for (const auto& [state, found] : by_state()) {
                emit({name_, std::string(state)}, found.oldest);
            }
        }
    );
    scope_.callbacks(
        MetricType::gauge,
        "cortex_ring_tokens_total",
        "Number of tokens in the ring.",
        {"name"},
        [this](const telemetry::MetricScope::Emit& emit) {
            emit({name_}, static_cast<double>(view_.load()->table().size()));
        }
    );
    scope_.callbacks(
        MetricType::gauge,
        "cortex_ring_member_ownership_percent",
        "Share of the ring, or with zone awareness of its zone's ring, that a member owns.",
        {"name", "member"},
        [this](const telemetry::MetricScope::Emit& emit) {
            const auto view = view_.load();
            const std::vector<double> shares = ownership(*view);
            for (std::size_t i = 0; i < shares.size(); ++i) {
                emit({name_, view->members()[i].instance->id}, shares[i]);
            }
        }
    );
}

Ring::Ring(std::string name, std::string prefix, RingOptions options, Environment environment)
    : impl_(std::make_unique<Impl>(
          std::move(name), std::move(prefix), std::move(options), std::move(environment)
      )) {}

Ring::~Ring() = default;

Result<void> Ring::wait_until_read(std::chrono::milliseconds at_most) {
    return impl_->wait_until_read(at_most);
}
std::shared_ptr<const RingView> Ring::view() const { return impl_->view(); }
std::shared_ptr<const RingView> Ring::write_shard(std::string_view tenant, std::size_t size) const {
    return impl_->shard(tenant, size, std::nullopt);
}
std::shared_ptr<const RingView> Ring::read_shard(
    std::string_view tenant, std::size_t size, std::chrono::milliseconds lookback
) const {
    return impl_->shard(tenant, size, lookback);
}
std::size_t Ring::healthy_count(InstanceState state) const { return impl_->healthy_count(state); }
RingStatus Ring::status() const { return impl_->status(); }
Result<void> Ring::forget(std::string_view id) { return impl_->forget(id); }
const std::string& Ring::name() const { return impl_->name(); }

}  // namespace mimir::ring
