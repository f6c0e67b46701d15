#include "telemetry/metrics.hpp"

#include <cmath>
#include <limits>
#include <thread>

#include "support/test_support.hpp"
#include "telemetry/process_metrics.hpp"

using namespace std::chrono_literals;

namespace mimir::telemetry {

TEST_SUITE("telemetry/metrics") {
    TEST_CASE("families are ordered by name and series by labels") {
        Registry registry;
        MetricScope scope(registry);
        scope.gauge("zz_queue_length", "Waiting.").set(2.5);
        auto& discarded = scope.counters("aa_discarded_total", "Discarded.", {"reason", "user"});
        discarded.with({"too_old", "b"})->add(3);
        discarded.with({"too_old", "a"})->inc();
        discarded.with({"limit", "z"})->inc();
        CHECK(
            expose(registry.collect()) ==
            "# HELP aa_discarded_total Discarded.\n"
            "# TYPE aa_discarded_total counter\n"
            "aa_discarded_total{reason=\"limit\",user=\"z\"} 1\n"
            "aa_discarded_total{reason=\"too_old\",user=\"a\"} 1\n"
            "aa_discarded_total{reason=\"too_old\",user=\"b\"} 3\n"
            "# HELP zz_queue_length Waiting.\n"
            "# TYPE zz_queue_length gauge\n"
            "zz_queue_length 2.5\n"
        );
    }

    TEST_CASE("a histogram's buckets count what is at or below their bound") {
        Registry registry;
        MetricScope scope(registry);
        Histogram& took = scope.histogram("took_seconds", "Took.", {0.5, 1, 2});
        took.observe(500ms);
        took.observe(0.75);
        took.observe(5);
        CHECK(
            expose(registry.collect()) ==
            "# HELP took_seconds Took.\n"
            "# TYPE took_seconds histogram\n"
            "took_seconds_bucket{le=\"0.5\"} 1\n"
            "took_seconds_bucket{le=\"1\"} 2\n"
            "took_seconds_bucket{le=\"2\"} 2\n"
            "took_seconds_bucket{le=\"+Inf\"} 3\n"
            "took_seconds_sum 6.25\n"
            "took_seconds_count 3\n"
        );
    }

    TEST_CASE("a scope takes its metrics with it") {
        Registry registry;
        {
            MetricScope scope(registry);
            scope.counter("a_total", "A.");
            CHECK(registry.collect().size() == 1);
        }
        CHECK(registry.collect().empty());
    }

    TEST_CASE("equal families of several scopes are one, and equal series add up") {
        Registry registry;
        MetricScope one(registry);
        MetricScope two(registry);
        one.counters("a_total", "A.", {"user"}).with({"x"})->add(1);
        two.counters("a_total", "A.", {"user"}).with({"x"})->add(2);
        two.counters("a_total", "A.", {"user"}).with({"y"})->add(5);
        one.histogram("h", "H.", {1}).observe(0.5);
        two.histogram("h", "H.", {1}).observe(3);
        CHECK(
            expose(registry.collect()) ==
            "# HELP a_total A.\n"
            "# TYPE a_total counter\n"
            "a_total{user=\"x\"} 3\n"
            "a_total{user=\"y\"} 5\n"
            "# HELP h H.\n"
            "# TYPE h histogram\n"
            "h_bucket{le=\"1\"} 1\n"
            "h_bucket{le=\"+Inf\"} 2\n"
            "h_sum 3.5\n"
            "h_count 2\n"
        );
    }

    TEST_CASE("a removed series is no longer exposed, and starts at zero when it comes back") {
        Registry registry;
        MetricScope scope(registry);
        auto& family = scope.gauges("g", "G.", {"user"});
        const auto held = family.with({"gone"});
        family.remove({"gone"});
        held->set(7);
        CHECK(registry.collect().empty());
        CHECK(family.with({"gone"})->value() == 0);
    }

    TEST_CASE("callbacks are asked at each exposition") {
        Registry registry;
        double value = 1;
        MetricScope scope(registry);
        scope.callback(MetricType::gauge, "g", "G.", [&] { return value; });
        scope.callbacks(MetricType::counter, "c", "C.", {"k"}, [&](const MetricScope::Emit& emit) {
            emit({"a"}, value);
        });
        value = 4;
        const auto families = registry.collect();
        REQUIRE(families.size() == 2);
        CHECK(families[0].samples[0].value == 4);
        CHECK(families[1].samples[0].value == 4);
    }

    TEST_CASE("help, label values and numbers are written as the text format wants") {
        Registry registry;
        MetricScope scope(registry);
        auto& family = scope.gauges("g", "Back\\slash\nand \"quotes\".", {"k"});
        family.with({"a\\b\"c\nd"})->set(std::numeric_limits<double>::infinity());
        family.with({"big"})->set(123456789012);
        family.with({"nan"})->set(std::nan(""));
        family.with({"small"})->set(1e-9);
        CHECK(
            expose(registry.collect()) ==
            "# HELP g Back\\\\slash\\nand \"quotes\".\n"
            "# TYPE g gauge\n"
            "g{k=\"a\\\\b\\\"c\\nd\"} +Inf\n"
            "g{k=\"big\"} 123456789012\n"
            "g{k=\"nan\"} NaN\n"
            "g{k=\"small\"} 1e-09\n"
        );
    }

    TEST_CASE("counting and exposing at once loses nothing") {
        Registry registry;
        MetricScope scope(registry);
        Counter& counter = scope.counter("c_total", "C.");
        auto& family = scope.counters("f_total", "F.", {"user"});
        constexpr int kRounds = 2000;
        {
            std::vector<std::jthread> threads;
            for (int t = 0; t < 3; ++t) {
                threads.emplace_back([&] {
                    for (int i = 0; i < kRounds; ++i) {
                        counter.inc();
                        counter.add(0.5);
                        family.with({i % 2 == 0 ? "even" : "odd"})->inc();
                    }
                });
            }
            for (int i = 0; i < 50; ++i) {
                MetricScope short_lived(registry);
                short_lived.counter("c_total", "C.");
                (void)expose(registry.collect());
            }
        }
        CHECK(counter.value() == 3 * kRounds * 1.5);
        CHECK(family.with({"even"})->value() == 3.0 * kRounds / 2);
    }

    TEST_CASE("a process knows what it uses") {
        Registry registry;
        MetricScope scope(registry);
        declare_process_metrics(scope);
        double resident = 0;
        double started = 0;
        double fds = 0;
        for (const auto& family : registry.collect()) {
            const double value = family.samples.at(0).value;
            if (family.name == "process_resident_memory_bytes") resident = value;
            if (family.name == "process_start_time_seconds") started = value;
            if (family.name == "process_open_fds") fds = value;
        }
        CHECK(resident > 1e5);
        CHECK(fds >= 3);
        const double now = static_cast<double>(system_clock().now().ms) / 1000;
        CHECK(started == doctest::Approx(now).epsilon(0.001));
    }
}

}  // namespace mimir::telemetry
