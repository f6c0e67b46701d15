#include "components/ingester/module.hpp"

#include <chrono>
#include <future>
#include <optional>
#include <vector>

#include "components/ingester/ingester.hpp"
#include "components/ingester/routes.hpp"
#include "rpc/local_ingester.hpp"

namespace mimir::ingester {
namespace {

using Clock = std::chrono::steady_clock;

class IngesterService final : public modules::Service {
  public:
    explicit IngesterService(const ModuleEnvironment& environment)
        : environment_(environment), scope_(environment.registry), metrics_(scope_) {}

    Result<void> start(const CancellationToken& cancel) override {
        Environment environment{
            environment_.files,
            environment_.limits,
            metrics_,
            environment_.registry,
            environment_.log
        };
        MIMIR_TRY(ingester_, Ingester::open(environment_.options, std::move(environment), cancel));
        routes_ =
            register_routes(environment_.router, *ingester_, environment_.executors.background);
        local_.emplace(*ingester_);
        published_.emplace(environment_.slot, *local_);
        return {};
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
        for (http::RouteRegistration& route : routes_) route.close(grace);
        published_.reset();
        ingester_->run_requested_flushes();
        if (environment_.options.flush_blocks_on_shutdown) ingester_->flush({});
        if (environment_.options.wal_sync != tsdb::WalSync::none) ingester_->sync();
        local_.reset();
        ingester_.reset();
        return {};
    }

  private:
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
    std::unique_ptr<Ingester> ingester_;
    std::optional<rpc::LocalIngester<Ingester>> local_;
    std::vector<http::RouteRegistration> routes_;
    std::optional<modules::Slot<rpc::IngesterClient>::Publication> published_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<IngesterService>(environment);
}

}  // namespace mimir::ingester
