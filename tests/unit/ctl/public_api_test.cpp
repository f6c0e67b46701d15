#include "canned_daemon.hpp"
#include "ctl/sample_lines.hpp"
#include "encoding/compression.hpp"
#include "wire/labels.hpp"
#include "wire/remote_write.hpp"

namespace mimir::ctl::test {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::string parsed(std::string_view line) {
    const auto sample = parse_sample_line(line, TimestampMs{5});
    if (!sample) return sample.error().message;
    return fmt::format(
        "{} {} {}", sample->labels.to_string(), sample->sample.value, sample->sample.time.ms
    );
}

void serve_status(CannedDaemon& daemon) {
    daemon.on_get(
        "/admin/v1/status",
        fmt::format(
            R"({{"version":"0.1.0","http_address":"0.0.0.0:{}","prometheus_prefix":"/prom"}})",
            daemon.port()
        )
    );
}

constexpr std::string_view kVector =
    R"({"status":"success","warnings":["half of it"],"new":1,"data":{"resultType":"vector",
    "result":[{"metric":{"__name__":"up","job":"a\"b"},"value":[1700000000,"1"]},{"metric":{},"value":[1700000000.5,"NaN"]}]}})";

TEST_SUITE("ctl/push") {
    TEST_CASE("lines are samples") {
        CHECK(parsed("up 1") == "up 1 5");
        CHECK(parsed("  up{}  1.5e3 1700000000000 ") == "up 1500 1700000000000");
        CHECK(
            parsed(R"(up{job="a",b = "c\\d\"e\nf",} -7 -3)") ==
            "up{b=\"c\\\\d\\\"e\\nf\", job=\"a\"} -7 -3"
        );
        CHECK(parsed("up{job=\"größer }\"} +Inf") == "up{job=\"größer }\"} inf 5");
        CHECK(parsed("a:b NaN\r") == "a:b nan 5");
        CHECK(parsed("{__name__=\"up\"} 0") == "up 0 5");
    }

    TEST_CASE("what is wrong with a line is said with the column") {
        CHECK(parsed("up") == "at column 3: want a number, not \"\"");
        CHECK(parsed("up one") == "at column 4: want a number, not \"one\"");
        CHECK(parsed("up 1 soon") == "at column 6: want milliseconds since 1970, not \"soon\"");
        CHECK(parsed("up 1 2 3") == "at column 8: want the end of the line, not \"3\"");
        CHECK(parsed("7up 1") == "at column 1: \"7up\" cannot be a name");
        CHECK(
            parsed("up{job=a} 1") ==
            "at column 8: want a label's value in double quotes, not \"a} 1\""
        );
        CHECK(
            parsed("up{job=\"a} 1") ==
            "at column 13: want the closing double quote, not the end of the line"
        );
        CHECK(
            parsed("up{job=\"a\\x\"} 1") == "at column 11: want \\\\, \\\" or \\n, not \"x\"} 1\""
        );
        CHECK(parsed("up{a=\"1\",a=\"2\"} 1") == "the label a is given twice");
        CHECK(parsed("up{a=\"1\" b=\"2\"} 1") == "at column 10: want , or }, not \"b=\"2\"} 1\"");
        CHECK(parsed("{a=\"1\"} 1") == "at column 8: want a metric's name, not \" 1\"");
        CHECK(parsed("up{a=\"\xff\"} 1") == "a label's value is not UTF-8");
    }

    TEST_CASE("samples go out as remote write and are counted when they are acknowledged") {
        CannedDaemon daemon;
        serve_status(daemon);
        daemon.on(http::Method::post, "/api/v1/push", [](const http::Request&) {
            return http::Response::text(200, "");
        });
        const Ran ran = run_ctl(
            daemon,
            {"push", "--tenant", "t1"},
            {.in = "# comment\n\nup{b=\"2\",a=\"1\"} 1 1000\nup 2\n"}
        );
        CAPTURE(ran.err);
        CHECK(ran.code == 0);
        CHECK(ran.err == "2 samples acknowledged\n");
        const auto push = daemon.seen().back();
        CHECK(push.headers.get("X-Scope-OrgID") == "t1");
        CHECK(push.headers.get("Content-Encoding") == "snappy");
        model::WriteRequest request;
        REQUIRE_OK(encoding::snappy_decompress(push.body, 1 << 20, request.body));
        REQUIRE_OK(wire::decode_write_request(request));
        REQUIRE(request.series.size() == 2);
        CHECK(request.series[0].labels.to_string() == R"(up{a="1", b="2"})");
        CHECK(request.samples[0].time.ms == 1000);
        CHECK(request.samples[1].time == kNow);
        CHECK(
            run_ctl(daemon, {"push", "up 1", "-o", "json"}).out == "{\n  \"acknowledged\": 1\n}\n"
        );
    }

    TEST_CASE("when a line is bad all bad ones are named and nothing is sent") {
        CannedDaemon daemon;
        serve_status(daemon);
        const Ran ran = run_ctl(daemon, {"push"}, {.in = "up 1\nup one\n\nup{ 1\n"});
        CHECK(ran.code == 2);
        CHECK(contains(ran.err, "nothing was sent: 2 lines cannot be read"));
        CHECK(contains(ran.err, "line 2: at column 4"));
        CHECK(contains(ran.err, "line 4: at column 5"));
        CHECK(daemon.seen().empty());
        CHECK(run_ctl(daemon, {"push"}).code == 2);
    }

    TEST_CASE("a refusal is said with how much was acknowledged before") {
        CannedDaemon daemon;
        serve_status(daemon);
        int pushes = 0;
        daemon.on(http::Method::post, "/api/v1/push", [&](const http::Request&) {
            return pushes++ == 0 ? http::Response::text(200, "")
                                 : http::Response::text(429, "too fast\n");
        });
        std::string lines;
        for (int i = 0; i < 6000; ++i) lines += fmt::format("up{{i=\"{}\"}} 1\n", i);
        const Ran ran = run_ctl(daemon, {"push"}, {.in = lines});
        CHECK(ran.code == 5);
        CHECK(contains(ran.err, "5000 samples acknowledged\n"));
        CHECK(contains(ran.err, "the public API answers 429: too fast\n"));
    }
}

TEST_SUITE("ctl/query") {
    TEST_CASE("series and values are a table, and -o json is the server's answer") {
        CannedDaemon daemon;
        serve_status(daemon);
        daemon.on(http::Method::post, "/prom/api/v1/query", [](const http::Request&) {
            return http::Response::json(200, std::string(kVector));
        });
        const Ran ran = run_ctl(daemon, {"query", "up > 0", "--time", "now-1h"});
        CHECK(ran.code == 0);
        CHECK(ran.err == "warning: half of it\n");
        CHECK(
            ran.out ==
            "SERIES          TIME                      VALUE\n"
            "up{job=\"a\\\"b\"}  2023-11-14T22:13:20.000Z      1\n"
            "{}              2023-11-14T22:13:20.500Z    NaN\n"
        );
        CHECK(daemon.seen().back().body == "query=up%20%3E%200&time=1699996400.000");
        CHECK(contains(run_ctl(daemon, {"query", "up", "-o", "json"}).out, "\"new\": 1"));
        CHECK(run_ctl(daemon, {"query", "up", "-o", "name"}).out == "up{job=\"a\\\"b\"}\n{}\n");
        const Ran lines = run_ctl(daemon, {"query", "up", "-o", "jsonl"});
        CHECK(contains(lines.out, "{\"metric\":{},\"value\":[1700000000.5,\"NaN\"]}\n"));
    }

    TEST_CASE("a range has a row for each value") {
        CannedDaemon daemon;
        daemon.on(
            http::Method::post,
            "/base/prometheus/api/v1/query_range",
            [](const http::Request&) {
                return http::Response::json(
                    200, R"({"status":"success","data":{"resultType":"matrix","result":[
                {"metric":{"__name__":"up"},"values":[[1,"1"],[2,"0"]]}]}})"
                );
            }
        );
        const std::string url = fmt::format("http://127.0.0.1:{}/base/", daemon.port());
        const Ran ran =
            run_ctl({"query", "up", "--url", url, "--start", "1", "--end", "2", "--step", "1s"});
        CAPTURE(ran.err);
        CHECK(
            ran.out ==
            "SERIES  TIME                      VALUE\n"
            "up      1970-01-01T00:00:01.000Z      1\n"
            "up      1970-01-01T00:00:02.000Z      0\n"
        );
        CHECK(daemon.seen()[0].body == "query=up&start=1&end=2&step=1s");
        CHECK(run_ctl({"query", "up", "--url", url, "--step", "1s"}).code == 2);
        CHECK(run_ctl({"query", "up", "--url", url, "--start", "1", "--time", "2"}).code == 2);
    }

    TEST_CASE("an answer of other types is no answer, and times out of range are shown as they are"
    ) {
        CannedDaemon daemon;
        serve_status(daemon);
        std::string data;
        daemon.on(http::Method::post, "/prom/api/v1/query", [&](const http::Request&) {
            return http::Response::json(200, R"({"status":"success","data":)" + data + "}");
        });
        for (const std::string_view bad :
             {R"({"resultType":7,"result":[]})", R"({"result":[]})", R"([])", "7"}) {
            CAPTURE(bad);
            data = bad;
            CHECK(run_ctl(daemon, {"query", "up"}).code == 1);
        }
        data = R"({"resultType":"vector","result":[{"metric":7,"value":[1e300,"1"]},8]})";
        const Ran ran = run_ctl(daemon, {"query", "up"});
        CHECK(ran.code == 0);
        CHECK(contains(ran.out, "1e+300"));
    }

    TEST_CASE("what the server refuses is said in its words") {
        CannedDaemon daemon;
        serve_status(daemon);
        daemon.on(http::Method::post, "/prom/api/v1/query", [](const http::Request&) {
            return http::Response::json(
                400, R"({"status":"error","errorType":"bad_data","error":"1:3: parse error"})"
            );
        });
        const Ran ran = run_ctl(daemon, {"query", "up("});
        CHECK(ran.code == 2);
        CHECK(contains(ran.err, "the public API answers 400: 1:3: parse error"));
    }

    TEST_CASE("a module that does not run is not found; what is unavailable for other reasons fails"
    ) {
        CannedDaemon daemon;
        serve_status(daemon);
        std::string why = "module querier is not running";
        daemon.on(http::Method::post, "/prom/api/v1/query", [&](const http::Request&) {
            return http::Response::text(503, why + "\n");
        });
        const Ran ran = run_ctl(daemon, {"query", "up"});
        CHECK(ran.code == 3);
        CHECK(contains(ran.err, "mimirctl start MODULE"));
        why = "no querier is running";
        CHECK(run_ctl(daemon, {"query", "up"}).code == 3);
        why = "at least 2 ingesters are needed";
        CHECK(run_ctl(daemon, {"query", "up"}).code == 1);
    }

    TEST_CASE("without a public API it says so") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/status", R"({"version":"0.1.0","http_address":""})");
        CHECK(run_ctl(daemon, {"query", "up"}).code == 3);
        CHECK(run_ctl({"query", "up", "--url", "http://127.0.0.1:1"}).code == 7);
        CHECK(run_ctl({"query", "up", "--url", "localhost:port"}).code == 2);
    }
}

}  // namespace
}  // namespace mimir::ctl::test
