#include "ring/lifecycler.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/assert.hpp"
#include "base/guarded.hpp"
#include "ring/detail/tokens_file.hpp"
#include "ring/token_choice.hpp"

namespace mimir::ring {
namespace {

using std::chrono::milliseconds;

// A write that met another one of ours, of which we did not hear, or of an earlier process.
constexpr int kTries = 5;
// By how much wall clocks of hosts may differ, as in Ring.
constexpr milliseconds kSkewTolerated = std::chrono::minutes(1);
// Who chooses tokens takes some milliseconds; who died while doing so holds others up for this long.
constexpr milliseconds kChoosingLease = std::chrono::seconds(10);
constexpr milliseconds kChoosingWaitMax = std::chrono::seconds(30);
constexpr milliseconds kChoosingRetryMin{50};
constexpr std::uint64_t kChoosingRetrySpreadMs = 200;

struct Metrics {
    Metrics(telemetry::MetricScope& scope, std::string_view name)
        : tokens_owned(
              scope
                  .gauges(
                      "cortex_member_ring_tokens_owned", "Tokens that this member has.", {"name"}
                  )
                  .with({name})
          ),
          tokens_to_own(
              scope
                  .gauges(
                      "cortex_member_ring_tokens_to_own", "Tokens that it is to have.", {"name"}
                  )
                  .with({name})
          ),
          read_only(
              scope
                  .gauges(
                      "cortex_lifecycler_read_only", "1 while this member is read-only.", {"name"}
                  )
                  .with({name})
          ),
          heartbeats(scope
                         .counters(
                             "cortex_ring_member_heartbeats_total",
                             "Heartbeats that reached the store.",
                             {"name"}
                         )
                         .with({name})),
          failures(scope
                       .counters(
                           "mimird_ring_member_heartbeat_failures_total",
                           "Heartbeats that did not reach the store.",
                           {"name"}
                       )
                       .with({name})) {}

    std::shared_ptr<telemetry::Gauge> tokens_owned;
    std::shared_ptr<telemetry::Gauge> tokens_to_own;
    std::shared_ptr<telemetry::Gauge> read_only;
    std::shared_ptr<telemetry::Counter> heartbeats;
    std::shared_ptr<telemetry::Counter> failures;
};

}  // namespace

class Lifecycler::Impl {
  public:
    Impl(LifecyclerOptions options, Environment environment, Drive drive);
    ~Impl() { end_heartbeats(); }

    Result<void> join();
    Result<void> change_state(InstanceState state);
    Result<void> set_read_only(bool read_only);
    Result<void> leave(Entry entry);
    void tick();

    [[nodiscard]] Instance instance() const {
        return shown_.with([](const Shown& shown) { return shown.instance; });
    }
    [[nodiscard]] Result<void> state() const {
        return shown_.with([](const Shown& shown) { return shown.state; });
    }

  private:
    struct Shown {
        Instance instance;
        Result<void> state;
    };
    /// Another's entry, and when it last changed.
    struct Observed {
        std::uint64_t version = kv::kAbsent;
        std::chrono::steady_clock::time_point seen;
    };
    /// What the others of this ring are.
    struct Others {
        std::vector<Instance> instances;
        [[nodiscard]] std::vector<TokenOwner> owners(const LifecyclerOptions& options) const;
    };
    /// Whose turn it is to choose tokens; given back at its end.
    class Turn;

    Result<void> register_entry();
    Result<void> continue_from(const kv::Entry& entry);
    Result<void> start_anew();
    Result<void> complete_tokens();
    Result<void> exchange_tokens_of_others();
    void save_tokens();
    Result<void> write();
    Result<void> try_write();
    Result<void> find_out_what_is_there();
    Result<void> remove_entry();
    Result<Others> list_others();
    void forget_others();
    void show(Result<void> state);
    void beat();
    void end_heartbeats();

    const LifecyclerOptions options_;
    const Environment environment_;
    const Drive drive_;
    const std::string folder_;
    const std::string key_;

    // Held over calls of the store: everything that writes is done one after the other.
    std::mutex writing_;
    Instance own_;
    std::uint64_t version_ = kv::kAbsent;
    bool registered_ = false;
    bool left_ = false;
    bool vanished_ = false;        // and others may have our tokens since
    std::optional<Error> fenced_;  // another process has the entry
    std::map<std::string, Observed> observed_;

    Guarded<Shown> shown_;
    telemetry::MetricScope scope_;
    Metrics metrics_;

    std::mutex beating_;
    std::condition_variable ending_changed_;
    bool ending_ = false;
    std::thread heartbeats_;
};

std::vector<TokenOwner> Lifecycler::Impl::Others::owners(const LifecyclerOptions& options) const {
    std::vector<TokenOwner> owners;
    for (const Instance& instance : instances) {
        const bool shares = !options.zone_awareness_enabled || instance.zone == options.zone;
        owners.push_back({.tokens = instance.tokens, .shares = shares});
    }
    return owners;
}

class Lifecycler::Impl::Turn {
  public:
    explicit Turn(Impl& impl)
        : store_(impl.environment_.store),
          key_(impl.options_.prefix + "tokens/" + impl.options_.ring_name) {
        const Clock& clock = impl.environment_.clock;
        const auto deadline = clock.steady_now() + kChoosingWaitMax;
        for (;;) {
            const auto taken = store_.compare_and_swap(
                key_, kv::kAbsent, impl.options_.instance_id, {.time_to_live = kChoosingLease}
            );
            if (taken) version_ = *taken;
            const bool busy = !taken && taken.error().kind == ErrorKind::conflict;
            if (!busy || impl.drive_ == Drive::manual || clock.steady_now() >= deadline) return;
            std::this_thread::sleep_for(
                kChoosingRetryMin +
                milliseconds(impl.environment_.random.below(kChoosingRetrySpreadMs))
            );
        }
    }
    ~Turn() {
        // What is not given back ends by itself.
        if (version_ != kv::kAbsent) static_cast<void>(store_.remove(key_, version_));
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

  private:
    kv::KvStore& store_;
    const std::string key_;
    std::uint64_t version_ = kv::kAbsent;
};

Lifecycler::Impl::Impl(LifecyclerOptions options, Environment environment, Drive drive)
    : options_(std::move(options)),
      environment_(std::move(environment)),
      drive_(drive),
      folder_(options_.prefix + options_.ring_name + "/"),
      key_(folder_ + options_.instance_id),
      scope_(environment_.registry),
      metrics_(scope_, options_.ring_name) {
    own_.id = options_.instance_id;
    own_.address = options_.address;
    own_.zone = options_.zone;
    do {
        own_.incarnation = environment_.random.next();
    } while (own_.incarnation == 0);  // of nobody
    metrics_.tokens_to_own->set(static_cast<double>(options_.num_tokens));
    show(fail(ErrorKind::unavailable, "not in the ring yet"));
}

Result<void> Lifecycler::Impl::join() {
    const std::lock_guard lock(writing_);
    MIMIR_ASSERT(!left_, "who left does not join again");
    if (auto registered = register_entry(); !registered) {
        show(registered);
        return registered;
    }
    registered_ = true;
    MIMIR_TRY(complete_tokens());
    if (drive_ == Drive::thread && !heartbeats_.joinable()) {
        heartbeats_ = std::thread([this] { beat(); });
    }
    return {};
}

Result<void> Lifecycler::Impl::register_entry() {
    Result<void> written;
    for (int i = 0; i < kTries; ++i) {
        MIMIR_TRY(const auto entry, environment_.store.get(key_));
        if (entry) {
            MIMIR_TRY(continue_from(*entry));
        } else {
            MIMIR_TRY(start_anew());
        }
        written = try_write();
        if (written || written.error().kind != ErrorKind::conflict) break;
    }
    if (written) show({});
    return written;
}

Result<void> Lifecycler::Impl::start_anew() {
    version_ = kv::kAbsent;
    own_.registered = environment_.clock.now();
    own_.state = InstanceState::pending;
    if (options_.num_tokens == 0 || options_.tokens_file.empty()) return {};
    auto tokens = detail::read_tokens_file(environment_.files, options_.tokens_file);
    if (tokens) {
        own_.tokens = *std::move(tokens);
        own_.state = InstanceState::joining;
        environment_.log.info(
            "tokens are those of the file",
            {{"ring", options_.ring_name},
             {"file", options_.tokens_file},
             {"tokens", own_.tokens.size()}}
        );
    } else if (tokens.error().kind == ErrorKind::corrupt) {
        environment_.log.error(
            "the tokens file can't be read; new tokens are chosen", {{"err", tokens.error()}}
        );
    } else if (tokens.error().kind != ErrorKind::not_found) {
        return tl::unexpected(std::move(tokens).error());
    }
    return {};
}

Result<void> Lifecycler::Impl::continue_from(const kv::Entry& entry) {
    const auto earlier = decode_instance(entry.value);
    if (!earlier) {
        environment_.log.error(
            "our entry in the ring can't be read and is made anew",
            {{"ring", options_.ring_name}, {"err", earlier.error()}}
        );
        MIMIR_TRY(start_anew());
        version_ = entry.version;
        return {};
    }
    const auto age = environment_.clock.now() - earlier->heartbeat;
    if (earlier->incarnation != 0 && earlier->incarnation != own_.incarnation &&
        earlier->address != own_.address && age < options_.heartbeat_timeout) {
        return fail(
            ErrorKind::conflict,
            "another process, at {}, is {} in ring {}: its last heartbeat was {} ms ago. Give one of "
            "them another instance id; or, if that one has ended, wait until its heartbeat is {} ms "
            "old, or forget it",
            earlier->address,
            own_.id,
            options_.ring_name,
            age.count(),
            options_.heartbeat_timeout.count()
        );
    }
    version_ = entry.version;
    own_.registered = earlier->registered;
    own_.read_only = earlier->read_only;
    own_.read_only_updated = earlier->read_only_updated;
    if (options_.num_tokens == 0) {
        own_.state = InstanceState::pending;
        return {};
    }
    if (!earlier->tokens.empty()) own_.tokens = earlier->tokens;
    // With tokens it would be read from while PENDING, before it has what it is to have.
    own_.state = own_.tokens.empty() ? InstanceState::pending : InstanceState::joining;
    if (earlier->incarnation != own_.incarnation) {
        environment_.log.info(
            "continuing an earlier process' entry in the ring",
            {{"ring", options_.ring_name},
             {"state", to_string(earlier->state)},
             {"tokens", own_.tokens.size()}}
        );
    }
    return {};
}

/// Ends in JOINING, with all tokens and none of another's.
Result<void> Lifecycler::Impl::complete_tokens() {
    const bool missing = own_.tokens.size() < options_.num_tokens;
    std::optional<Turn> turn;
    if (missing) {
        turn.emplace(*this);
        MIMIR_TRY(const Others others, list_others());
        const auto chosen = choose_tokens(
            others.owners(options_),
            own_.tokens,
            options_.num_tokens - own_.tokens.size(),
            environment_.random
        );
        own_.tokens.insert(own_.tokens.end(), chosen.begin(), chosen.end());
        std::ranges::sort(own_.tokens);
    }
    if (missing || own_.state != InstanceState::joining) {
        own_.state = InstanceState::joining;
        MIMIR_TRY(write());
    }
    MIMIR_TRY(exchange_tokens_of_others());
    save_tokens();
    return {};
}

/// Others may have chosen some of our tokens while we were not there, or at the same time. The store
/// puts writes in an order: whoever wrote last sees the other's, if not both do.
Result<void> Lifecycler::Impl::exchange_tokens_of_others() {
    if (own_.tokens.empty()) return {};
    for (int i = 0; i < kTries; ++i) {
        MIMIR_TRY(const Others others, list_others());
        std::vector<Token> theirs;
        for (const Instance& instance : others.instances) {
            theirs.insert(theirs.end(), instance.tokens.begin(), instance.tokens.end());
        }
        std::ranges::sort(theirs);
        const std::size_t lost = std::erase_if(own_.tokens, [&](Token token) {
            return std::ranges::binary_search(theirs, token);
        });
        if (lost == 0) return {};
        environment_.log.warn(
            "some of our tokens are another's, and are exchanged",
            {{"ring", options_.ring_name}, {"tokens", lost}}
        );
        const auto chosen =
            choose_tokens(others.owners(options_), own_.tokens, lost, environment_.random);
        own_.tokens.insert(own_.tokens.end(), chosen.begin(), chosen.end());
        std::ranges::sort(own_.tokens);
        MIMIR_TRY(try_write());
        show({});
        save_tokens();
    }
    return {};
}

/// The ring has them too: a disk that fails is no reason not to serve.
void Lifecycler::Impl::save_tokens() {
    if (options_.tokens_file.empty() || own_.tokens.empty()) return;
    const auto saved =
        detail::write_tokens_file(environment_.files, options_.tokens_file, own_.tokens);
    if (!saved) {
        environment_.log.error(
            "the tokens file can't be written",
            {{"ring", options_.ring_name}, {"err", saved.error()}}
        );
    }
}

/// Brings the entry to what we want it to be, whatever became of the write before.
Result<void> Lifecycler::Impl::write() {
    Result<void> written;
    for (int i = 0; i < kTries; ++i) {
        written = try_write();
        if (written || written.error().kind != ErrorKind::conflict) break;
        if (auto found = find_out_what_is_there(); !found) {
            written = std::move(found);
            break;
        }
        vanished_ = vanished_ || version_ == kv::kAbsent;
    }
    show(written);
    if (!written || !vanished_) return written;
    environment_.log.warn(
        "our entry in the ring had vanished and is there again", {{"ring", options_.ring_name}}
    );
    // When this fails, the next heartbeat tries it again.
    MIMIR_TRY(exchange_tokens_of_others());
    vanished_ = false;
    return {};
}

Result<void> Lifecycler::Impl::try_write() {
    own_.heartbeat = environment_.clock.now();
    const auto version = environment_.store.compare_and_swap(key_, version_, encode(own_));
    if (!version) {
        metrics_.failures->inc();
        return tl::unexpected(version.error());
    }
    version_ = *version;
    metrics_.heartbeats->inc();
    return {};
}

/// After a conflict. Errors: conflict, when the entry is another's now.
Result<void> Lifecycler::Impl::find_out_what_is_there() {
    MIMIR_TRY(const auto entry, environment_.store.get(key_));
    if (!entry) {
        version_ = kv::kAbsent;
        fenced_.reset();
        return {};
    }
    const auto there = decode_instance(entry->value);
    const bool anothers =
        there && there->incarnation != own_.incarnation && there->incarnation != 0;
    if (!anothers) {
        // What was there instead of ours had other tokens, if any.
        vanished_ = vanished_ || !there || there->incarnation != own_.incarnation;
        version_ = entry->version;
        fenced_.reset();
        return {};
    }
    Error error{
        ErrorKind::conflict,
        {},
        fmt::format(
            "another process, at {}, has taken over as {} in ring {}",
            there->address,
            own_.id,
            options_.ring_name
        )
    };
    if (!fenced_) {
        environment_.log.error(
            "another process has our place in the ring; no more heartbeats", {{"err", error}}
        );
    }
    fenced_ = error;
    return tl::unexpected(std::move(error));
}

Result<void> Lifecycler::Impl::change_state(InstanceState state) {
    const std::lock_guard lock(writing_);
    MIMIR_ASSERT(registered_ && !left_, "only who has joined has a state");
    own_.state = state;
    return write();
}

Result<void> Lifecycler::Impl::set_read_only(bool read_only) {
    const std::lock_guard lock(writing_);
    MIMIR_ASSERT(registered_ && !left_, "only who has joined has a state");
    if (own_.read_only == read_only) return {};
    own_.read_only = read_only;
    own_.read_only_updated = environment_.clock.now();
    return write();
}

Result<void> Lifecycler::Impl::leave(Entry entry) {
    end_heartbeats();
    const std::lock_guard lock(writing_);
    if (!registered_ || left_) return {};
    const std::uint64_t incarnation = own_.incarnation;
    own_.state = InstanceState::leaving;
    // Nobody's: whoever comes next need not wonder whether we live.
    if (entry == Entry::keep) own_.incarnation = 0;
    const Result<void> written = write();
    own_.incarnation = incarnation;
    const bool anothers = !written && written.error().kind == ErrorKind::conflict;
    if (!written && !anothers) return written;
    if (entry == Entry::remove && !anothers) MIMIR_TRY(remove_entry());
    left_ = true;
    show(fail(ErrorKind::unavailable, "left the ring"));
    return {};
}

Result<void> Lifecycler::Impl::remove_entry() {
    Result<void> removed;
    for (int i = 0; i < kTries; ++i) {
        removed = environment_.store.remove(key_, version_);
        if (removed || removed.error().kind != ErrorKind::conflict) return removed;
        const auto found = find_out_what_is_there();
        if (!found) {
            if (found.error().kind == ErrorKind::conflict) return {};
            return found;
        }
        if (version_ == kv::kAbsent) return {};
    }
    return removed;
}

void Lifecycler::Impl::tick() {
    const std::lock_guard lock(writing_);
    if (!registered_ || left_) return;
    const Result<void> before = state();
    const Result<void> written = write();
    if (before && !written && written.error().kind != ErrorKind::conflict) {
        environment_.log.warn(
            "a heartbeat did not reach the ring's store",
            {{"ring", options_.ring_name}, {"err", written.error()}}
        );
    }
    if (written && options_.forget_after) forget_others();
}

Result<Lifecycler::Impl::Others> Lifecycler::Impl::list_others() {
    MIMIR_TRY(const auto entries, environment_.store.list(folder_));
    Others others;
    for (const kv::Entry& entry : entries) {
        if (entry.key == key_) continue;
        auto instance = decode_instance(entry.value);
        if (instance) others.instances.push_back(*std::move(instance));
    }
    return others;
}

/// How old a heartbeat is, our own clock says from when we first saw it; what was older by far than
/// clocks may differ when we first saw it, is as old as it says.
void Lifecycler::Impl::forget_others() {
    const auto entries = environment_.store.list(folder_);
    if (!entries) return;
    const auto now = environment_.clock.steady_now();
    std::map<std::string, Observed> observed;
    for (const kv::Entry& entry : *entries) {
        if (entry.key == key_) continue;
        const auto known = observed_.find(entry.key);
        Observed& one = observed[entry.key];
        one = {entry.version, now};
        if (known != observed_.end()) {
            if (known->second.version == entry.version) one.seen = known->second.seen;
        } else if (const auto instance = decode_instance(entry.value)) {
            constexpr milliseconds kAgeMax = std::chrono::hours(24 * 365);
            const auto age = std::min(environment_.clock.now() - instance->heartbeat, kAgeMax);
            if (age > *options_.forget_after + kSkewTolerated) one.seen = now - age;
        }
        if (now - one.seen <= *options_.forget_after) continue;
        // A conflict: it lives after all.
        if (environment_.store.remove(entry.key, entry.version)) {
            environment_.log.warn(
                "instance forgotten: its heartbeat is too old",
                {{"ring", options_.ring_name}, {"instance", entry.key.substr(folder_.size())}}
            );
        }
    }
    observed_ = std::move(observed);
}

void Lifecycler::Impl::show(Result<void> state) {
    metrics_.tokens_owned->set(static_cast<double>(own_.tokens.size()));
    metrics_.read_only->set(own_.read_only ? 1 : 0);
    shown_.with([&](Shown& shown) { shown = {own_, std::move(state)}; });
}

/// The thread of heartbeats. The first comes at a random part of the period, so that those who
/// started together do not write together.
void Lifecycler::Impl::beat() {
    const auto period = options_.heartbeat_period;
    std::unique_lock lock(writing_);
    auto wait = milliseconds(environment_.random.below(
        static_cast<std::uint64_t>(std::max<std::int64_t>(period.count(), 1))
    ));
    lock.unlock();
    for (;;) {
        {
            std::unique_lock beating(beating_);
            if (ending_changed_.wait_for(beating, wait, [&] { return ending_; })) return;
        }
        tick();
        wait = period;
    }
}

void Lifecycler::Impl::end_heartbeats() {
    {
        const std::lock_guard lock(beating_);
        ending_ = true;
    }
    ending_changed_.notify_all();
    if (heartbeats_.joinable()) heartbeats_.join();
}

Lifecycler::Lifecycler(LifecyclerOptions options, Environment environment, Drive drive)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(environment), drive)) {}

Lifecycler::~Lifecycler() = default;

Result<void> Lifecycler::join() { return impl_->join(); }
Result<void> Lifecycler::change_state(InstanceState state) { return impl_->change_state(state); }
Result<void> Lifecycler::set_read_only(bool read_only) { return impl_->set_read_only(read_only); }
Result<void> Lifecycler::leave(Entry entry) { return impl_->leave(entry); }
void Lifecycler::tick() { impl_->tick(); }
Instance Lifecycler::instance() const { return impl_->instance(); }
Result<void> Lifecycler::state() const { return impl_->state(); }

}  // namespace mimir::ring
