#include "rpc/ingester_routes.hpp"

#include "model/histogram_validation.hpp"
#include "rpc/detail/ingester_calls.hpp"
#include "rpc/detail/write_selection.hpp"
#include "runtime/run_on.hpp"
#include "wire/ingester_messages.hpp"
#include "wire/labels.hpp"
#include "wire/remote_write.hpp"

namespace mimir::rpc {
namespace {

namespace ingester_call = detail::ingester_call;
using http::Request;
using http::asio::awaitable;

/// Of a question: selectors are short.
constexpr std::size_t kQuestionBytesLimit = 10 << 20;

Result<void> check_tenant(const RequestContext& context) {
    if (context.tenant) return {};
    return fail(ErrorKind::invalid, "no org id");
}

/// What an ingester relies on, and a distributor has seen to.
Result<void> check_series(model::WriteRequest& request) {
    for (model::WriteSeries& series : request.series) {
        if (!wire::is_canonical(series.labels.bytes())) {
            return fail(ErrorKind::invalid, "the labels of a pushed series are not canonical");
        }
        series.canonical = true;
        for (const model::HistogramSample& sample : request.histograms_of(series)) {
            MIMIR_TRY(std::visit(
                [](const auto& histogram) { return model::validate(histogram); }, sample.histogram
            ));
        }
    }
    return {};
}

Result<std::string> push(IngesterClient& ingester, Request& request) {
    MIMIR_TRY(check_tenant(request.context));
    MIMIR_TRY(request.context.cancellation.check());
    auto written = std::make_shared<model::WriteRequest>();
    written->body = std::move(request.body);
    MIMIR_TRY(wire::decode_write_request(*written));
    MIMIR_TRY(check_series(*written));
    const auto batch = std::make_shared<const PushBatch>(std::move(written));
    MIMIR_TRY(wait_for<void>([&](auto done) {
        ingester.push(request.context, batch, std::move(done));
    }));
    return std::string();
}

/// Decodes a question, asks it, encodes the answer. Threads: those of the query pool.
template <class T, class Ask>
Result<std::string> answer_selection(
    const Request& request, void (*encode)(std::span<const T>, std::string&), Ask ask
) {
    MIMIR_TRY(check_tenant(request.context));
    MIMIR_TRY(request.context.cancellation.check());
    MIMIR_TRY(const auto question, wire::decode_selection_request(request.body));
    auto found = wait_for<std::vector<T>>([&](auto done) { ask(question, std::move(done)); });
    MIMIR_TRY(const auto answer, std::move(found));
    std::string out;
    encode(answer, out);
    return out;
}

/// Of those questions that have at most one selector.
model::Matchers only_selector(const wire::SelectionRequest& question) {
    return question.selectors.empty() ? model::Matchers() : question.selectors.front();
}

Result<std::string> series(IngesterClient& ingester, Request& request) {
    return answer_selection(request, wire::encode_label_sets, [&](const auto& asked, auto done) {
        ingester.series(request.context, asked.selectors, asked.range, std::move(done));
    });
}

Result<std::string> label_names(IngesterClient& ingester, Request& request) {
    return answer_selection(request, wire::encode_strings, [&](const auto& asked, auto done) {
        ingester.label_names(request.context, only_selector(asked), asked.range, std::move(done));
    });
}

Result<std::string> label_values(IngesterClient& ingester, Request& request) {
    return answer_selection(request, wire::encode_strings, [&](const auto& asked, auto done) {
        ingester.label_values(
            request.context, asked.label, only_selector(asked), asked.range, std::move(done)
        );
    });
}

Result<std::string> exemplars(IngesterClient& ingester, Request& request) {
    const auto encode = wire::encode_series_exemplars;
    return answer_selection(request, encode, [&](const auto& asked, auto done) {
        ingester.exemplars(request.context, asked.selectors, asked.range, std::move(done));
    });
}

Result<std::string> metadata(IngesterClient& ingester, Request& request) {
    MIMIR_TRY(check_tenant(request.context));
    MIMIR_TRY(const auto asked, wire::decode_metadata_request(request.body));
    const MetadataQuery query{
        .metric = asked.metric,
        .metrics_limit = asked.metrics_limit,
        .per_metric_limit = asked.per_metric_limit
    };
    auto found = wait_for<std::vector<model::MetricMetadata>>([&](auto done) {
        ingester.metadata(request.context, query, std::move(done));
    });
    MIMIR_TRY(const auto answer, std::move(found));
    std::string out;
    wire::encode_metric_metadata(answer, out);
    return out;
}

Result<detail::Selected> begin_selection(IngesterClient& ingester, Request& request) {
    MIMIR_TRY(check_tenant(request.context));
    MIMIR_TRY(request.context.cancellation.check());
    MIMIR_TRY(auto asked, wire::decode_selection_request(request.body));
    detail::Selected selected{.form = {.any_order = asked.any_order}};
    if (asked.projection) selected.form.labels.emplace(*std::move(asked.projection));
    auto series = wait_for<std::unique_ptr<chunkenc::SeriesSet>>([&](auto done) {
        ingester.select(request.context, only_selector(asked), asked.range, {}, std::move(done));
    });
    MIMIR_TRY(selected.series, std::move(series));
    return selected;
}

awaitable<Result<void>> select(
    IngesterClient& ingester, runtime::Pool& pool, Request& request, FrameWriter& frames
) {
    auto begin = [&] { return begin_selection(ingester, request); };
    co_return co_await detail::write_selection(pool, request.context, std::move(begin), frames);
}

using Work = Result<std::string> (*)(IngesterClient&, Request&);

CallHandler on_pool(runtime::Pool& pool, IngesterClient& ingester, Work work) {
    return [&pool, &ingester, work](Request& request) {
        auto job = [&ingester, &request, work] { return work(ingester, request); };
        return runtime::run_on(pool, tenant_of(request.context), job);
    };
}

}  // namespace

std::vector<http::RouteRegistration> register_ingester_routes(
    const InternalRoutes& routes, IngesterClient& ingester, IngesterPools pools
) {
    const struct {
        std::string_view call;
        runtime::Pool& pool;
        std::size_t bytes_limit;
        Work work;
    } calls[] = {
        {ingester_call::kPush, pools.ingest, kPushBytesLimit, push},
        {ingester_call::kSeries, pools.query, kQuestionBytesLimit, series},
        {ingester_call::kLabelNames, pools.query, kQuestionBytesLimit, label_names},
        {ingester_call::kLabelValues, pools.query, kQuestionBytesLimit, label_values},
        {ingester_call::kExemplars, pools.query, kQuestionBytesLimit, exemplars},
        {ingester_call::kMetadata, pools.query, kQuestionBytesLimit, metadata},
    };
    std::vector<http::RouteRegistration> registered;
    for (const auto& [call, pool, bytes_limit, work] : calls) {
        registered.push_back(
            add_call(routes, call, "ingester", bytes_limit, on_pool(pool, ingester, work))
        );
    }
    auto& query = pools.query;
    registered.push_back(add_frames(
        routes,
        ingester_call::kSelect,
        "ingester",
        kQuestionBytesLimit,
        [&ingester, &query](Request& request, FrameWriter& frames) {
            return select(ingester, query, request, frames);
        }
    ));
    return registered;
}

}  // namespace mimir::rpc
