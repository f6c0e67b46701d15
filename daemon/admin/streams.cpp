#include "admin/streams.hpp"

#include <chrono>

#include "api/json.hpp"
#include "runtime/run_on.hpp"

namespace mimir::admin {
namespace {

using http::asio::awaitable;
using namespace std::chrono_literals;

/// How soon a stream notices that its client is gone or that the daemon stops.
constexpr auto kLookEvery = 250ms;
/// An empty line so often keeps idle streams alive.
constexpr auto kKeepAliveEvery = 15s;
constexpr std::size_t kBatch = 256;

/// New lines of a stream, and whether they are its last.
struct News {
    std::string lines;
    bool last = false;
};
/// Called on the pool, again and again; nothing new is no lines.
using Ask = std::function<Result<News>()>;

awaitable<Result<void>> tell(
    RouteEnvironment environment, Ask ask, CancellationToken cancellation, http::BodyWriter& out
) {
    // At once, so that the client has the head of the response before there is news.
    auto spoken = std::chrono::steady_clock::now() - kKeepAliveEvery;
    const auto job = [&ask] { return ask(); };
    for (;;) {
        const std::uint64_t seen = environment.bell.rings();
        MIMIR_CO_TRY(News news, co_await runtime::run_on(environment.pool, job));
        const auto now = std::chrono::steady_clock::now();
        if (news.lines.empty() && now - spoken >= kKeepAliveEvery) news.lines = "\n";
        if (!news.lines.empty()) {
            MIMIR_CO_TRY(co_await out.write(news.lines));
            spoken = now;
        }
        if (news.last) co_return Result<void>();
        MIMIR_CO_TRY(cancellation.check());
        co_await environment.bell.wait(seen, kLookEvery);
    }
}

Result<http::Response> stream_of(
    const RouteEnvironment& environment, Ask ask, CancellationToken cancellation
) {
    MIMIR_TRY(auto place, environment.streams.take());
    http::Response response;
    response.headers = {
        {"Content-Type", "application/x-ndjson"},
        {"Cache-Control", "no-store"},
    };
    response.endless = true;
    response.stream = [environment,
                       place = std::move(place),
                       ask = std::move(ask),
                       cancellation = std::move(cancellation)](http::BodyWriter& out) {
        return tell(environment, ask, cancellation, out);
    };
    return response;
}

}  // namespace

Result<std::shared_ptr<const void>> StreamPlaces::take() {
    struct Place {
        explicit Place(std::atomic<std::size_t>& t) : taken(t) {}
        ~Place() { --taken; }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        std::atomic<std::size_t>& taken;
    };
    const std::size_t before = taken_++;
    auto place = std::make_shared<const Place>(taken_);
    if (before >= limit_) {
        return fail(ErrorKind::unavailable, "{} streams are followed already", limit_);
    }
    return place;
}

Result<http::Response> watch_operation(
    const RouteEnvironment& environment,
    std::string id,
    std::uint64_t after,
    CancellationToken cancellation
) {
    auto ask = [&control = environment.control, id = std::move(id), known = after](
               ) mutable -> Result<News> {
        MIMIR_TRY(const auto operation, control.environment().runner.find(id));
        News news{.lines = {}, .last = has_ended(operation.state)};
        if (operation.version > known) news.lines = api::to_json(operation) + "\n";
        known = std::max(known, operation.version);
        return news;
    };
    return stream_of(environment, std::move(ask), std::move(cancellation));
}

Result<http::Response> follow_events(
    const RouteEnvironment& environment, std::uint64_t cursor, CancellationToken cancellation
) {
    auto ask = [&control = environment.control, cursor]() mutable -> Result<News> {
        News news;
        for (const api::Event& event : control.environment().events.after(cursor, kBatch)) {
            news.lines += api::to_json(event) + "\n";
            cursor = event.cursor;
        }
        return news;
    };
    return stream_of(environment, std::move(ask), std::move(cancellation));
}

}  // namespace mimir::admin
