#include "app/canary.hpp"

#include <algorithm>

#include "app/wiring.hpp"

namespace mimir::app {
namespace {

constexpr std::string_view kMetric = "mimird_canary";
constexpr std::chrono::milliseconds kTimeout = std::chrono::seconds(30);
constexpr std::int64_t kSecond = 1000;

std::string selector(const Wiring& wiring) {
    return fmt::format("{}{{instance=\"{}\"}}", kMetric, wiring.identity->identity.id);
}

/// Queries are of whole seconds: the first at which the sample is there.
TimestampMs second_after(TimestampMs time) {
    return TimestampMs{(time.ms + kSecond - 1) / kSecond * kSecond};
}

}  // namespace

Result<wave::Store*> Canary::store_at(const Wiring& wiring, const std::string& address) {
    auto& store = stores_[address];
    if (store) return store.get();
    MIMIR_TRY(auto endpoint, http::Endpoint::parse(address));
    endpoint.tls = endpoint.unix_path.empty() && wiring.peers_tls != nullptr;
    const auto settings = wiring.settings();
    store = wave::Store::at(
        std::move(endpoint),
        settings->query_frontend.prometheus_http_prefix,
        {
            .tenant = settings->self_monitoring.tenant,
            .write_timeout = kTimeout,
            .read_timeout = kTimeout,
            .tls = wiring.peers_tls,
        }
    );
    return store.get();
}

Result<void> Canary::write(
    Wiring& wiring, const std::string& address, const CancellationToken& cancel
) {
    const std::lock_guard lock(mutex_);
    MIMIR_TRY(wave::Store* const store, store_at(wiring, address));
    tried_.ms = std::max(wiring.clock.now().ms, tried_.ms + 1);
    model::WriteRequest request;
    request.add(
        model::Labels{{"__name__", kMetric}, {"instance", wiring.identity->identity.id}},
        {tried_, static_cast<double>(tried_.ms)}
    );
    const wave::Pushed pushed = store->push(request, cancel);
    MIMIR_TRY(cancel.check());
    ++counts_.tried;
    if (!pushed.taken()) {
        return fail(
            ErrorKind::unavailable, "a canary write was answered {}: {}", pushed.status, pushed.why
        );
    }
    ++counts_.acknowledged;
    acknowledged_ = tried_;
    return {};
}

Result<void> Canary::read(
    Wiring& wiring, const std::string& address, const CancellationToken& cancel
) {
    const std::lock_guard lock(mutex_);
    MIMIR_TRY(wave::Store* const store, store_at(wiring, address));
    const bool has_written = acknowledged_.ms != 0;
    const std::string expression = has_written ? selector(wiring) : "vector(1)";
    const auto wanted = has_written ? static_cast<double>(acknowledged_.ms) : 1;
    const TimestampMs time = has_written ? second_after(acknowledged_) : wiring.clock.now();
    MIMIR_TRY(const wave::Answer answer, store->query(expression, time, cancel));
    // One that was not acknowledged may be there all the same.
    const bool is_right = answer.size() == 1 && answer.front().points.size() == 1 &&
                          answer.front().points.front().value >= wanted;
    if (is_right) return {};
    return fail(
        ErrorKind::corrupt,
        "a canary query for {} was answered with {}, not with {}",
        expression,
        answer.empty() ? "nothing" : "something else",
        wanted
    );
}

Result<std::uint64_t> Canary::count(
    Wiring& wiring, const std::string& address, TimestampMs since, const CancellationToken& cancel
) {
    const std::lock_guard lock(mutex_);
    if (acknowledged_ <= since) return std::uint64_t{0};
    MIMIR_TRY(wave::Store* const store, store_at(wiring, address));
    const TimestampMs time = second_after(acknowledged_);
    const std::string expression =
        fmt::format("count_over_time({}[{}ms])", selector(wiring), time.ms - since.ms);
    MIMIR_TRY(const wave::Answer answer, store->query(expression, time, cancel));
    if (answer.empty() || answer.front().points.empty()) return std::uint64_t{0};
    return static_cast<std::uint64_t>(answer.front().points.front().value);
}

Canary::Counts Canary::counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

void Canary::rest() {
    const std::lock_guard lock(mutex_);
    stores_.clear();
}

}  // namespace mimir::app
