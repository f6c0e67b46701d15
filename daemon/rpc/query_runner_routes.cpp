#include "rpc/query_runner_routes.hpp"

#include <charconv>

#include "rpc/detail/list_answer.hpp"
#include "rpc/detail/query_request.hpp"
#include "rpc/detail/query_result_writer.hpp"
#include "rpc/detail/query_runner_calls.hpp"
#include "rpc/detail/write_selection.hpp"
#include "runtime/run_on.hpp"
#include "wire/ingester_messages.hpp"

namespace mimir::rpc {
namespace {

namespace querier_call = detail::querier_call;
using http::Request;
using http::asio::awaitable;
using RunnerPtr = std::shared_ptr<QueryRunner>;

constexpr std::size_t kQuestionBytesLimit = 10 << 20;
/// Shorter questions are parsed in less time than another thread takes to wake up.
constexpr std::size_t kSmallQuestionBytes = 1 << 10;

struct Service {
    TicketedQuerier& querier;
    QueryRunnerServing serving;
};

/// Lets the call in.
Result<RunnerPtr> runner_of(const Service& service, const Request& request) {
    if (!request.context.tenant) return fail(ErrorKind::invalid, "no org id");
    const std::string_view text = request.headers.get(detail::header::kTicket).value_or("");
    std::uint64_t ticket = 0;
    const char* end = text.data() + text.size();
    const auto [read, error] = std::from_chars(text.data(), end, ticket);
    if (error != std::errc() || read != end) {
        return fail(ErrorKind::invalid, "{}: \"{}\" is no number", detail::header::kTicket, text);
    }
    return service.querier.runner(ticket);
}

/// Decodes a question: here when it is short, else on the pool.
template <class Decode>
awaitable<std::invoke_result_t<Decode&>> decoded(
    const Service& service, const Request& request, Decode decode
) {
    if (request.body.size() <= kSmallQuestionBytes) co_return decode();
    co_return co_await runtime::run_on(
        service.serving.query, tenant_of(request.context), std::move(decode)
    );
}

awaitable<Result<wire::SelectionRequest>> selection_of(
    const Service& service, const Request& request
) {
    return decoded(service, request, [&] { return wire::decode_selection_request(request.body); });
}

/// The frames that the writer makes: here when they are few, else on the pool, which lets go until the socket has
/// taken each.
template <class Writer>
awaitable<Result<void>> write_answer(
    const Service& service, const Request& request, Writer writer, FrameWriter& frames
) {
    std::string frame;
    if (writer.is_small()) {
        for (writer.next(frame); !frame.empty(); writer.next(frame)) frames.add(frame);
        co_return Result<void>();
    }
    const std::string tenant = tenant_of(request.context);
    auto job = [&]() -> Result<void> {
        MIMIR_TRY(request.context.cancellation.check());
        writer.next(frame);
        return {};
    };
    for (;;) {
        MIMIR_CO_TRY(co_await runtime::run_on(service.serving.query, tenant, job));
        if (frame.empty()) co_return Result<void>();
        MIMIR_CO_TRY(co_await frames.write(frame));
    }
}

awaitable<Result<void>> query(const Service& service, Request& request, FrameWriter& frames) {
    MIMIR_CO_TRY(const RunnerPtr runner, runner_of(service, request));
    auto decode = [&] {
        return detail::decode_query_request(request.body, service.serving.parser);
    };
    MIMIR_CO_TRY(auto asked, co_await decoded(service, request, decode));
    auto& [query, expr] = asked;
    MIMIR_CO_TRY(
        const auto result,
        co_await runner->query(request.context, std::move(query), std::move(expr))
    );
    co_return co_await write_answer(service, request, detail::QueryResultWriter(result), frames);
}

SelectionQuery query_of(wire::SelectionRequest asked) {
    return {.selectors = std::move(asked.selectors), .range = asked.range, .limit = asked.limit};
}

template <class T>
detail::ListWriter<T> writer_of(
    const Selection<T>& selection, typename detail::ListWriter<T>::Encode encode
) {
    return {selection.found, encode, selection.truncated};
}

awaitable<Result<void>> series(const Service& service, Request& request, FrameWriter& frames) {
    MIMIR_CO_TRY(const RunnerPtr runner, runner_of(service, request));
    MIMIR_CO_TRY(auto asked, co_await selection_of(service, request));
    MIMIR_CO_TRY(
        const auto found, co_await runner->series(request.context, query_of(std::move(asked)))
    );
    auto writer = writer_of(found, wire::encode_label_sets);
    co_return co_await write_answer(service, request, std::move(writer), frames);
}

awaitable<Result<void>> label_names(const Service& service, Request& request, FrameWriter& frames) {
    MIMIR_CO_TRY(const RunnerPtr runner, runner_of(service, request));
    MIMIR_CO_TRY(auto asked, co_await selection_of(service, request));
    MIMIR_CO_TRY(
        const auto found, co_await runner->label_names(request.context, query_of(std::move(asked)))
    );
    auto writer = writer_of(found, wire::encode_strings);
    co_return co_await write_answer(service, request, std::move(writer), frames);
}

awaitable<Result<void>> label_values(
    const Service& service, Request& request, FrameWriter& frames
) {
    MIMIR_CO_TRY(const RunnerPtr runner, runner_of(service, request));
    MIMIR_CO_TRY(auto asked, co_await selection_of(service, request));
    std::string label = std::move(asked.label);
    MIMIR_CO_TRY(
        const auto found,
        co_await runner->label_values(request.context, std::move(label), query_of(std::move(asked)))
    );
    auto writer = writer_of(found, wire::encode_strings);
    co_return co_await write_answer(service, request, std::move(writer), frames);
}

awaitable<Result<void>> exemplars(const Service& service, Request& request, FrameWriter& frames) {
    MIMIR_CO_TRY(const RunnerPtr runner, runner_of(service, request));
    MIMIR_CO_TRY(auto asked, co_await selection_of(service, request));
    MIMIR_CO_TRY(
        const auto found, co_await runner->exemplars(request.context, query_of(std::move(asked)))
    );
    detail::ListWriter<model::SeriesExemplars> writer(found, wire::encode_series_exemplars);
    co_return co_await write_answer(service, request, std::move(writer), frames);
}

awaitable<Result<void>> metadata(const Service& service, Request& request, FrameWriter& frames) {
    MIMIR_CO_TRY(const RunnerPtr runner, runner_of(service, request));
    MIMIR_CO_TRY(auto asked, wire::decode_metadata_request(request.body));
    MetadataQuery query{
        .metric = std::move(asked.metric),
        .metrics_limit = asked.metrics_limit,
        .per_metric_limit = asked.per_metric_limit
    };
    MIMIR_CO_TRY(const auto found, co_await runner->metadata(request.context, std::move(query)));
    detail::ListWriter<model::MetricMetadata> writer(found, wire::encode_metric_metadata);
    co_return co_await write_answer(service, request, std::move(writer), frames);
}

awaitable<Result<void>> select(const Service& service, Request& request, FrameWriter& frames) {
    using Found = std::unique_ptr<chunkenc::SeriesSet>;
    MIMIR_CO_TRY(const RunnerPtr runner, runner_of(service, request));
    MIMIR_CO_TRY(auto asked, co_await selection_of(service, request));
    model::Matchers matchers;
    if (!asked.selectors.empty()) matchers = std::move(asked.selectors.front());
    MIMIR_CO_TRY(
        Found found, co_await runner->select(request.context, std::move(matchers), asked.range)
    );
    auto begin = [&]() -> Result<detail::Selected> {
        return detail::Selected{.series = std::move(found)};
    };
    co_return co_await detail::write_selection(
        service.serving.query, request.context, std::move(begin), frames
    );
}

}  // namespace

std::vector<http::RouteRegistration> register_query_runner_routes(
    const InternalRoutes& routes, TicketedQuerier& querier, QueryRunnerServing serving
) {
    serving.parser.bytes_max = kQuestionBytesLimit;
    using Handle = awaitable<Result<void>> (*)(const Service&, Request&, FrameWriter&);
    const struct {
        std::string_view call;
        Handle handle;
    } calls[] = {
        {querier_call::kQuery, query},
        {querier_call::kSeries, series},
        {querier_call::kLabelNames, label_names},
        {querier_call::kLabelValues, label_values},
        {querier_call::kExemplars, exemplars},
        {querier_call::kMetadata, metadata},
        {querier_call::kSelect, select},
    };
    const auto service = std::make_shared<const Service>(querier, std::move(serving));
    std::vector<http::RouteRegistration> registered;
    for (const auto& [call, handle] : calls) {
        auto handler = [service, handle](Request& request, FrameWriter& frames) {
            return handle(*service, request, frames);
        };
        registered.push_back(
            add_frames(routes, call, "querier", kQuestionBytesLimit, std::move(handler))
        );
    }
    return registered;
}

}  // namespace mimir::rpc
