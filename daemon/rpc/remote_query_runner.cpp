#include "rpc/remote_query_runner.hpp"

#include <boost/asio/co_spawn.hpp>

#include "base/assert.hpp"
#include "rpc/detail/await_done.hpp"
#include "rpc/detail/list_answer.hpp"
#include "rpc/detail/query_request.hpp"
#include "rpc/detail/query_result_reader.hpp"
#include "rpc/detail/query_runner_calls.hpp"
#include "rpc/detail/remote_series_set.hpp"
#include "rpc/remote_ingester.hpp"
#include "wire/ingester_messages.hpp"

namespace mimir::rpc {
namespace {

namespace querier_call = detail::querier_call;
using http::asio::awaitable;

template <class Reader>
awaitable<Result<typename Reader::Answer>> read_frames(
    std::unique_ptr<FrameStream> stream, std::size_t bytes_limit, Reader reader
) {
    std::size_t bytes = 0;
    for (;;) {
        MIMIR_CO_TRY(const std::string_view frame, co_await stream->next());
        if (frame.empty()) co_return reader.finish();
        bytes += frame.size();
        if (bytes > bytes_limit) {
            co_return fail(
                ErrorKind::limit, "the answer of a querier has more than {} bytes", bytes_limit
            );
        }
        MIMIR_CO_TRY(reader.add(frame));
    }
}

/// Reads the answer where its stream reads ahead: the caller's coroutine is resumed once.
template <class Reader>
Done<std::unique_ptr<FrameStream>> reading(
    Reader reader, std::size_t bytes_limit, Done<typename Reader::Answer> done
) {
    using Answer = Result<typename Reader::Answer>;
    return [=](Result<std::unique_ptr<FrameStream>> opened) {
        if (!opened) return done(tl::unexpected(std::move(opened).error()));
        const auto executor = (*opened)->executor();
        auto on_end = [done](const std::exception_ptr& error, Answer answer) {
            MIMIR_ASSERT(error == nullptr, "coroutines return their errors");
            done(std::move(answer));
        };
        auto frames = read_frames(*std::move(opened), bytes_limit, reader);
        http::asio::co_spawn(executor, std::move(frames), std::move(on_end));
    };
}

std::string encoded(const wire::SelectionRequest& request) {
    std::string body;
    wire::encode_selection_request(request, body);
    return body;
}

std::string encoded(SelectionQuery query, std::string label = {}) {
    return encoded(wire::SelectionRequest{
        .selectors = std::move(query.selectors),
        .range = query.range,
        .label = std::move(label),
        .limit = query.limit
    });
}

}  // namespace

RemoteQueryRunner::RemoteQueryRunner(
    std::shared_ptr<Peer> peer, std::uint64_t ticket, std::size_t answer_bytes_limit
)
    : peer_(std::move(peer)), ticket_(ticket), answer_bytes_limit_(answer_bytes_limit) {}

QueryRunner::Answer<promql::QueryResult> RemoteQueryRunner::query(
    RequestContext context, promql::Query query, promql::ExprPtr expr
) {
    std::string body;
    detail::encode_query_request(query, *expr, body);
    return ask(
        std::move(context), querier_call::kQuery, std::move(body), detail::QueryResultReader()
    );
}

QueryRunner::Answer<Selection<model::Labels>> RemoteQueryRunner::series(
    RequestContext context, SelectionQuery query
) {
    return ask(
        std::move(context),
        querier_call::kSeries,
        encoded(std::move(query)),
        detail::SelectionReader<model::Labels>(wire::decode_label_sets)
    );
}

QueryRunner::Answer<Selection<std::string>> RemoteQueryRunner::label_names(
    RequestContext context, SelectionQuery query
) {
    return ask(
        std::move(context),
        querier_call::kLabelNames,
        encoded(std::move(query)),
        detail::SelectionReader<std::string>(wire::decode_strings)
    );
}

QueryRunner::Answer<Selection<std::string>> RemoteQueryRunner::label_values(
    RequestContext context, std::string name, SelectionQuery query
) {
    return ask(
        std::move(context),
        querier_call::kLabelValues,
        encoded(std::move(query), std::move(name)),
        detail::SelectionReader<std::string>(wire::decode_strings)
    );
}

QueryRunner::Answer<std::vector<model::SeriesExemplars>> RemoteQueryRunner::exemplars(
    RequestContext context, SelectionQuery query
) {
    return ask(
        std::move(context),
        querier_call::kExemplars,
        encoded(std::move(query)),
        detail::ListReader<model::SeriesExemplars>(wire::decode_series_exemplars)
    );
}

QueryRunner::Answer<std::vector<model::MetricMetadata>> RemoteQueryRunner::metadata(
    RequestContext context, MetadataQuery query
) {
    std::string body;
    wire::encode_metadata_request(
        {.metric = std::move(query.metric),
         .metrics_limit = query.metrics_limit,
         .per_metric_limit = query.per_metric_limit},
        body
    );
    return ask(
        std::move(context),
        querier_call::kMetadata,
        std::move(body),
        detail::ListReader<model::MetricMetadata>(wire::decode_metric_metadata)
    );
}

QueryRunner::Answer<std::unique_ptr<chunkenc::SeriesSet>> RemoteQueryRunner::select(
    RequestContext context, model::Matchers matchers, TimeRange range
) {
    using Found = std::unique_ptr<chunkenc::SeriesSet>;
    context.cancellation = context.cancellation.child();
    const auto body = std::make_shared<const std::string>(
        encoded(wire::SelectionRequest{.selectors = {std::move(matchers)}, .range = range})
    );
    auto call = [&](Done<Found> done) {
        auto opened = [done = std::move(done)](Result<std::unique_ptr<FrameStream>> stream) {
            if (!stream) return done(tl::unexpected(std::move(stream).error()));
            detail::read_selection(
                *std::move(stream), {.labels_bytes = kSelectionLabelsBytesLimit}, done
            );
        };
        peer_->open(context, querier_call::kSelect, body, headers(), std::move(opened));
    };
    co_return co_await detail::await_done<Found>(context.cancellation, call);
}

template <class Reader>
QueryRunner::Answer<typename Reader::Answer> RemoteQueryRunner::ask(
    RequestContext context, std::string_view call, std::string body, Reader reader
) const {
    using Found = typename Reader::Answer;
    context.cancellation = context.cancellation.child();
    const auto shared_body = std::make_shared<const std::string>(std::move(body));
    auto begin = [&](Done<Found> done) {
        auto opened = reading(std::move(reader), answer_bytes_limit_, std::move(done));
        peer_->open(context, call, shared_body, headers(), std::move(opened));
    };
    co_return co_await detail::await_done<Found>(context.cancellation, begin);
}

http::Headers RemoteQueryRunner::headers() const {
    http::Headers headers;
    headers.add(detail::header::kTicket, std::to_string(ticket_));
    return headers;
}

}  // namespace mimir::rpc
