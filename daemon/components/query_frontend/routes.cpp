#include "components/query_frontend/routes.hpp"

#include <charconv>

#include "components/query_frontend/answer.hpp"
#include "components/query_frontend/json.hpp"
#include "components/query_frontend/parameters.hpp"
#include "components/query_frontend/query_cost.hpp"
#include "components/query_frontend/remote_read.hpp"
#include "promql/parser.hpp"
#include "promql/printer.hpp"
#include "runtime/run_on.hpp"

namespace mimir::query_frontend {
namespace {

using http::Request;
using http::Response;
using Reply = http::asio::awaitable<Response>;

constexpr std::string_view kTruncated = "results truncated due to limit";
/// So many items of an answer are written on the event loop; more take long enough for a pool.
constexpr std::size_t kItemsInline = 200;

template <class Write>
Reply reply(runtime::Pool& pool, std::string tenant, std::size_t items, Write write) {
    if (items <= kItemsInline) co_return Response::json(200, write());
    auto job = [&]() -> Result<std::string> { return write(); };
    auto body = co_await runtime::run_on(pool, std::move(tenant), job);
    if (!body) co_return failure(body.error());
    co_return Response::json(200, *std::move(body));
}

// Queries.

struct QueryRequest {
    promql::Query query;
    promql::ExprPtr expr;
    std::size_t limit = 0;
    bool with_statistics = false;
};

/// What instant and range queries have in common; also sets the request's deadline.
Result<QueryRequest> read_query(
    const QueryFrontend& frontend,
    const http::Parameters& form,
    promql::Query query,
    Request& request
) {
    QueryRequest read;
    query.text = form.get_or("query", "");
    MIMIR_TRY(query.lookback, duration_parameter(form, "lookback_delta"));
    MIMIR_TRY(read.limit, limit_parameter(form));
    MIMIR_TRY(const auto timeout, duration_parameter(form, "timeout"));
    if (timeout) {
        CancellationToken& token = request.context.cancellation;
        token = token.with_deadline(frontend.clock().steady_now() + *timeout);
    }
    MIMIR_TRY(read.expr, frontend.parse(request.context, query));
    read.with_statistics = !form.get_or("stats", "").empty();
    read.query = std::move(query);
    return read;
}

Result<QueryRequest> read_instant_query(const QueryFrontend& frontend, Request& request) {
    MIMIR_TRY(const auto form, request.form());
    MIMIR_TRY(const TimestampMs time, time_parameter(form, "time", frontend.clock().now()));
    return read_query(frontend, form, promql::Query::instant({}, time), request);
}

Result<QueryRequest> read_range_query(const QueryFrontend& frontend, Request& request) {
    MIMIR_TRY(const auto form, request.form());
    MIMIR_TRY(const TimestampMs start, time_parameter(form, "start"));
    MIMIR_TRY(const TimestampMs end, time_parameter(form, "end"));
    if (end < start) {
        return fail(
            ErrorKind::invalid,
            "invalid parameter \"end\": end timestamp must not be before start time"
        );
    }
    MIMIR_TRY(const auto step, step_parameter(form));
    return read_query(frontend, form, {.start = start, .end = end, .step = step}, request);
}

std::size_t items_of(const promql::QueryResult& result) {
    if (const auto* vector = std::get_if<promql::Vector>(&result.value)) return vector->size();
    std::size_t points = 0;
    if (const auto* matrix = std::get_if<promql::Matrix>(&result.value)) {
        for (const auto& series : *matrix)
            points += 1 + series.floats.size() + series.histograms.size();
    }
    return points;
}

Reply write_answer(
    QueryFrontend& frontend,
    const Request& request,
    const QueryRequest& read,
    Evaluated evaluated,
    std::chrono::nanoseconds took
) {
    promql::QueryResult& result = evaluated.result;
    const QueryAnswer answer{result, read.limit, read.with_statistics, took};
    auto write = [&] {
        std::string body = success(answer);
        result.value = promql::Matrix();  // freed here rather than on the event loop
        return body;
    };
    co_return co_await reply(frontend.pool(), tenant_of(request.context), items_of(result), write);
}

Reply run_query(QueryFrontend& frontend, Request& request, Result<QueryRequest> read) {
    if (!read) co_return bad_request(read.error());
    const auto begun = frontend.clock().steady_now();
    const auto took = [&] { return frontend.clock().steady_now() - begun; };
    QueryCost cost;
    auto evaluated = co_await frontend.evaluate(request.context, read->query, read->expr);
    Response response;
    if (evaluated) {
        cost = {evaluated->result.statistics, evaluated->parts};
        response = co_await write_answer(frontend, request, *read, *std::move(evaluated), took());
    } else {
        cost.error = std::move(evaluated.error());
        response = failure(*cost.error);
    }
    cost.response_time = took();
    if (frontend.options().query_stats_enabled && !cost.error)
        response.headers.set("Server-Timing", server_timing(cost));
    if (is_slow(cost, frontend.options().log_queries_longer_than))
        log_slow_query(frontend.log(), request, response, cost);
    co_return response;
}

Reply instant_query(QueryFrontend& frontend, Request& request) {
    frontend.count(request.context, "query");
    return run_query(frontend, request, read_instant_query(frontend, request));
}

Reply range_query(QueryFrontend& frontend, Request& request) {
    frontend.count(request.context, "query_range");
    return run_query(frontend, request, read_range_query(frontend, request));
}

// Series and labels.

Result<rpc::SelectionQuery> read_selection(const http::Parameters& form) {
    rpc::SelectionQuery query;
    MIMIR_TRY(query.limit, limit_parameter(form));
    MIMIR_TRY(query.range, range_parameters(form));
    MIMIR_TRY(query.selectors, selector_parameters(form));
    return query;
}

Result<rpc::SelectionQuery> read_series_query(
    const QueryFrontend& frontend, const Request& request
) {
    MIMIR_TRY(const auto form, request.form());
    if (form.all("match[]").empty())
        return fail(ErrorKind::invalid, "no match[] parameter provided");
    MIMIR_TRY(auto query, read_selection(form));
    query.limit = frontend.series_limit(request.context, query.limit);
    return query;
}

Result<rpc::SelectionQuery> read_labels_query(const Request& request) {
    MIMIR_TRY(const auto form, request.form());
    return read_selection(form);
}

void append_item(std::string& out, const std::string& text) { append_string(out, text); }
void append_item(std::string& out, const model::Labels& labels) { append_labels(out, labels); }

template <class T>
Reply reply_selection(
    QueryFrontend& frontend, const Request& request, Result<rpc::Selection<T>> selection
) {
    if (!selection) co_return failure(selection.error());
    auto write = [&] {
        std::string data = "[";
        for (const T& item : selection->found) {
            if (&item != selection->found.data()) data.push_back(',');
            append_item(data, item);
        }
        data.push_back(']');
        promql::Annotations annotations;
        if (selection->truncated) annotations.warnings.emplace_back(kTruncated);
        return success(data, annotations);
    };
    co_return co_await reply(
        frontend.pool(), tenant_of(request.context), selection->found.size(), write
    );
}

Reply series(QueryFrontend& frontend, Request& request) {
    frontend.count(request.context, "series");
    auto query = read_series_query(frontend, request);
    if (!query) co_return bad_request(query.error());
    auto call = [&](rpc::QueryRunner& runner) { return runner.series(request.context, *query); };
    auto found = co_await frontend.ask<rpc::Selection<model::Labels>>(request.context, call);
    co_return co_await reply_selection(frontend, request, std::move(found));
}

Reply label_names(QueryFrontend& frontend, Request& request) {
    frontend.count(request.context, "labels");
    auto query = read_labels_query(request);
    if (!query) co_return bad_request(query.error());
    auto call = [&](rpc::QueryRunner& runner) {
        return runner.label_names(request.context, *query);
    };
    auto found = co_await frontend.ask<rpc::Selection<std::string>>(request.context, call);
    co_return co_await reply_selection(frontend, request, std::move(found));
}

Reply label_values(QueryFrontend& frontend, Request& request) {
    frontend.count(request.context, "label_values");
    std::string name = unescape_label_name(request.path_parameters.get_or("name", ""));
    if (name.empty() || !model::is_valid_utf8(name)) {
        co_return bad_request(
            {ErrorKind::invalid, {}, fmt::format("invalid label name: \"{}\"", name)}
        );
    }
    auto query = read_labels_query(request);
    if (!query) co_return bad_request(query.error());
    auto call = [&](rpc::QueryRunner& runner) {
        return runner.label_values(request.context, name, *query);
    };
    auto found = co_await frontend.ask<rpc::Selection<std::string>>(request.context, call);
    co_return co_await reply_selection(frontend, request, std::move(found));
}

// Exemplars.

Result<rpc::SelectionQuery> read_exemplars_query(const Request& request) {
    MIMIR_TRY(const auto form, request.form());
    rpc::SelectionQuery query;
    MIMIR_TRY(query.range, range_parameters(form));
    if (query.range.max < query.range.min) {
        return fail(ErrorKind::invalid, "end timestamp must not be before start timestamp");
    }
    MIMIR_TRY(const auto expr, promql::parse_expr(form.get_or("query", "")));
    query.selectors = selectors_of(*expr);
    return query;
}

void append_exemplar(std::string& out, const model::Exemplar& exemplar) {
    out += "{\"labels\":";
    append_labels(out, exemplar.labels);
    out += ",\"value\":\"";
    append_value(out, exemplar.value);
    out += "\",\"timestamp\":";
    append_timestamp(out, exemplar.time);
    out.push_back('}');
}

std::string exemplars_json(const std::vector<model::SeriesExemplars>& found) {
    std::string data = "[";
    for (const model::SeriesExemplars& series : found) {
        if (&series != found.data()) data.push_back(',');
        data += "{\"seriesLabels\":";
        append_labels(data, series.series);
        data += ",\"exemplars\":[";
        for (const model::Exemplar& exemplar : series.exemplars) {
            if (&exemplar != series.exemplars.data()) data.push_back(',');
            append_exemplar(data, exemplar);
        }
        data += "]}";
    }
    data.push_back(']');
    return data;
}

Reply exemplars(QueryFrontend& frontend, Request& request) {
    frontend.count(request.context, "query_exemplars");
    auto query = read_exemplars_query(request);
    if (!query) co_return bad_request(query.error());
    if (query->selectors.empty()) co_return Response::json(200, success("[]"));
    auto call = [&](rpc::QueryRunner& runner) { return runner.exemplars(request.context, *query); };
    const auto found =
        co_await frontend.ask<std::vector<model::SeriesExemplars>>(request.context, call);
    if (!found) co_return failure(found.error());
    auto write = [&] { return success(exemplars_json(*found)); };
    co_return co_await reply(frontend.pool(), tenant_of(request.context), found->size(), write);
}

// Metadata.

/// Less than 0 means no limit, and so does a missing one.
Result<std::optional<std::size_t>> metadata_limit(
    const http::Parameters& form, std::string_view name
) {
    const std::string_view text = form.get_or(name, "");
    if (text.empty()) return std::nullopt;
    std::int64_t limit = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || end != text.data() + text.size()) {
        return fail(ErrorKind::invalid, "{} must be a number", name);
    }
    if (limit < 0) return std::nullopt;
    return static_cast<std::size_t>(limit);
}

/// Nothing when none is wanted: limit=0.
Result<std::optional<rpc::MetadataQuery>> read_metadata_query(const Request& request) {
    MIMIR_TRY(const auto form, request.form());
    rpc::MetadataQuery query;
    MIMIR_TRY(const auto limit, metadata_limit(form, "limit"));
    MIMIR_TRY(const auto per_metric, metadata_limit(form, "limit_per_metric"));
    if (limit == 0 || per_metric == 0) return std::nullopt;
    query.metric = form.get_or("metric", "");
    query.metrics_limit = limit.value_or(0);
    query.per_metric_limit = per_metric.value_or(0);
    return query;
}

/// {"metric":[{"type":"counter","help":"...","unit":""}]}
std::string metadata_json(const std::vector<model::MetricMetadata>& found) {
    std::string data = "{";
    const model::MetricMetadata* previous = nullptr;
    for (const model::MetricMetadata& one : found) {
        if (previous == nullptr || previous->metric != one.metric) {
            if (previous != nullptr) data += "],";
            append_string(data, one.metric, Escape::html);
            data += ":[";
        } else {
            data.push_back(',');
        }
        data += "{\"type\":";
        append_string(data, to_string(one.metadata.type));
        data += ",\"help\":";
        append_string(data, one.metadata.help, Escape::html);
        data += ",\"unit\":";
        append_string(data, one.metadata.unit, Escape::html);
        data.push_back('}');
        previous = &one;
    }
    data += previous == nullptr ? "}" : "]}";
    return data;
}

Reply metadata(QueryFrontend& frontend, Request& request) {
    frontend.count(request.context, "metadata");
    const auto query = read_metadata_query(request);
    if (!query) co_return bad_request(query.error());
    if (!*query) co_return Response::json(200, success("{}"));
    auto call = [&](rpc::QueryRunner& runner) { return runner.metadata(request.context, **query); };
    const auto found =
        co_await frontend.ask<std::vector<model::MetricMetadata>>(request.context, call);
    if (!found) co_return failure(found.error());
    auto write = [&] { return success(metadata_json(*found)); };
    co_return co_await reply(frontend.pool(), tenant_of(request.context), found->size(), write);
}

Reply format_query(QueryFrontend& frontend, Request& request) {
    frontend.count(request.context, "format_query");
    const auto form = request.form();
    if (!form) co_return bad_request(form.error());
    auto expr = promql::parse_expr(form->get_or("query", ""));
    if (!expr) co_return bad_request(bad_parameter("query", std::move(expr.error())));
    std::string data;
    append_string(data, promql::format_pretty(**expr), Escape::html);
    co_return Response::json(200, success(data));
}

Reply remote_read(QueryFrontend& frontend, Request& request) {
    frontend.count(request.context, "remote_read");
    return answer_remote_read(frontend, request);
}

}  // namespace

std::vector<http::RouteRegistration> register_routes(
    http::Router& router, const http::Tenancy& tenancy, QueryFrontend& frontend
) {
    using enum http::Method;
    using Answer = Reply (*)(QueryFrontend&, Request&);
    const struct {
        std::string_view path;
        http::MethodSet methods;
        Answer answer;
    } table[] = {
        {"query", {get, post}, instant_query},
        {"query_range", {get, post}, range_query},
        {"query_exemplars", {get, post}, exemplars},
        {"series", {get, post}, series},
        {"labels", {get, post}, label_names},
        {"label/{name}/values", {get}, label_values},
        {"metadata", {get}, metadata},
        {"format_query", {get, post}, format_query},
        {"read", {post}, remote_read},
    };
    std::vector<http::RouteRegistration> routes;
    for (const auto& row : table) {
        auto handler = [&frontend, answer = row.answer](Request& request) {
            return answer(frontend, request);
        };
        routes.push_back(router.add({
            .methods = row.methods,
            .pattern =
                fmt::format("{}/api/v1/{}", frontend.options().prometheus_http_prefix, row.path),
            .module = "query-frontend",
            .handler = http::for_tenants(tenancy, std::move(handler)),
        }));
    }
    return routes;
}

}  // namespace mimir::query_frontend
