#include "components/gateway/gateway.hpp"

#include <thread>

#include "../http/test_certificates.hpp"
#include "test_processes.hpp"

namespace mimir::gateway {
namespace {

TEST_SUITE("gateway/gateway") {
    TEST_CASE("a request goes to where its module runs, over TCP or a unix socket") {
        Front front;
        const test::TempDir dir;
        const std::string path = dir.path() / "rpc.sock";
        Instance tcp(front.executors, "tcp", any_port());
        Instance local(front.executors, "unix", http::UnixAddress{.path = path, .group = {}});
        SUBCASE("TCP") {
            front.run_at({tcp.upstream()});
            const Response answer = front.get("/query?a=b%20c");
            CHECK(answer.body == "tcp /query?a=b%20c");
            CHECK(answer.headers.has("Content-Length"));
            CHECK(answer.headers.get("Vary") == "Accept-Encoding");
            CHECK(
                front.counts("mimird_gateway_requests_total{route=\"query\",module=\"querier\","
                             "status_code=\"200\"} 1")
            );
        }
        SUBCASE("unix socket") {
            front.run_at({{.instance = "unix", .address = "unix://" + path}});
            const auto pushed = front.post("/api/v1/push", "12345", {{"X-Scope-OrgID", "team"}});
            CHECK(pushed.body == "unix: 5 bytes of team from 127.0.0.1");
        }
        SUBCASE("HEAD, and a body of no bytes") {
            front.run_at({tcp.upstream()});
            BlockingClient client(front.endpoint());
            const auto head = client.send({.method = Method::head, .target = "/query"});
            REQUIRE_OK(head);
            CHECK(head->headers.get("Content-Length") == "10");
            CHECK(head->body.empty());
            CHECK(front.post("/api/v1/push", "").body.starts_with("tcp: 0 bytes"));
        }
        SUBCASE("connections are used again") {
            front.run_at({tcp.upstream()});
            for (int i = 0; i < 20; ++i) CHECK(front.get("/query").status == 200);
            for (int i = 0; i < 20; ++i) CHECK(front.post("/api/v1/push", "x").status == 200);
            CHECK(tcp.connections() <= 2);
        }
        CHECK(eventually(5s, [&] { return front.in_flight() == 0; }));
    }

    TEST_CASE("a context for TLS is for all that is reached over TCP") {
        const test::TempDir dir;
        http::test::TestCa ca(dir.path(), "ca");
        const auto files = ca.issue({.name = "server"});
        const auto server_side = http::TlsServerContext::load(
            {.certificate_file = files.certificate, .key_file = files.key}
        );
        REQUIRE_OK(server_side);
        const auto client_side = http::TlsClientContext::load({.ca_file = ca.file()});
        REQUIRE_OK(client_side);
        Front front(Front::quick(), *client_side);
        Instance instance(front.executors, "one", http::TcpAddress{"127.0.0.1", 0, *server_side});
        front.run_at({instance.upstream()});
        CHECK(front.get("/query").body == "one /query");
        const std::string body(3'000'000, 'x');
        CHECK(front.post("/api/v1/push", body).body.starts_with("one: 3000000 bytes"));
        Instance plain(front.executors, "plain", any_port());
        front.run_at({plain.upstream()});
        CHECK(front.get("/query").status == 503);
        const std::string path = dir.path() / "rpc.sock";
        Instance local(front.executors, "unix", http::UnixAddress{.path = path, .group = {}});
        front.run_at({{.instance = "unix", .address = "unix://" + path}});
        CHECK(front.get("/query").body == "unix /query");
    }

    TEST_CASE("what this process serves stays here, and so do its own pages") {
        Front front;
        Instance other(front.executors, "other", any_port());
        front.run_at({other.upstream()});
        CHECK(front.get("/ready").body == "here /ready");
        CHECK(front.get("/nowhere").status == 404);
        CHECK(front.get("/query").body == "other /query");
        front.serve_here("/query", "querier");
        CHECK(front.get("/query").body == "here /query");
        CHECK(front.counts("module=\"querier\",status_code=\"200\"} 2"));
        front.stop_gateway();
        CHECK(front.get("/query").body == "here /query");
        CHECK(front.get("/wait").status == 503);
    }

    TEST_CASE("a module without an instance is not running, and the answer says so") {
        Front front;
        const Response nowhere = front.get("/query");
        CHECK(nowhere.status == 503);
        CHECK(nowhere.body.find("module querier") != std::string::npos);
        CHECK(nowhere.headers.get("Retry-After") == "5");
        std::optional<Instance> gone(std::in_place, front.executors, "gone", any_port());
        const Upstream address = gone->upstream();
        gone.reset();
        front.run_at({address});
        const Response refused = front.post("/api/v1/push", "x");
        CHECK(refused.status == 503);
        CHECK(refused.headers.has("Retry-After"));
        CHECK(refused.body.find("module distributor") != std::string::npos);
        CHECK(
            front.counts("mimird_gateway_upstream_errors_total{module=\"distributor\","
                         "reason=\"unavailable\"} 1")
        );
    }

    TEST_CASE("a request waits, unread, while no instance of its module answers") {
        Options options = Front::quick();
        options.parking_timeout = 30s;
        Front front(options);
        const test::TempDir dir;
        const std::string path = dir.path() / "rpc.sock";
        front.run_at({{.instance = "one", .address = "unix://" + path}});
        std::thread getter([&] { CHECK(front.get("/query").body == "one /query"); });
        std::thread poster([&] {
            const Response answer = front.post("/api/v1/push", std::string(1'000'000, 'x'));
            CHECK(answer.body.starts_with("one: 1000000 bytes"));
        });
        CHECK(front.counts("mimird_gateway_parked_requests 2"));
        Instance instance(front.executors, "one", http::UnixAddress{.path = path, .group = {}});
        getter.join();
        poster.join();
        CHECK(front.counts("mimird_gateway_parked_requests 0"));
        CHECK(front.counts("mimird_gateway_parked_requests_total{module=\"querier\"} 1\n"));
    }

    TEST_CASE("requests wait no longer than they should, and no more of them") {
        Options options = Front::quick();
        options.parking_timeout = 30s;
        options.parked_requests_limit = 1;
        Front front(options);
        Raw waits(front);
        waits.send("GET /query HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK(front.counts("mimird_gateway_parked_requests 1"));
        CHECK(front.get("/query").status == 503);
        options.parking_timeout = 50ms;
        Front impatient(options);
        CHECK(impatient.get("/query").status == 503);
        Instance instance(front.executors, "one", any_port());
        front.run_at({instance.upstream()});
        CHECK(waits.read_until("one /query").starts_with("HTTP/1.1 200"));
    }

    TEST_CASE("a body streams: its first bytes arrive before the last are sent") {
        Front front;
        Instance instance(front.executors, "one", any_port());
        front.run_at({instance.upstream()});
        Raw client(front);
        client.send(kPush);
        client.send_chunk("first");
        REQUIRE(eventually(5s, [&] { return instance.bytes == 5; }));
        CHECK(front.in_flight() == 1);
        client.send_chunk(" and last");
        client.send("0\r\n\r\n");
        CHECK(client.read_until("127.0.0.1").find("one: 14 bytes of t") != std::string::npos);
    }

    TEST_CASE("a body larger than is held goes through, as fast as it is read") {
        Front front;
        Instance instance(front.executors, "one", any_port());
        instance.reads_slowly = true;
        front.run_at({instance.upstream()});
        constexpr std::size_t kBytes = 64 << 20;
        Raw client(front);
        std::atomic<std::size_t> sent = 0;
        std::thread sender([&] {
            client.send(fmt::format(
                "POST /api/v1/push HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", kBytes
            ));
            const std::string piece(1 << 20, 'x');
            while (sent < kBytes && client.send(piece)) sent += piece.size();
        });
        REQUIRE(eventually(5s, [&] { return instance.pushes == 1; }));
        CHECK(!eventually(200ms, [&] { return sent == kBytes; }));  // nobody takes it all
        instance.released = true;
        CHECK(
            client.read_until("127.0.0.1").find(fmt::format("{} bytes", kBytes)) !=
            std::string::npos
        );
        sender.join();
    }

    TEST_CASE("a slow reader slows the instance, and one that leaves ends its work") {
        Front front;
        Instance instance(front.executors, "one", any_port());
        front.run_at({instance.upstream()});
        Raw client(front);
        client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
        REQUIRE(eventually(5s, [&] { return instance.written > 0; }));
        std::size_t before = 0;
        REQUIRE(eventually(5s, [&] {  // it comes to rest
            const std::size_t now = std::exchange(before, instance.written.load());
            return now == before && !eventually(50ms, [&] { return instance.written != before; });
        }));
        CHECK(before < 64 << 20);
        client.close();
        CHECK(eventually(5s, [&] { return instance.canceled == 1; }));
        CHECK(eventually(5s, [&] { return front.in_flight() == 0; }));
    }

    TEST_CASE("a client that leaves cancels what it waits for, and what it sends") {
        Front front;
        Instance instance(front.executors, "one", any_port());
        front.run_at({instance.upstream()});
        Raw client(front);
        SUBCASE("waiting") {
            client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
            REQUIRE(eventually(5s, [&] { return instance.waiting == 1; }));
        }
        SUBCASE("sending") {
            client.send(kPush);
            client.send_chunk("abc");
            REQUIRE(eventually(5s, [&] { return instance.bytes == 3; }));
        }
        client.close();
        CHECK(eventually(5s, [&] { return instance.canceled == 1; }));
        CHECK(eventually(5s, [&] { return front.in_flight() == 0; }));
        CHECK(front.counts("status_code=\"499\"} 1"));
    }

    TEST_CASE("an instance that cannot be reached is replaced by another, whatever the request") {
        Front front;
        Instance lives(front.executors, "lives", any_port());
        std::optional<Instance> gone(std::in_place, front.executors, "gone", any_port());
        const Upstream address = gone->upstream();
        gone.reset();
        front.run_at({lives.upstream(), address});
        for (int i = 0; i < 4; ++i) {
            CHECK(front.post("/api/v1/push", "x").status == 200);
            CHECK(front.get("/query").status == 200);
        }
        // It is tried once for each module, and then left alone.
        CHECK(front.counts("mimird_gateway_retries_total{module=\"distributor\"} 1"));
        CHECK(front.counts("mimird_gateway_retries_total{module=\"querier\"} 1"));
    }

    TEST_CASE("an instance that dies before it answers is replaced for GET, not for a POST") {
        Front front;
        RawInstance dies([](int connection) {
            const std::string head = RawInstance::read_until(connection, "\r\n\r\n");
            const bool has_body = head.find("Content-Length: 6") != std::string::npos;
            if (has_body && !head.ends_with("a body"))
                RawInstance::read_until(connection, "a body");
        });
        Instance lives(front.executors, "lives", any_port());
        front.run_at({lives.upstream(), dies.upstream("dies")});
        const auto post_until_it_dies = [&](const std::string& body) {
            // Which of them comes first is open; the one that died is left alone afterwards.
            const Response first = front.post("/api/v1/push", body);
            const Response second = front.post("/api/v1/push", body);
            return std::max(first.status, second.status);
        };
        SUBCASE("GET") {
            CHECK(front.get("/query").status == 200);
            CHECK(front.get("/query").status == 200);
            CHECK(front.counts("mimird_gateway_retries_total{module=\"querier\"} 1"));
            CHECK(dies.connections == 1);
        }
        SUBCASE("POST") {
            CHECK(post_until_it_dies("a body") == 502);
            CHECK(lives.pushes == 1);
        }
        SUBCASE("POST without a body") {
            CHECK(post_until_it_dies("") == 502);
            CHECK(lives.pushes == 1);
        }
    }

    TEST_CASE("an instance that dies in the middle of its answer breaks the client's, too") {
        Front front;
        Instance instance(front.executors, "one", any_port());
        front.run_at({instance.upstream()});
        BlockingClient client(front.endpoint());
        const auto torn = client.send({.target = "/torn"});
        REQUIRE(!torn);
        CHECK(torn.error().kind == ErrorKind::unavailable);
        CHECK(
            front.counts("mimird_gateway_upstream_errors_total{module=\"querier\","
                         "reason=\"unavailable\"} 1")
        );
    }

    TEST_CASE("an instance that dies in the middle of a body is not asked again with half of it") {
        Front front;
        RawInstance dies([](int connection) { RawInstance::read_until(connection, "first"); });
        front.run_at({dies.upstream("dies")});
        Raw client(front);
        client.send(kPush);
        client.send_chunk("first");
        REQUIRE(eventually(5s, [&] { return dies.connections == 1; }));
        std::string answer;
        for (int i = 0; i < 1000 && client.send_chunk("more"); ++i) {
            if (front.metrics().find("status_code=\"502\"} 1") != std::string::npos) break;
        }
        answer = client.read_until("\r\n");
        CHECK(answer.starts_with("HTTP/1.1 502 "));
        CHECK(dies.connections == 1);
    }

    TEST_CASE("an instance that refuses a body is heard before all of it is sent") {
        Front front;
        Instance instance(front.executors, "one", any_port());
        front.run_at({instance.upstream()});
        Raw client(front);
        client.send("POST /refuse HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        const std::string piece(10'000, 'x');
        std::thread sender([&] {
            for (int i = 0; i < 100'000 && client.send_chunk(piece); ++i) {
            }
        });
        CHECK(client.read_until("too much").starts_with("HTTP/1.1 413 "));
        client.read_until("never");  // until the gateway closes, which ends the sending
        sender.join();
    }

    TEST_CASE("an instance that does not answer in time is given up with 504") {
        Options options = Front::quick();
        options.stall_timeout = 50ms;
        Front front(options);
        Instance instance(front.executors, "one", any_port());
        front.run_at({instance.upstream()});
        const Response late = front.get("/wait");
        CHECK(late.status == 504);
        CHECK(late.body.find("module querier") != std::string::npos);
        CHECK(eventually(5s, [&] { return instance.canceled == 1; }));
        CHECK(front.get("/query").status == 200);
    }

    TEST_CASE("an instance gets no more requests than its share") {
        Options options = Front::quick();
        options.instance_requests_limit = 1;
        Front front(options);
        Instance instance(front.executors, "one", any_port());
        front.run_at({instance.upstream()});
        Raw client(front);
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        REQUIRE(eventually(5s, [&] { return instance.waiting == 1; }));
        CHECK(front.get("/query").status == 503);
        instance.released = true;
        CHECK(client.read_until("waited").starts_with("HTTP/1.1 200 "));
        CHECK(eventually(5s, [&] { return front.get("/query").status == 200; }));
    }

    TEST_CASE("a pin moves new requests, and shows when the old instance is done") {
        Front front;
        Instance old(front.executors, "old", any_port());
        Instance fresh(front.executors, "new", any_port());
        front.run_at({old.upstream()});
        Raw client(front);
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        REQUIRE(eventually(5s, [&] { return old.waiting == 1; }));
        const auto table = front.slot.get();
        const auto revision = table->load()->find("querier", "")->revision;
        const auto flip = table->pin({.module = "querier", .to = fresh.upstream()}, revision);
        REQUIRE_OK(flip);
        const auto left = [&] {
            std::size_t all = 0;
            for (const auto& target : flip->before) all += target->in_flight();
            return all;
        };
        CHECK(front.get("/query").body == "new /query");
        CHECK(left() == 1);
        old.released = true;
        CHECK(client.read_until("waited").find("old waited") != std::string::npos);
        CHECK(eventually(5s, [&] { return left() == 0; }));
        REQUIRE_OK(table->unpin("querier", "", flip->revision));
        CHECK(front.get("/query").body == "old /query");
        CHECK(front.counts(
            fmt::format("mimird_gateway_route_table_revision {}", table->load()->revision)
        ));
    }

    TEST_CASE("stopping the gateway lets its requests end") {
        Front front;
        Instance instance(front.executors, "one", any_port());
        front.run_at({instance.upstream()});
        Raw client(front);
        client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        REQUIRE(eventually(5s, [&] { return instance.waiting == 1; }));
        std::thread stopping([&] { front.stop_gateway(); });
        CHECK(eventually(5s, [&] { return front.get("/query").status == 503; }));
        instance.released = true;
        CHECK(client.read_until("waited").starts_with("HTTP/1.1 200 "));
        stopping.join();
    }

    TEST_CASE("an upgrade is refused in clear words") {
        Front front;
        Instance instance(front.executors, "one", any_port());
        front.run_at({instance.upstream()});
        const Response refused =
            front.get("/query", {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}});
        CHECK(refused.status == 501);
        CHECK(refused.body.find("upgrade") != std::string::npos);
        CHECK(front.get("/query", {{"Connection", "Upgrade"}, {"Upgrade", "h2c"}}).status == 200);
    }

    TEST_CASE("with a file of credentials, modules want one, and the process' own pages do not") {
        const test::TempDir dir;
        const fs::Path path = dir.path() / "auth.yaml";
        const auto write = [&](std::string_view token) {
            REQUIRE_OK(fs::write_file_atomically(
                fs::real_file_system(),
                path,
                fmt::format("credentials: [{{token: {}, tenants: [a]}}]", token)
            ));
        };
        write("one");
        Options options = Front::quick();
        options.auth_file = path;
        options.auth_reload_period = 10ms;
        Front front(options);
        Instance instance(front.executors, "one", any_port());
        front.run_at({instance.upstream()});
        front.serve_here("/query", "querier");

        CHECK(front.get("/ready").status == 200);
        const Response unknown = front.post("/api/v1/push", "x", {{"X-Scope-OrgID", "a"}});
        CHECK(unknown.status == 401);
        CHECK(unknown.headers.has("WWW-Authenticate"));
        CHECK(front.get("/query").status == 401);
        CHECK(front.get("/query", {{"Authorization", "Bearer one"}}).status == 200);
        const Response pushed = front.post("/api/v1/push", "x", {{"Authorization", "Bearer one"}});
        CHECK(pushed.body == "one: 1 bytes of a from 127.0.0.1");
        const http::Headers of_another = {{"Authorization", "Bearer one"}, {"X-Scope-OrgID", "b"}};
        CHECK(front.post("/api/v1/push", "x", of_another).status == 403);
        CHECK(front.counts("mimird_gateway_auth_refused_total{status_code=\"403\"} 1"));

        REQUIRE_OK(fs::write_file_atomically(fs::real_file_system(), path, "credentials: {"));
        CHECK(front.counts("mimird_gateway_auth_last_reload_successful 0"));
        CHECK(front.get("/query", {{"Authorization", "Bearer one"}}).status == 200);
        write("two");
        CHECK(eventually(5s, [&] {
            return front.get("/query", {{"Authorization", "Bearer two"}}).status == 200;
        }));
        CHECK(front.get("/query", {{"Authorization", "Bearer one"}}).status == 401);
        CHECK(front.counts("mimird_gateway_auth_last_reload_successful 1"));
    }

    TEST_CASE("a file of credentials that is broken at the start stops the module") {
        Options options = Front::quick();
        options.auth_file = "/nowhere/auth.yaml";
        Front front;
        front.stop_gateway();
        const auto service = create_service({
            .options = options,
            .instance = "me",
            .modules = {},
            .discover = {},
            .tls = nullptr,
            .slot = front.slot,
            .files = fs::real_file_system(),
            .executors = front.executors,
            .router = front.router,
            .registry = front.registry,
            .log = {},
        });
        CHECK(!service->start(CancellationToken()));
    }
}

}  // namespace
}  // namespace mimir::gateway
