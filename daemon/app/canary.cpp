#include "app/canary.hpp"

#include "app/wiring.hpp"
#include "wave/store.hpp"

namespace mimir::app {
namespace {

constexpr std::string_view kMetric = "mimird_canary";
constexpr std::chrono::milliseconds kTimeout = std::chrono::seconds(30);
constexpr std::int64_t kSecond = 1000;

Result<std::unique_ptr<wave::Store>> store_at(const Wiring& wiring, const std::string& address) {
    MIMIR_TRY(auto endpoint, http::Endpoint::parse(address));
    endpoint.tls = endpoint.unix_path.empty() && wiring.peers_tls != nullptr;
    const auto settings = wiring.settings();
    return wave::Store::at(
        std::move(endpoint),
        settings->query_frontend.prometheus_http_prefix,
        {
            .tenant = settings->self_monitoring.tenant,
            .write_timeout = kTimeout,
            .read_timeout = kTimeout,
            .tls = wiring.peers_tls,
        }
    );
}

}  // namespace

Result<void> Canary::write(
    Wiring& wiring, const std::string& address, const CancellationToken& cancel
) {
    MIMIR_TRY(const auto store, store_at(wiring, address));
    // At whole seconds, and none of them twice.
    const std::int64_t last = written_.with([](TimestampMs time) { return time.ms; });
    const std::int64_t second = std::max(wiring.clock.now().ms, last + kSecond) / kSecond;
    const TimestampMs time{second * kSecond};

    model::WriteRequest request;
    request.add(
        model::Labels{{"__name__", kMetric}, {"instance", wiring.identity->identity.id}},
        {time, static_cast<double>(second)}
    );
    const wave::Pushed pushed = store->push(request, cancel);
    MIMIR_TRY(cancel.check());
    if (!pushed.taken()) {
        return fail(
            ErrorKind::unavailable, "a canary write was answered {}: {}", pushed.status, pushed.why
        );
    }
    written_.with([&](TimestampMs& written) { written = time; });
    return {};
}

Result<void> Canary::read(
    Wiring& wiring, const std::string& address, const CancellationToken& cancel
) {
    MIMIR_TRY(const auto store, store_at(wiring, address));
    const TimestampMs written = written_.with([](TimestampMs time) { return time; });
    const bool has_written = written.ms != 0;
    const TimestampMs time = has_written ? written : wiring.clock.now();
    const auto wanted = static_cast<double>(has_written ? written.ms / kSecond : 1);
    const std::string expression =
        has_written ? fmt::format("{}{{instance=\"{}\"}}", kMetric, wiring.identity->identity.id)
                    : "vector(1)";
    MIMIR_TRY(const wave::Answer answer, store->query(expression, time, cancel));
    const bool is_right = answer.size() == 1 && answer.front().points.size() == 1 &&
                          answer.front().points.front().value == wanted;
    if (is_right) return {};
    return fail(
        ErrorKind::corrupt,
        "a canary query for {} was not answered with {}: {}",
        expression,
        wanted,
        answer.empty() ? "with nothing" : "with something else"
    );
}

}  // namespace mimir::app
