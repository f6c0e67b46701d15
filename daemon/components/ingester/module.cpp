#include "components/ingester/module.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "components/ingester/ingester.hpp"
#include "components/ingester/routes.hpp"
#include "components/ingester/shutdown_plan.hpp"
#include "rpc/ingester_routes.hpp"
#include "rpc/local_ingester.hpp"

namespace mimir::ingester {
namespace {

using Clock = std::chrono::steady_clock;

ring::LifecyclerOptions ring_entry(const ModuleEnvironment& environment) {
    const ring::RingSettings& ring = environment.options.ring;
    const fs::Path beside_data = fs::Path(environment.options.dir) / "tokens";
    auto entry = ring::entry_options(environment.ring.name(), environment.place, ring);
    entry.num_tokens = ring.num_tokens;
    entry.zone_awareness_enabled = ring.zone_awareness_enabled;
    entry.tokens_file =
        ring.tokens_file_path.empty() ? beside_data.string() : ring.tokens_file_path;
    return entry;
}

/// In its ring it is JOINING while it opens its data, ACTIVE from when it is found by others, and
/// LEAVING from before it is found no more.
class IngesterService final : public modules::Service {
  public:
    explicit IngesterService(const ModuleEnvironment& environment)
        : environment_(environment),
          scope_(environment.registry),
          metrics_(scope_),
          shapes_(environment.ring, environment.place.identity.zone) {}

    Result<void> start(const CancellationToken& cancel) override {
        const Options& options = environment_.options;
        MIMIR_TRY(
            plan_,
            ShutdownPlan::open(
                environment_.files,
                options.dir,
                {.flush = options.flush_blocks_on_shutdown,
                 .unregister = options.ring.unregister_on_shutdown}
            )
        );
        metrics_.prepared_for_shutdown.set(plan_->prepared() ? 1 : 0);
        MIMIR_TRY(join(cancel));
        Environment environment{
            environment_.files,
            environment_.limits,
            metrics_,
            environment_.registry,
            environment_.log,
            system_clock(),
            [this] { return shapes_.now(); },
            environment_.progress
        };
        auto opened = Ingester::open(options, std::move(environment), cancel);
        environment_.progress("");
        MIMIR_TRY(ingester_, std::move(opened));
        publish();
        MIMIR_TRY(wait(cancel, options.ring.observe_period));
        if (auto active = lifecycler_->change_state(ring::InstanceState::active); !active) {
            environment_.log.warn(
                "the ring is told later that this ingester is active", {{"err", active.error()}}
            );
        }
        wait_until_seen();
        return wait(cancel, options.ring.min_ready_duration);
    }

    Result<void> run(std::stop_token stop) override {
        const Options& options = environment_.options;
        auto compaction_due = Clock::now() + options.head_compaction_interval;
        std::future<void> compaction;
        while (sleep(stop, tick())) {
            if (options.wal_sync == tsdb::WalSync::interval) ingester_->sync();
            const bool busy = compaction.valid() && compaction.wait_for(std::chrono::seconds(0)) !=
                                                        std::future_status::ready;
            if (busy) continue;
            const bool due = Clock::now() >= compaction_due;
            if (due) compaction_due = Clock::now() + options.head_compaction_interval;
            if (due || ingester_->flush_requested()) compaction = start_compaction(stop, due);
        }
        if (compaction.valid()) compaction.wait();
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        if (auto leaving = lifecycler_->change_state(ring::InstanceState::leaving); !leaving) {
            environment_.log.warn(
                "the ring is not told that this ingester leaves", {{"err", leaving.error()}}
            );
        }
        for (http::RouteRegistration& route : routes_) route.close(grace);
        for (http::RouteRegistration& route : internal_routes_) route.close(grace);
        published_.reset();
        ingester_->run_requested_flushes();
        if (plan_->flush()) ingester_->flush({});
        if (environment_.options.wal_sync != tsdb::WalSync::none) ingester_->sync();
        leave();
        local_.reset();
        ingester_.reset();
        return {};
    }

  private:
    /// Of another process with this id, which may be about to end, it is waited for the end.
    Result<void> join(const CancellationToken& cancel) {
        lifecycler_.emplace(
            ring_entry(environment_),
            ring::Lifecycler::Environment{
                environment_.place.store,
                environment_.files,
                environment_.log,
                environment_.registry,
                random_
            }
        );
        constexpr std::chrono::milliseconds kTryEvery{200};
        const auto until = Clock::now() + environment_.options.ring.heartbeat_timeout;
        for (;;) {
            auto joined = lifecycler_->join();
            const bool again =
                !joined && joined.error().kind == ErrorKind::conflict && Clock::now() < until;
            if (!again) return joined;
            MIMIR_TRY(wait(cancel, kTryEvery));
        }
    }
    static Result<void> wait(const CancellationToken& cancel, std::chrono::milliseconds time) {
        constexpr std::chrono::milliseconds kLookEvery{100};
        const auto until = Clock::now() + time;
        while (Clock::now() < until) {
            MIMIR_TRY(cancel.check());
            std::this_thread::sleep_for(std::min<Clock::duration>(kLookEvery, until - Clock::now())
            );
        }
        return {};
    }
    /// Others of this process see the ring a moment later: who is told that this one runs may write at once.
    void wait_until_seen() {
        constexpr std::chrono::seconds kAtMost{5};
        constexpr std::chrono::milliseconds kLookEvery{2};
        const auto until = Clock::now() + kAtMost;
        while (Clock::now() < until && !is_seen()) std::this_thread::sleep_for(kLookEvery);
    }
    [[nodiscard]] bool is_seen() const {
        const auto view = environment_.ring.view();
        return std::ranges::any_of(view->members(), [&](const ring::Member& member) {
            return member.instance->id == environment_.place.identity.id &&
                   member.instance->state == ring::InstanceState::active;
        });
    }
    void publish() {
        local_.emplace(*ingester_);
        routes_ = register_routes(
            environment_.router,
            {*ingester_, *plan_, *lifecycler_, metrics_, environment_.stop_module},
            environment_.executors.background
        );
        internal_routes_ = rpc::register_ingester_routes(
            environment_.internal,
            *local_,
            {environment_.executors.ingest, environment_.executors.query}
        );
        published_.emplace(environment_.slot, *local_);
    }
    void leave() {
        using Entry = ring::Lifecycler::Entry;
        const bool unregister = plan_->unregister();
        if (unregister) std::this_thread::sleep_for(environment_.options.ring.final_sleep);
        const auto left = lifecycler_->leave(unregister ? Entry::remove : Entry::keep);
        if (!left) {
            environment_.log.warn("this ingester is still in the ring", {{"err", left.error()}});
            return;
        }
        if (auto done = plan_->carried_out(); !done) {
            environment_.log.warn(
                "the next start will prepare for its end again", {{"err", done.error()}}
            );
        }
    }
    [[nodiscard]] std::chrono::milliseconds tick() const {
        constexpr std::chrono::milliseconds kTick = std::chrono::seconds(1);
        const Options& options = environment_.options;
        return options.wal_sync == tsdb::WalSync::interval ? options.wal_sync_interval : kTick;
    }

    /// On the background pool; the future is ready when it is done. When the pool is full, the next tick tries again.
    std::future<void> start_compaction(const std::stop_token& stop, bool due) {
        std::promise<void> done;
        std::future<void> future = done.get_future();
        auto job = [this, stop, due, done = std::move(done)]() mutable {
            ingester_->run_requested_flushes();
            if (due) ingester_->compact([&] { return stop.stop_requested(); });
            done.set_value();
        };
        if (auto posted = environment_.executors.background.post(std::move(job)); !posted) {
            environment_.log.warn("compaction is put off", {{"err", posted.error()}});
            return {};
        }
        return future;
    }

    const ModuleEnvironment environment_;
    telemetry::MetricScope scope_;
    Metrics metrics_;
    const RingShapes shapes_;
    SeededRandom random_{random_seed()};
    std::unique_ptr<ShutdownPlan> plan_;
    std::optional<ring::Lifecycler> lifecycler_;
    std::unique_ptr<Ingester> ingester_;
    std::optional<rpc::LocalIngester<Ingester>> local_;
    std::vector<http::RouteRegistration> routes_;
    std::vector<http::RouteRegistration> internal_routes_;
    std::optional<modules::Slot<rpc::IngesterClient>::Publication> published_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<IngesterService>(environment);
}

}  // namespace mimir::ingester
