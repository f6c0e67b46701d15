#include "components/distributor/module.hpp"

#include <optional>

#include "base/random.hpp"
#include "components/distributor/ha_tracker.hpp"
#include "components/distributor/routes.hpp"

namespace mimir::distributor {
namespace {

class DistributorService final : public modules::Service {
  public:
    explicit DistributorService(const ModuleEnvironment& environment)
        : environment_(environment),
          scope_(environment.registry),
          metrics_(scope_),
          tracker_metrics_(scope_),
          membership_(
              environment.distributor_ring.name(),
              environment.place,
              environment.options.ring,
              {environment.files, environment.registry, environment.log}
          ) {}

    Result<void> start(const CancellationToken&) override {
        MIMIR_TRY(membership_.join());
        if (environment_.options.ha_tracker_enabled) start_tracker();
        start_distributor();
        membership_.activate();
        return {};
    }

    Result<void> run(std::stop_token stop) override {
        if (!tracker_) return Service::run(std::move(stop));
        auto clean_up_in = next_clean_up();
        while (sleep(stop, kTick)) {
            tracker_->tick();
            if ((clean_up_in -= kTick) > kTick) continue;
            tracker_->clean_up();
            clean_up_in = next_clean_up();
        }
        return {};
    }

    Result<void> stop(std::chrono::milliseconds grace) override {
        membership_.leave();
        published_.reset();
        for (http::RouteRegistration& route : routes_) route.close(grace);
        distributor_->drain();
        return {};
    }

  private:
    static constexpr std::chrono::seconds kTick{1};

    void start_tracker() {
        tracker_.emplace(
            environment_.ha_tracker_prefix,
            HaTracker::Environment{
                environment_.ha_tracker_store,
                environment_.limits,
                tracker_metrics_,
                tracker_random_,
                environment_.log
            }
        );
    }
    void start_distributor() {
        auto write_shard = [&ring = environment_.ingester_ring](
                               std::string_view tenant, std::size_t size
                           ) { return ring.write_shard(tenant, size); };
        auto healthy = [&ring = environment_.distributor_ring] { return ring.healthy_count(); };
        distributor_.emplace(
            environment_.options,
            Environment{
                environment_.limits,
                std::move(write_shard),
                environment_.ingesters,
                metrics_,
                std::move(healthy),
                tracker_ ? &*tracker_ : nullptr
            }
        );
        routes_ = register_routes(
            environment_.router,
            environment_.tenancy,
            *distributor_,
            tracker_ ? &*tracker_ : nullptr,
            environment_.executors.ingest
        );
        published_.emplace(environment_.slot, *distributor_);
    }
    /// The interval, give or take a fifth, so that distributors do not all do the same at once.
    std::chrono::seconds next_clean_up() {
        constexpr std::chrono::seconds kInterval = HaTracker::kCleanupInterval;
        constexpr std::uint64_t kSpread = kInterval.count() * 2 / 5;
        return kInterval * 4 / 5 + std::chrono::seconds(clean_up_random_.below(kSpread + 1));
    }

    const ModuleEnvironment environment_;
    telemetry::MetricScope scope_;
    Metrics metrics_;
    HaTrackerMetrics tracker_metrics_;
    SeededRandom tracker_random_{random_seed()};
    SeededRandom clean_up_random_{random_seed()};
    ring::Membership membership_;
    std::optional<HaTracker> tracker_;
    std::optional<Distributor> distributor_;
    std::vector<http::RouteRegistration> routes_;
    std::optional<modules::Slot<rpc::DistributorClient>::Publication> published_;
};

}  // namespace

std::unique_ptr<modules::Service> create_service(const ModuleEnvironment& environment) {
    return std::make_unique<DistributorService>(environment);
}

}  // namespace mimir::distributor
