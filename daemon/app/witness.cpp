#include "app/witness.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "modules/manager.hpp"

namespace mimir::app {
namespace {

using namespace std::chrono_literals;

constexpr auto kInterval = 100ms;

}  // namespace

Witness::Witness(Wiring& wiring)
    : wiring_(wiring),
      begun_(wiring.clock.now()),
      before_(counts()),
      canaries_before_(wiring.canary.counts()),
      acknowledged_(std::chrono::steady_clock::now()),
      thread_([this](const std::stop_token& stop) { watch(stop); }) {}

void Witness::watch(const std::stop_token& stop) {
    ::pthread_setname_np(::pthread_self(), "witness");
    auto cancel = CancellationToken::create();
    const std::stop_callback on_stop(stop, [&] { cancel.cancel(); });
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    do {
        write(cancel);
    } while (!woken.wait_for(lock, stop, kInterval, [&] { return stop.stop_requested(); }));
}

void Witness::write(const CancellationToken& cancel) {
    const auto address = address_of("distributor");
    const auto written = address.and_then([&](const std::string& at) {
        return wiring_.canary.write(wiring_, at, cancel);
    });
    if (!written) {
        const bool was_given_up = written.error().kind == ErrorKind::canceled;
        if (report_.failure.empty() && !was_given_up) report_.failure = written.error().message;
        return;
    }
    const auto now = std::chrono::steady_clock::now();
    const auto gap = std::chrono::duration_cast<std::chrono::milliseconds>(now - acknowledged_);
    acknowledged_ = now;
    report_.longest_gap_ms =
        std::max(report_.longest_gap_ms, static_cast<std::uint64_t>(gap.count()));
}

Result<std::string> Witness::address_of(const std::string& module) const {
    const bool is_here = wiring_.manager->state(module) == modules::State::running;
    const std::string here = wiring_.identity_in(module).address;
    const auto routes = wiring_.routes.get();
    if (!routes && is_here) return here;
    std::optional<gateway::Lease> lease;
    if (routes) {
        lease = routes->acquire({
            .module = module,
            .tenant = wiring_.settings()->self_monitoring.tenant,
            .served_here = is_here,
            .now = std::chrono::steady_clock::now(),
            .in_flight_limit = std::numeric_limits<std::size_t>::max(),
        });
    }
    if (!lease) return fail(ErrorKind::unavailable, "no instance of {} is known", module);
    const gateway::Target& target = lease->target();
    return target.reach == gateway::Target::Reach::in_process ? here : target.address;
}

Witness::Counts Witness::counts() const {
    Counts counts;
    for (const telemetry::MetricFamily& family : wiring_.registry.collect()) {
        double* const all = family.name == "mimird_gateway_requests_total"  ? &counts.requests
                            : family.name == "mimird_gateway_retries_total" ? &counts.retried
                            : family.name == "mimird_gateway_parked_requests_total" ? &counts.parked
                                                                                    : nullptr;
        if (all == nullptr) continue;
        for (const telemetry::MetricSample& sample : family.samples) {
            *all += sample.value;
            const bool has_failed = std::ranges::any_of(sample.labels, [](const auto& label) {
                return label.name == "status_code" && label.value.starts_with('5');
            });
            if (has_failed) counts.failed += sample.value;
        }
    }
    return counts;
}

void Witness::count_requests() {
    if (!after_) after_ = counts();
}

api::MigrationReport Witness::finish() {
    thread_ = {};
    count_requests();
    // A gateway that was started since counts from zero.
    const auto since = [](double before, double after) {
        return static_cast<std::uint64_t>(std::max(after - before, 0.0));
    };
    report_.requests = since(before_.requests, after_->requests);
    report_.requests_failed = since(before_.failed, after_->failed);
    report_.requests_retried = since(before_.retried, after_->retried);
    report_.requests_parked = since(before_.parked, after_->parked);

    const Canary::Counts canaries = wiring_.canary.counts();
    report_.canaries = canaries.tried - canaries_before_.tried;
    report_.canaries_acknowledged = canaries.acknowledged - canaries_before_.acknowledged;
    report_.canaries_failed = report_.canaries - report_.canaries_acknowledged;
    const auto cancel = CancellationToken::create(std::chrono::steady_clock::now() + 30s);
    const auto read = address_of("query-frontend").and_then([&](const std::string& at) {
        return wiring_.canary.count(wiring_, at, begun_, cancel);
    });
    if (read) {
        report_.canaries_readable = *read;
    } else if (report_.failure.empty()) {
        report_.failure = read.error().message;
    }
    wiring_.canary.rest();
    return report_;
}

}  // namespace mimir::app
