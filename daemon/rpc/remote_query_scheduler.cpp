#include "rpc/remote_query_scheduler.hpp"

#include <utility>

#include "rpc/detail/await_done.hpp"
#include "rpc/detail/query_scheduler_calls.hpp"
#include "wire/query_scheduler_messages.hpp"

namespace mimir::rpc {
namespace {

namespace asio = http::asio;
namespace query_scheduler_call = detail::query_scheduler_call;
using Opened = Result<std::unique_ptr<FrameStream>>;

/// Peer::open(), awaited. Cancelling the task that awaits it cancels the call.
asio::awaitable<Opened> open(
    std::shared_ptr<Peer> peer, RequestContext context, std::string_view call, std::string body
) {
    context.cancellation = context.cancellation.child();
    auto shared_body = std::make_shared<const std::string>(std::move(body));
    auto begin = [&](Done<std::unique_ptr<FrameStream>> done) {
        peer->open(context, call, std::move(shared_body), {}, std::move(done));
    };
    co_return co_await detail::await_done<std::unique_ptr<FrameStream>>(
        context.cancellation, begin
    );
}

/// The one frame of an answer that may be long in coming.
asio::awaitable<Result<std::string>> ask(
    std::shared_ptr<Peer> peer, RequestContext context, std::string_view call, std::string body
) {
    MIMIR_CO_TRY(const auto stream, co_await open(peer, std::move(context), call, std::move(body)));
    MIMIR_CO_TRY(const std::string_view frame, co_await stream->next());
    if (frame.empty()) co_return fail(ErrorKind::corrupt, "{}: an empty answer", peer->address());
    std::string answer(frame);
    // To the end, so that the connection is of use again.
    MIMIR_CO_TRY(const std::string_view end, co_await stream->next());
    if (!end.empty()) co_return fail(ErrorKind::corrupt, "{}: two answers", peer->address());
    co_return answer;
}

}  // namespace

RemoteQueryScheduler::RemoteQueryScheduler(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}

RemoteQueryScheduler::Answer<Assignment> RemoteQueryScheduler::acquire(RequestContext context) {
    const std::shared_ptr<Peer> peer = peer_;
    MIMIR_CO_TRY(
        const std::string answer,
        co_await ask(peer, std::move(context), query_scheduler_call::kAcquire, "")
    );
    auto decoded = with_context(wire::decode_slot_assignment(answer), peer->address());
    MIMIR_CO_TRY(auto assigned, std::move(decoded));
    co_return Assignment{
        .querier_id = std::move(assigned.querier_id),
        .address = std::move(assigned.address),
        .ticket = assigned.ticket
    };
}

RemoteQueryScheduler::Answer<void> RemoteQueryScheduler::offer(
    SlotOffer offer, CancellationToken token
) {
    const std::shared_ptr<Peer> peer = peer_;
    std::string message;
    wire::encode_slot_offered(
        {.querier_id = std::move(offer.querier_id),
         .address = std::move(offer.address),
         .ticket = offer.ticket,
         .ended_ticket = offer.ended_ticket},
        message
    );
    for (;;) {
        RequestContext context{.tenant = {}, .cancellation = token, .trace_id = {}};
        MIMIR_CO_TRY(
            const std::string answer,
            co_await ask(peer, std::move(context), query_scheduler_call::kOffer, message)
        );
        auto decoded = with_context(wire::decode_slot_outcome(answer), peer->address());
        MIMIR_CO_TRY(const auto outcome, std::move(decoded));
        if (outcome.assigned) co_return Result<void>();
    }
}

void RemoteQueryScheduler::end(std::uint64_t ticket) {
    auto body = std::make_shared<std::string>();
    wire::encode_slot_ended(ticket, *body);
    peer_->call({}, query_scheduler_call::kEnd, std::move(body), {}, [](const auto&) {
        // What is lost, the scheduler forgets after a while.
    });
}

}  // namespace mimir::rpc
