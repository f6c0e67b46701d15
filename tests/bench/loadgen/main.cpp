// Sends remote write 1.0 as a fleet of Prometheus servers would: series that do not change from run to run, with
// realistic labels and values, as fast as the server takes them or at a rate.

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "loadgen/sender.hpp"

namespace {

using namespace mimir;
using namespace mimir::loadgen;

std::atomic<bool> stop = false;

struct Arguments {
    std::string url = "http://localhost:8080/api/v1/push";
    Plan plan;
    SendOptions send;
    double start_seconds = 0;
    double interval_seconds = 15;
    std::int64_t duration_seconds = 0;
    std::int64_t retry_seconds = 60;
    bool json = false;
};

void declare(CLI::App& app, Arguments& a) {
    app.add_option("--url", a.url, "The push API")->capture_default_str();
    app.add_option("--tenant", a.send.tenant, "X-Scope-OrgID");
    app.add_option("--series", a.plan.series, "Active series")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--churn", a.plan.churn, "Series replaced by new ones each round")
        ->capture_default_str();
    app.add_option("--samples-per-request", a.send.samples_per_request, "One of each series")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--rate", a.send.rate, "Samples a second; 0: as fast as accepted")
        ->capture_default_str();
    app.add_option("--rounds", a.send.rounds, "Samples of each series; 0: until --duration")
        ->capture_default_str();
    app.add_option("--duration", a.duration_seconds, "Seconds; 0: until --rounds");
    app.add_option("--interval", a.interval_seconds, "Seconds between samples of a series")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option(
        "--start", a.start_seconds, "Unix time of the first round; default: so that the last is now"
    );
    app.add_option("--concurrency", a.send.concurrency, "Requests at once")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--retry-for", a.retry_seconds, "Seconds to repeat what meets 429, 5xx, nobody")
        ->capture_default_str();
    app.add_flag("--json", a.json, "Report as JSON");
}

/// Splits the URL into where to connect and what to ask for.
Result<void> set_url(Arguments& a) {
    const std::size_t scheme = a.url.find("://");
    const std::size_t authority = scheme == std::string::npos ? 0 : scheme + 3;
    const std::size_t path = std::min(a.url.find('/', authority), a.url.size());
    MIMIR_TRY(a.send.endpoint, http::Endpoint::parse(a.url.substr(0, path)));
    if (path < a.url.size()) a.send.target = a.url.substr(path);
    return {};
}

void set_times(Arguments& a) {
    a.plan.interval = std::chrono::milliseconds(std::llround(a.interval_seconds * 1000));
    a.send.duration = std::chrono::seconds(a.duration_seconds);
    a.send.retry_for = std::chrono::seconds(a.retry_seconds);
    a.plan.start =
        a.start_seconds > 0
            ? TimestampMs{std::llround(a.start_seconds * 1000)}
            : system_clock().now() - a.plan.interval * static_cast<std::int64_t>(a.send.rounds);
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void print_json(const Arguments& a, const SendReport& r) {
    const nlohmann::json report = {
        {"series", a.plan.series},
        {"churn", a.plan.churn},
        {"start_ms", a.plan.start.ms},
        {"interval_ms", a.plan.interval.count()},
        {"rounds", r.rounds},
        {"requests", r.requests},
        {"samples", r.samples},
        {"samples_lost", r.samples_lost},
        {"bytes", r.bytes},
        {"errors", r.errors},
        {"first_error", r.first_error},
        {"elapsed_seconds", std::chrono::duration<double>(r.elapsed).count()},
        {"samples_per_second", r.samples_per_second()},
        {"latency_ms",
         {{"p50", r.latency_ms(0.5)},
          {"p90", r.latency_ms(0.9)},
          {"p99", r.latency_ms(0.99)},
          {"max", r.latency_ms(1)}}},
        {"cpu_seconds", cpu_seconds()},
    };
    fmt::print("{}\n", report.dump(2));
}

void print_text(const Arguments& a, const SendReport& r) {
    fmt::print("series         {}, {} replaced each round\n", a.plan.series, a.plan.churn);
    fmt::print(
        "acknowledged   {} samples in {} requests, {} rounds\n", r.samples, r.requests, r.rounds
    );
    fmt::print(
        "throughput     {:.0f} samples/s, {:.1f} MB/s compressed\n",
        r.samples_per_second(),
        static_cast<double>(r.bytes) / 1e6 / std::chrono::duration<double>(r.elapsed).count()
    );
    fmt::print(
        "latency        p50 {:.1f}  p90 {:.1f}  p99 {:.1f}  max {:.1f} ms\n",
        r.latency_ms(0.5),
        r.latency_ms(0.9),
        r.latency_ms(0.99),
        r.latency_ms(1)
    );
    fmt::print("generator      {:.2f} s of CPU\n", cpu_seconds());
    for (const auto& [what, count] : r.errors) fmt::print("errors         {}: {}\n", what, count);
    if (!r.first_error.empty()) fmt::print("first error    {}\n", r.first_error);
    if (r.samples_lost > 0) fmt::print("lost           {} samples\n", r.samples_lost);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Sends remote write 1.0 to a server, to measure it", "mimird_loadgen");
    Arguments arguments;
    declare(app, arguments);
    CLI11_PARSE(app, argc, argv);
    if (const auto parsed = set_url(arguments); !parsed) {
        fmt::print(stderr, "{}\n", parsed.error().message);
        return 2;
    }
    if (arguments.send.rounds == 0 && arguments.duration_seconds == 0) {
        fmt::print(stderr, "give --rounds or --duration\n");
        return 2;
    }
    set_times(arguments);
    for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { stop = true; });

    const SendReport report = send(arguments.plan, arguments.send, stop);
    (arguments.json ? print_json : print_text)(arguments, report);
    return report.samples_lost == 0 && report.samples > 0 ? 0 : 1;
}
