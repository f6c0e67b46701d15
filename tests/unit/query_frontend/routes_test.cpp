#include "components/query_frontend/routes.hpp"

#include <optional>
#include <sstream>

#include "encoding/compression.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "rpc/query_scheduler.hpp"
#include "support/test_support.hpp"
#include "unit/query_frontend/fake_querier.hpp"
#include "wire/proto.hpp"
#include "wire/remote_read.hpp"

namespace mimir::query_frontend {
namespace {

using test::labels;

/// The routes on a server of their own.
struct Fixture {
    Fixture() {
        routes = register_routes(router, {.multitenancy_enabled = false}, frontend);
        auto started = http::Server::start(
            {executors.io, executors.query}, router, {.listen = {http::TcpAddress{"127.0.0.1", 0}}}
        );
        REQUIRE_OK(started);
        server = *std::move(started);
        client.emplace(http::Endpoint{.host = "127.0.0.1", .port = server->port()});
    }
    ~Fixture() {
        client.reset();
        server.reset();
    }
    http::ClientResponse send(http::ClientRequest request) {
        request.target = "/prometheus/api/v1/" + request.target;
        auto response = client->send(std::move(request));
        REQUIRE_OK(response);
        return *std::move(response);
    }
    http::ClientResponse get(std::string target) { return send({.target = std::move(target)}); }
    http::ClientResponse post(std::string target, std::string form) {
        return send({
            .method = http::Method::post,
            .target = std::move(target),
            .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
            .body = std::move(form),
        });
    }

    runtime::Executors executors{
        {.ingest = {1, 1}, .query = {1, 10}, .background = {1, 1}, .admin = {1, 1}}
    };
    http::Router router;
    config::LimitsProvider limits{config::Limits{}};
    FakeQuerier querier;
    FakeDispatch dispatch{querier};
    std::ostringstream log;
    telemetry::Registry registry;
    telemetry::MetricScope scope{registry};
    Metrics metrics{scope};
    test::ManualClock clock{{5000}};
    QueryFrontend frontend{
        {.max_retries = 1, .log_queries_longer_than = std::chrono::milliseconds(-1)},
        {limits,
         dispatch,
         executors.query,
         metrics,
         telemetry::Logger::to_stream(log, telemetry::LogFormat::logfmt, telemetry::LogLevel::info),
         clock}
    };
    std::vector<http::RouteRegistration> routes;
    std::unique_ptr<http::Server> server;
    std::optional<http::BlockingClient> client;
};

TEST_SUITE_BEGIN("query_frontend/routes");

TEST_CASE("an instant query is answered, by GET and by POST") {
    Fixture f;
    const auto got = f.get("query?query=1%2B1&time=7&lookback_delta=1m");
    CHECK(got.status == 200);
    CHECK(got.headers.get("Content-Type") == "application/json");
    CHECK(got.body == R"({"status":"success","data":{"resultType":"scalar","result":[1,"2"]}})");
    CHECK(f.querier.tenant == "anonymous");
    CHECK(f.querier.asked.text == "1+1");
    CHECK(f.querier.asked.start.ms == 7000);
    CHECK(f.querier.asked.lookback == std::chrono::minutes(1));
    CHECK(f.post("query", "query=2").status == 200);
    CHECK(f.querier.asked.text == "2");
    CHECK(f.querier.asked.start.ms == 5000);  // now
}

TEST_CASE("parameters of the body come before those of the URL") {
    Fixture f;
    CHECK(f.post("query?query=url&time=1", "query=body").status == 200);
    CHECK(f.querier.asked.text == "body");
    CHECK(f.querier.asked.start.ms == 1000);
}

TEST_CASE("a range query has its steps, warnings and statistics") {
    Fixture f;
    f.querier.answer = promql::QueryResult{
        promql::Matrix{{labels("a"), {{{1000}, 1}}, {}}, {labels("b"), {{{1000}, 1}}, {}}},
        {.warnings = {"<w>"}, .infos = {"i"}},
        {.series = 2, .samples = 3, .samples_peak = 4},
    };
    const auto got = f.get("query_range?query=up&start=1&end=11&step=5&limit=1&stats=all");
    CHECK(f.querier.asked.start.ms == 1000);
    CHECK(f.querier.asked.end.ms == 11000);
    CHECK(f.querier.asked.step == std::chrono::seconds(5));
    CHECK(
        got.body ==
        R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"a"},"values":[[1,"1"]]}],)"
        R"("stats":{"timings":{"evalTotalTime":0},"samples":{"totalQueryableSamples":3,"peakSamples":4}}},)"
        R"("warnings":["\u003cw\u003e","results truncated due to limit"],"infos":["i"]})"
    );
}

TEST_CASE("bad parameters are named in Prometheus' words") {
    Fixture f;
    const struct {
        const char* target;
        const char* error;
    } cases[] = {
        {"query?query=up&time=x",
         R"(invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp)"
        },
        {"query?query=up&timeout=x",
         R"(invalid parameter \"timeout\": cannot parse \"x\" to a valid duration)"},
        {"query?query=sum(",
         R"(invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis)"},
        {"query_range?query=up&end=1&step=1",
         R"(invalid parameter \"start\": cannot parse \"\" to a valid timestamp)"},
        {"query_range?query=up&start=1&end=x&step=1",
         R"(invalid parameter \"end\": cannot parse \"x\")"},
        {"query_range?query=up&start=2&end=1&step=1",
         R"(invalid parameter \"end\": end timestamp must not be before start time)"},
        {"query_range?query=up&start=1&end=2&step=x",
         R"(invalid parameter \"step\": cannot parse \"x\" to a valid duration)"},
        {"query_range?query=up&start=1&end=2&step=0",
         R"(invalid parameter \"step\": zero or negative query resolution step widths are not accepted. )"
         R"(Try a positive integer)"},
        {"query_range?query=up&start=0&end=11001&step=1",
         "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query "
         "resolution (?step=XX)"},
        {"query_range?query=up&start=-9e15&end=9e15&step=1", "exceeded maximum resolution"},
        {"query_range?query=up[5m]&start=1&end=2&step=1",
         R"(invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or )"
         R"(instant Vector)"},
        {"series", "no match[] parameter provided"},
        {"series?match[]=up&limit=x",
         R"(invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax)"},
        {"labels?match[]={", R"(invalid parameter \"match[]\": )"},
        {"label/%FF/values", "invalid label name"},
        {"metadata?limit=x", "limit must be a number"},
        {"metadata?limit_per_metric=x", "limit_per_metric must be a number"},
        {"query_exemplars?query=up&start=2&end=1",
         "end timestamp must not be before start timestamp"},
        {"query_exemplars?query=sum(&start=1&end=2",
         R"("1:5: parse error: unclosed left parenthesis")"},
        {"format_query?query=sum(", R"(invalid parameter \"query\": 1:5: parse error)"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.target);
        const auto got = f.get(c.target);
        CHECK(got.status == 400);
        CHECK(got.body.starts_with(R"({"status":"error","errorType":"bad_data","error":)"));
        CHECK_MESSAGE(got.body.find(c.error) != std::string::npos, got.body);
    }
}

TEST_CASE("what goes wrong in a query has its type and status") {
    Fixture f;
    const struct {
        ErrorKind kind;
        int status;
        const char* type;
    } cases[] = {
        {ErrorKind::invalid, 422, "execution"},
        {ErrorKind::limit, 422, "execution"},
        {ErrorKind::timeout, 503, "timeout"},
        {ErrorKind::canceled, 499, "canceled"},
        {ErrorKind::corrupt, 500, "internal"},
        {ErrorKind::unavailable, 503, "unavailable"},
    };
    for (const auto& c : cases) {
        f.querier.answer = fail(c.kind, "reason");
        const auto got = f.get("query?query=up");
        CHECK(got.status == c.status);
        CHECK(
            got.body ==
            fmt::format(R"({{"status":"error","errorType":"{}","error":"reason"}})", c.type)
        );
    }
}

// Clients took a stopped querier for a broken one and gave up: nothing told them to come again.
TEST_CASE("while no querier runs, clients are asked to come again") {
    Fixture f;
    CHECK_FALSE(f.get("query?query=up").headers.get("Retry-After"));
    f.dispatch.refusal = fail(ErrorKind::unavailable, "no querier is running");
    const auto query = f.get("query?query=up");
    CHECK(query.status == 503);
    CHECK(query.headers.get("Retry-After") == "5");
    CHECK(
        query.body ==
        R"({"status":"error","errorType":"unavailable","error":"no querier is running"})"
    );
    std::string message;
    wire::encode_read_request({.queries = {{{{10}, {60}}, {}}}}, message);
    std::string body;
    encoding::snappy_compress(message, body);
    const auto read = f.send({.method = http::Method::post, .target = "read", .body = body});
    CHECK(read.status == 503);
    CHECK(read.headers.get("Retry-After") == "5");
    CHECK(read.body == "no querier is running\n");
}

TEST_CASE("a tenant with too many queries that wait is told so, and nothing is tried again") {
    Fixture f;
    f.dispatch.refusal = fail_with_id(
        ErrorKind::limit, rpc::QueryScheduler::kTooManyOutstanding, "too many outstanding requests"
    );
    const auto query = f.get("query?query=up");
    CHECK(query.status == 429);
    CHECK(
        query.body ==
        R"({"status":"error","errorType":"too_many_requests","error":"too many outstanding requests"})"
    );
    CHECK(f.get("labels").status == 429);
    std::string message;
    wire::encode_read_request({.queries = {{{{10}, {60}}, {}}}}, message);
    std::string body;
    encoding::snappy_compress(message, body);
    CHECK(f.send({.method = http::Method::post, .target = "read", .body = body}).status == 429);
    CHECK(f.dispatch.acquired == 3);
}

TEST_CASE("answers say what a query cost, and so does the log when it was slow") {
    Fixture f;
    f.querier.answer = promql::QueryResult{
        promql::Matrix{},
        {},
        {.series = 2,
         .samples = 3,
         .chunks = 5,
         .chunk_bytes = 700,
         .wall_time = std::chrono::microseconds(1500)},
    };
    const auto got = f.get("query_range?query=up&start=86400&end=172800&step=60");
    CHECK(
        got.headers.get("Server-Timing") ==
        "querier_wall_time;dur=3.000, response_time;dur=0.000, bytes_processed;val=1400, "
        "samples_processed;val=6, fetched_series_count;val=4, fetched_chunks_count;val=10, "
        "split_queries;val=2"
    );
    const std::string line = f.log.str();
    CAPTURE(line);
    for (const char* field :
         {"msg=\"slow query detected\"",
          "user=anonymous",
          "method=GET",
          "path=/prometheus/api/v1/query_range",
          "status_code=200",
          "status=success",
          "param_query=up",
          "param_start=86400",
          "param_step=60",
          "fetched_series_count=4",
          "fetched_chunk_bytes=1400",
          "split_queries=2"}) {
        CAPTURE(field);
        CHECK(line.find(field) != std::string::npos);
    }
    f.log.str("");
    f.querier.answer = fail(ErrorKind::invalid, "bad query");
    CHECK_FALSE(f.get("query?query=up").headers.get("Server-Timing"));
    CHECK(f.log.str().find("status=failed err=\"bad query\"") != std::string::npos);
}

TEST_CASE("a tenant's limits on queries hold") {
    Fixture f;
    f.limits.replace_overrides(
        {{"anonymous",
          std::make_shared<const config::Limits>(config::Limits{
              .max_total_query_length = std::chrono::hours(1),
              .max_query_expression_size_bytes = 10,
              .max_series_query_limit = 7
          })}}
    );
    CHECK(
        f.get("query?query=aaaaaaaaaaa").body.find("err-mimir-max-query-expression-size-bytes") !=
        std::string::npos
    );
    CHECK(
        f.get("query_range?query=up&start=0&end=3601&step=60")
            .body.find("err-mimir-max-total-query-length") != std::string::npos
    );
    CHECK(f.get("query_range?query=up&start=0&end=3600&step=60").status == 200);
    CHECK(f.get("series?match[]=up").status == 200);
    CHECK(f.querier.selection.limit == 7);
}

TEST_CASE("series, labels, exemplars and metadata") {
    Fixture f;
    CHECK(
        f.get("series?match[]=up&match[]=down&start=1&end=2").body ==
        R"({"status":"success","data":[{"__name__":"up","job":"a"}],"warnings":["results truncated due to limit"]})"
    );
    CHECK(f.querier.selection.selectors.size() == 2);
    CHECK(f.querier.selection.range == TimeRange{{1000}, {2000}});
    CHECK(
        f.post("labels", "match[]=up").body == R"({"status":"success","data":["__name__","job"]})"
    );
    CHECK(f.querier.selection.range == TimeRange{TimestampMs::min(), TimestampMs::max()});
    CHECK(
        f.get("label/U__http_2e_status/values").body ==
        R"({"status":"success","data":["http.status"]})"
    );
    CHECK(
        f.get("query_exemplars?query=rate(a[5m])%2Bb&start=1&end=2").body ==
        R"({"status":"success","data":[{"seriesLabels":{"__name__":"up"},"exemplars":[)"
        R"({"labels":{"trace_id":"abc"},"value":"6","timestamp":1600096945.479}]}]})"
    );
    CHECK(f.querier.selection.selectors.size() == 2);
    CHECK(
        f.get("query_exemplars?query=1&start=1&end=2").body == R"({"status":"success","data":[]})"
    );
    CHECK(
        f.get("metadata").body ==
        R"({"status":"success","data":{"a":[{"type":"counter","help":"h1","unit":""},)"
        R"({"type":"gauge","help":"h2","unit":"s"}],"b":[{"type":"unknown","help":"","unit":""}]}})"
    );
    CHECK(f.get("metadata?limit=0").body == R"({"status":"success","data":{}})");
    CHECK(
        f.get("format_query?query=sum(x)by(a)").body ==
        R"-({"status":"success","data":"sum by (a) (x)"})-"
    );
}

TEST_CASE("remote read answers with samples in order, or with the chunks as they are") {
    Fixture f;
    for (const auto& samples : std::vector<std::vector<model::Sample>>{
             {{{10}, 1}, {{30}, 3}, {{50}, 5}}, {{{20}, 2}, {{30}, 33}, {{90}, 9}}
         }) {
        auto& chunk = f.querier.chunks.emplace_back();
        for (const auto& sample : samples) chunk.append(sample.time, sample.value);
    }
    wire::ReadRequest request{.queries = {{{{10}, {60}}, {}}}};
    const auto read = [&] {
        std::string message;
        wire::encode_read_request(request, message);
        std::string body;
        encoding::snappy_compress(message, body);
        const auto answer = f.send({.method = http::Method::post, .target = "read", .body = body});
        CHECK(answer.status == 200);
        return answer;
    };

    const auto sampled = read();
    CHECK(sampled.headers.get("Content-Type") == "application/x-protobuf");
    std::string series;
    const std::vector<model::Sample> expected{{{10}, 1}, {{20}, 2}, {{30}, 3}, {{50}, 5}};
    wire::append_result_series(labels("up{job=\"a\"}"), expected, {}, series);
    std::string message;
    wire::append_query_result(series, message);
    std::string got;
    REQUIRE_OK(encoding::snappy_decompress(sampled.body, 10'000, got));
    CHECK(got == message);

    request.accepted = {wire::ReadResponseType::streamed_xor_chunks};
    const auto streamed = read();
    CHECK(
        streamed.headers.get("Content-Type") ==
        "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
    );
    const std::vector<wire::ReadChunk> chunks{
        {{{0}, {100}}, 1, f.querier.chunks[0].data()}, {{{0}, {100}}, 1, f.querier.chunks[1].data()}
    };
    std::string frame;
    wire::append_chunked_frame(labels("up{job=\"a\"}"), chunks, 0, frame);
    CHECK(streamed.body == frame);
}

TEST_CASE("remote read refuses what it can not read or answer") {
    Fixture f;
    const auto read = [&](std::string_view message) {
        std::string body;
        encoding::snappy_compress(message, body);
        return f.send({.method = http::Method::post, .target = "read", .body = body});
    };
    CHECK(f.send({.method = http::Method::post, .target = "read", .body = "torn"}).status == 400);
    CHECK(read("not a request").status == 400);
    std::string unknown_type;
    wire::ProtoWriter(unknown_type).uint64(2, 7);
    CHECK(
        read(unknown_type).body == "server does not support any of the requested response types\n"
    );
    std::string query;
    wire::encode_read_request(
        {.queries = {{{{0}, {1}}, {model::Matcher::equal("a", "b")}}}}, query
    );
    const auto failed = read(query);
    CHECK(failed.status == 500);
    CHECK(failed.body == "no series here\n");
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::query_frontend
