#include "components/self_monitoring/self_monitoring.hpp"

#include <algorithm>
#include <thread>

#include "components/self_monitoring/module.hpp"
#include "model/sample.hpp"
#include "support/test_support.hpp"

namespace mimir::self_monitoring {
namespace {

using test::labels;

const TimestampMs kNow{1'700'000'000'000};

/// The value of a series in a request; NaN when it has none.
double value_of(const model::WriteRequest& request, const model::Labels& wanted) {
    for (const model::WriteSeries& series : request.series) {
        if (series.labels == wanted.view()) return request.samples_of(series)[0].value;
    }
    return model::kNormalNan;
}

/// A distributor that keeps what it is given.
class FakeDistributor final : public rpc::DistributorClient {
  public:
    void push(
        const rpc::RequestContext& context,
        std::shared_ptr<model::WriteRequest> request,
        rpc::Done<void> done
    ) override {
        {
            std::lock_guard lock(mutex_);
            tenant = context.tenant->str();
            series = request->series.size();
            ++pushes;
        }
        done(fails ? Result<void>(fail(ErrorKind::limit, "too much")) : Result<void>());
    }
    int count() {
        std::lock_guard lock(mutex_);
        return pushes;
    }

    std::string tenant;
    std::size_t series = 0;
    std::atomic<bool> fails = false;

  private:
    std::mutex mutex_;
    int pushes = 0;
};

}  // namespace

TEST_SUITE("self_monitoring") {
    TEST_CASE("what is exposed is pushed, with job and instance") {
        telemetry::Registry registry;
        telemetry::MetricScope scope(registry);
        scope.counters("c_total", "Help.", {"user"}).with({"a"})->add(3);
        scope.histogram("h", "H.", {1}).observe(0.5);
        const auto request = Scraper("host:1").scrape(registry.collect(), kNow);

        CHECK(value_of(request, labels(R"(up{job="mimird",instance="host:1"})")) == 1);
        CHECK(
            value_of(request, labels(R"(c_total{job="mimird",instance="host:1",user="a"})")) == 3
        );
        CHECK(
            value_of(request, labels(R"(h_bucket{job="mimird",instance="host:1",le="+Inf"})")) == 1
        );
        CHECK(value_of(request, labels(R"(h_sum{job="mimird",instance="host:1"})")) == 0.5);
        CHECK(std::ranges::all_of(request.samples, [](const model::Sample& s) {
            return s.time == kNow;
        }));
        REQUIRE(request.metadata.size() == 2);
        CHECK(request.metadata[0].metric == "c_total");
        CHECK(request.metadata[0].metadata.type == model::MetricType::counter);
        CHECK(request.metadata[0].metadata.help == "Help.");
    }

    TEST_CASE("a series that went is marked stale, once") {
        telemetry::Registry registry;
        Scraper scraper("host:1");
        const auto gone = labels(R"(g{job="mimird",instance="host:1"})");
        {
            telemetry::MetricScope scope(registry);
            scope.gauge("g", "G.").set(1);
            CHECK(value_of(scraper.scrape(registry.collect(), kNow), gone) == 1);
        }
        CHECK(model::is_stale(value_of(scraper.scrape(registry.collect(), kNow), gone)));
        const auto third = scraper.scrape(registry.collect(), kNow);
        CHECK(third.series.size() == 1);  // up
    }

    TEST_CASE("the module pushes at once and each interval, and outlives refusals") {
        telemetry::Registry registry;
        modules::Slot<rpc::DistributorClient> slot;
        FakeDistributor distributor;
        const modules::Slot<rpc::DistributorClient>::Publication published(slot, distributor);
        const Options options{
            .enabled = true, .tenant = "ops", .interval = std::chrono::milliseconds(1)
        };
        auto service = create_service({
            .options = options,
            .instance = "host:1",
            .distributor = slot,
            .registry = registry,
            .log = {},
            .clock = system_clock(),
        });
        REQUIRE_OK(service);
        REQUIRE_OK((*service)->start({}));
        distributor.fails = true;
        {
            std::jthread running([&](const std::stop_token& stop) {
                CHECK((*service)->run(stop).has_value());
            });
            CHECK(test::eventually(std::chrono::seconds(5), [&] {
                return distributor.count() >= 3;
            }));
        }
        CHECK(distributor.tenant == "ops");
        CHECK(distributor.series == 1);
        REQUIRE_OK((*service)->stop(std::chrono::milliseconds(0)));
    }
}

}  // namespace mimir::self_monitoring
