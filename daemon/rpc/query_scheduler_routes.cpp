#include "rpc/query_scheduler_routes.hpp"

#include <utility>

#include "rpc/detail/query_scheduler_calls.hpp"
#include "wire/query_scheduler_messages.hpp"

namespace mimir::rpc {
namespace {

namespace query_scheduler_call = detail::query_scheduler_call;
using http::Request;
using http::asio::awaitable;

constexpr std::string_view kModule = "query-scheduler";
/// Of each request: an id and an address.
constexpr std::size_t kBodyBytesLimit = 64 << 10;

awaitable<Result<void>> acquire(QueryScheduler& scheduler, Request& request, FrameWriter& frames) {
    MIMIR_CO_TRY(auto assigned, co_await scheduler.acquire(request.context));
    std::string answer;
    wire::encode_slot_assignment(
        {.querier_id = std::move(assigned.querier_id),
         .address = std::move(assigned.address),
         .ticket = assigned.ticket},
        answer
    );
    frames.add(answer);
    co_return Result<void>();
}

awaitable<Result<void>> offer(
    QueryScheduler& scheduler,
    std::chrono::milliseconds held_for,
    Request& request,
    FrameWriter& frames
) {
    MIMIR_CO_TRY(auto offered, wire::decode_slot_offered(request.body));
    SlotOffer slot{
        .querier_id = std::move(offered.querier_id),
        .address = std::move(offered.address),
        .ticket = offered.ticket,
        .ended_ticket = offered.ended_ticket
    };
    const auto token =
        request.context.cancellation.with_deadline(std::chrono::steady_clock::now() + held_for);
    const auto outcome = co_await scheduler.offer(std::move(slot), token);
    if (!outcome && outcome.error().kind != ErrorKind::timeout) {
        co_return tl::unexpected(outcome.error());
    }
    std::string answer;
    wire::encode_slot_outcome({.assigned = outcome.has_value()}, answer);
    frames.add(answer);
    co_return Result<void>();
}

awaitable<Result<std::string>> end(QueryScheduler& scheduler, Request& request) {
    MIMIR_CO_TRY(const std::uint64_t ticket, wire::decode_slot_ended(request.body));
    scheduler.end(ticket);
    co_return std::string();
}

}  // namespace

std::vector<http::RouteRegistration> register_query_scheduler_routes(
    const InternalRoutes& routes,
    QueryScheduler& scheduler,
    std::chrono::milliseconds offer_held_for
) {
    std::vector<http::RouteRegistration> registered;
    registered.push_back(add_frames(
        routes,
        query_scheduler_call::kAcquire,
        std::string(kModule),
        kBodyBytesLimit,
        [&scheduler](Request& request, FrameWriter& frames) {
            return acquire(scheduler, request, frames);
        }
    ));
    registered.push_back(add_frames(
        routes,
        query_scheduler_call::kOffer,
        std::string(kModule),
        kBodyBytesLimit,
        [&scheduler, offer_held_for](Request& request, FrameWriter& frames) {
            return offer(scheduler, offer_held_for, request, frames);
        }
    ));
    registered.push_back(add_call(
        routes,
        query_scheduler_call::kEnd,
        std::string(kModule),
        kBodyBytesLimit,
        [&scheduler](Request& request) { return end(scheduler, request); }
    ));
    return registered;
}

}  // namespace mimir::rpc
