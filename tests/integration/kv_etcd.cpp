// EtcdKvStore against the etcd of Debian: kept promises, lost members, broken and silent connections.

#include <csignal>

#include "etcd_server.hpp"
#include "kv/etcd.hpp"
#include "unit/http/test_certificates.hpp"
#include "unit/kv/contract.hpp"

namespace mimir::kv::test {
namespace {

using mimir::test::EtcdServer;
using mimir::test::Proxy;
using mimir::test::TempDir;
using std::chrono::steady_clock;

/// Longer than any of it takes on an idle machine.
constexpr auto kPatience = 30s;

std::string local(std::uint16_t port) { return fmt::format("http://127.0.0.1:{}", port); }

std::unique_ptr<EtcdKvStore> connect(
    runtime::IoThreads& io, EtcdOptions options, EtcdKvStore::Tuning tuning = {}
) {
    auto store = EtcdKvStore::create(io, options, telemetry::Logger(), tuning);
    REQUIRE_OK(store);
    return *std::move(store);
}

/// The version of a write that is tried until etcd takes it.
std::uint64_t write_at_last(KvStore& store, const std::string& key, const std::string& value) {
    std::uint64_t version = kAbsent;
    REQUIRE(eventually(kPatience, [&] {
        const auto present = store.get(key);
        if (!present) return false;
        if (*present && (*present)->value == value) {
            version = (*present)->version;
            return true;
        }
        const auto written =
            store.compare_and_swap(key, *present ? (*present)->version : kAbsent, value);
        version = written.value_or(kAbsent);
        return written.has_value();
    }));
    return version;
}

struct OneEtcd {
    OneEtcd() : server(dir.path()) {
        server.start();
        REQUIRE(eventually(kPatience, [&] { return server.is_healthy(); }));
    }
    TempDir dir;
    EtcdServer server;
    runtime::IoThreads io{2};
};

TEST_SUITE("kv/etcd") {
    TEST_CASE("it keeps the promises of every store, between two clients") {
        OneEtcd etcd;
        const auto one = connect(etcd.io, {.endpoints = {etcd.server.url()}});
        const auto other = connect(etcd.io, {.endpoints = {etcd.server.url()}});
        check_contract(*one, *other, "contract/");
        CHECK(one->describe() == "etcd " + etcd.server.url());
    }

    TEST_CASE(
        "a key vanishes when its time is over since the last write, and a lost lease is made again"
    ) {
        OneEtcd etcd;
        const auto store = connect(etcd.io, {.endpoints = {etcd.server.url()}});
        RecordingWatcher watcher;
        const auto watch = store->watch("", watcher);
        const auto version = store->compare_and_swap("a", kAbsent, "0", {.time_to_live = 2s});
        REQUIRE_OK(version);
        REQUIRE_OK(store->compare_and_swap("b", kAbsent, "0", {.time_to_live = 2s}));
        REQUIRE(eventually(kPatience, [&] { return watcher.has("a") && watcher.has("b"); }));
        // "a" is written all the while in which "b" runs out.
        std::uint64_t newest = *version;
        REQUIRE(eventually(kPatience, [&] {
            const auto written = store->compare_and_swap("a", newest, "1", {.time_to_live = 2s});
            REQUIRE_OK(written);
            newest = *written;
            return !watcher.has("b");
        }));
        CHECK(watcher.has("a"));
        CHECK(!store->get("b").value());

        const auto leases = etcd.server.call("/v3/lease/leases", "{}");
        REQUIRE_OK(leases);
        const auto at = leases->find("\"ID\":\"");
        REQUIRE(at != std::string::npos);
        const std::string id = leases->substr(at + 6, leases->find('"', at + 6) - at - 6);
        REQUIRE_OK(etcd.server.call("/v3/lease/revoke", "{\"ID\":\"" + id + "\"}"));
        CHECK(!store->get("a").value());
        REQUIRE_OK(store->compare_and_swap("a", kAbsent, "2", {.time_to_live = 2s}));
        CHECK(store->get("a").value()->value == "2");
        CHECK(eventually(kPatience, [&] { return !watcher.has("a"); }));
        CHECK(watcher.complaints() == std::vector<std::string>{});
    }

    TEST_CASE("etcd is killed and started again: watchers and writers go on by themselves") {
        OneEtcd etcd;
        const auto store = connect(etcd.io, {.endpoints = {etcd.server.url()}});
        RecordingWatcher watcher;
        const auto watch = store->watch("", watcher);
        const auto version = store->compare_and_swap("a", kAbsent, "1");
        REQUIRE_OK(version);
        REQUIRE(eventually(kPatience, [&] { return watcher.value("a") == "1"; }));

        etcd.server.kill();
        REQUIRE(eventually(kPatience, [&] { return watcher.is_reachable() == false; }));
        const auto refused = store->compare_and_swap("a", *version, "2");
        REQUIRE(!refused);
        CHECK(refused.error().kind == ErrorKind::unavailable);
        CHECK(!store->get("a"));
        CHECK(watcher.value("a") == "1");

        etcd.server.start();
        CHECK(write_at_last(*store, "a", "2") > *version);
        CHECK(eventually(kPatience, [&] { return watcher.value("a") == "2"; }));
        CHECK(watcher.is_reachable() == true);
        CHECK(watcher.complete_updates() == 1);
        CHECK(watcher.complaints() == std::vector<std::string>{});
    }

    TEST_CASE("an etcd that lost its data is taken for what it is") {
        OneEtcd etcd;
        const auto store = connect(etcd.io, {.endpoints = {etcd.server.url()}});
        RecordingWatcher watcher;
        const auto watch = store->watch("", watcher);
        REQUIRE_OK(store->compare_and_swap("old", kAbsent, "1"));
        REQUIRE_OK(store->compare_and_swap("older", kAbsent, "1"));
        REQUIRE(eventually(kPatience, [&] { return watcher.values().size() == 2; }));
        etcd.server.kill();
        std::filesystem::remove_all(etcd.dir.path() / "alone");
        etcd.server.start();
        REQUIRE(eventually(kPatience, [&] { return watcher.values().empty(); }));
        write_at_last(*store, "new", "1");
        CHECK(eventually(kPatience, [&] { return watcher.has("new"); }));
    }

    TEST_CASE("what is compacted away while a watcher is cut off, it reads anew") {
        OneEtcd etcd;
        Proxy proxy(etcd.server.port());
        const auto direct = connect(etcd.io, {.endpoints = {etcd.server.url()}});
        const auto cut_off = connect(etcd.io, {.endpoints = {local(proxy.port())}});
        RecordingWatcher watcher;
        const auto watch = cut_off->watch("", watcher);
        const auto gone = direct->compare_and_swap("gone", kAbsent, "1");
        REQUIRE_OK(gone);
        const auto stays = direct->compare_and_swap("stays", kAbsent, "1");
        REQUIRE_OK(stays);
        REQUIRE(eventually(kPatience, [&] { return watcher.values().size() == 2; }));

        proxy.cut();
        REQUIRE(eventually(kPatience, [&] { return watcher.is_reachable() == false; }));
        REQUIRE_OK(direct->remove("gone", *gone));
        const auto last = direct->compare_and_swap("stays", *stays, "2");
        REQUIRE_OK(last);
        REQUIRE_OK(
            etcd.server.call("/v3/kv/compaction", fmt::format("{{\"revision\":\"{}\"}}", *last))
        );
        proxy.mend();
        CHECK(eventually(kPatience, [&] { return watcher.value("stays") == "2"; }));
        CHECK(!watcher.has("gone"));
        CHECK(watcher.is_reachable() == true);
        CHECK(watcher.complete_updates() == 2);
        REQUIRE_OK(direct->compare_and_swap("stays", *last, "3"));
        CHECK(eventually(kPatience, [&] { return watcher.value("stays") == "3"; }));
        CHECK(watcher.complaints() == std::vector<std::string>{});
    }

    TEST_CASE("a watch that idles does not fall behind what is compacted away") {
        OneEtcd etcd;
        Proxy proxy(etcd.server.port());
        const auto direct = connect(etcd.io, {.endpoints = {etcd.server.url()}});
        const auto store =
            connect(etcd.io, {.endpoints = {local(proxy.port())}}, {.watch_renewal = 200ms});
        RecordingWatcher watcher;
        const auto watch = store->watch("quiet/", watcher);
        REQUIRE_OK(direct->compare_and_swap("quiet/a", kAbsent, "1"));
        REQUIRE(eventually(kPatience, [&] { return watcher.has("quiet/a"); }));
        std::uint64_t last = kAbsent;
        for (int i = 0; i < 20; ++i) last = direct->compare_and_swap("busy/a", last, "1").value();
        // Until the watch has asked twice since.
        const auto until = steady_clock::now() + 1s;
        REQUIRE(eventually(kPatience, [&] { return steady_clock::now() > until; }));
        REQUIRE_OK(
            etcd.server.call("/v3/kv/compaction", fmt::format("{{\"revision\":\"{}\"}}", last))
        );
        REQUIRE_OK(direct->compare_and_swap("quiet/b", kAbsent, "1"));
        CHECK(eventually(kPatience, [&] { return watcher.has("quiet/b"); }));
        CHECK(watcher.complete_updates() == 1);
    }

    TEST_CASE("a connection that is silent for ever is noticed") {
        OneEtcd etcd;
        Proxy proxy(etcd.server.port());
        const auto direct = connect(etcd.io, {.endpoints = {etcd.server.url()}});
        const auto store = connect(
            etcd.io,
            {.endpoints = {local(proxy.port())}, .dial_timeout = 500ms, .request_timeout = 1s},
            {.watch_renewal = 1s}
        );
        RecordingWatcher watcher;
        const auto watch = store->watch("", watcher);
        REQUIRE_OK(direct->compare_and_swap("a", kAbsent, "1"));
        REQUIRE(eventually(kPatience, [&] { return watcher.has("a"); }));

        SUBCASE("and another one is taken, when etcd can be reached") {
            proxy.freeze_present();
            REQUIRE_OK(direct->compare_and_swap("b", kAbsent, "1"));
            CHECK(eventually(kPatience, [&] { return watcher.has("b"); }));
        }
        SUBCASE("and said, when it can't") {
            proxy.freeze();
            REQUIRE_OK(direct->compare_and_swap("b", kAbsent, "1"));
            CHECK(eventually(kPatience, [&] { return watcher.is_reachable() == false; }));
            CHECK(!watcher.has("b"));
            CHECK(!store->get("a"));
            proxy.mend();
            CHECK(eventually(kPatience, [&] { return watcher.has("b"); }));
            CHECK(watcher.is_reachable() == true);
        }
        CHECK(watcher.complete_updates() == 1);
        CHECK(watcher.complaints() == std::vector<std::string>{});
    }

    TEST_CASE("a store and its watches end at once, whatever they wait for") {
        OneEtcd etcd;
        Proxy proxy(etcd.server.port());
        RecordingWatcher watcher;
        for (const bool frozen : {false, true}) {
            CAPTURE(frozen);
            if (frozen) proxy.freeze();
            auto store = connect(etcd.io, {.endpoints = {local(proxy.port())}});
            auto one = store->watch("a", watcher);
            auto other = store->watch("b", watcher);
            // At least one of them is under way.
            REQUIRE(eventually(kPatience, [&] { return proxy.connections() > 0; }));
            const auto begin = steady_clock::now();
            store.reset();
            one.reset();
            other.reset();
            CHECK(steady_clock::now() - begin < 2s);
        }
    }

    TEST_CASE("of three members the leader is killed, and another one hangs") {
        const TempDir dir;
        const std::vector<EtcdServer::Member> members = {
            {.name = "a"}, {.name = "b"}, {.name = "c"}
        };
        std::list<EtcdServer> servers;
        EtcdOptions options{.request_timeout = 4s};
        for (const auto& member : members) {
            servers.emplace_back(dir.path(), member, members).start();
            options.endpoints.push_back(local(member.client_port));
        }
        for (const auto& server : servers)
            REQUIRE(eventually(kPatience, [&] { return server.is_healthy(); }));
        runtime::IoThreads io{2};
        const auto store = connect(io, options, {.watch_renewal = 1s});
        RecordingWatcher watcher;
        const auto watch = store->watch("", watcher);

        const auto write_some = [&](const std::string& prefix) {
            std::map<std::string, std::uint64_t> written;
            for (int i = 0; i < 10; ++i) {
                const std::string key = prefix + std::to_string(i);
                written[key] = write_at_last(*store, key, "1");
            }
            return written;
        };
        const auto all_there = [&](const std::map<std::string, std::uint64_t>& written) {
            for (const auto& [key, version] : written) {
                CAPTURE(key);
                const auto present = store->get(key);
                REQUIRE_OK(present);
                REQUIRE(present->has_value());
                CHECK((*present)->version == version);
                CHECK(eventually(kPatience, [&] { return watcher.has(key); }));
            }
        };
        const auto before = write_some("before/");
        all_there(before);

        const auto leader =
            std::ranges::find_if(servers, [](const auto& one) { return one.is_leader(); });
        REQUIRE(leader != servers.end());
        leader->kill();
        const auto killed_at = steady_clock::now();
        const auto after = write_some("after/");
        MESSAGE(
            "writes went on after ",
            std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - killed_at)
                .count(),
            " ms"
        );
        all_there(before);
        all_there(after);

        leader->start();
        REQUIRE(eventually(kPatience, [&] { return leader->is_healthy(); }));
        servers.front().signal(SIGSTOP);
        const auto hanging = write_some("hanging/");
        all_there(hanging);
        servers.front().signal(SIGCONT);
        CHECK(watcher.complete_updates() == 1);
        CHECK(watcher.complaints() == std::vector<std::string>{});
    }

    TEST_CASE("without a quorum etcd is out of reach, though a member answers") {
        const TempDir dir;
        const std::vector<EtcdServer::Member> members = {
            {.name = "a"}, {.name = "b"}, {.name = "c"}
        };
        std::list<EtcdServer> servers;
        for (const auto& member : members)
            servers.emplace_back(dir.path(), member, members).start();
        for (const auto& server : servers)
            REQUIRE(eventually(kPatience, [&] { return server.is_healthy(); }));
        runtime::IoThreads io{2};
        const auto store = connect(
            io, {.endpoints = {servers.front().url()}, .request_timeout = 2s}, {.watch_renewal = 1s}
        );
        RecordingWatcher watcher;
        const auto watch = store->watch("", watcher);
        write_at_last(*store, "a", "1");
        REQUIRE(eventually(kPatience, [&] { return watcher.has("a"); }));
        servers.back().kill();
        std::next(servers.begin())->kill();
        CHECK(eventually(kPatience, [&] { return watcher.is_reachable() == false; }));
        CHECK(!store->get("a"));
        servers.back().start();
        write_at_last(*store, "a", "2");
        CHECK(eventually(kPatience, [&] { return watcher.value("a") == "2"; }));
        CHECK(watcher.is_reachable() == true);
    }

    TEST_CASE("with TLS both sides show certificates") {
        const TempDir dir;
        http::test::TestCa ca(dir.path(), "ca");
        http::test::TestCa stranger(dir.path(), "stranger");
        const auto server = ca.issue({.name = "server"});
        const auto client = ca.issue({.name = "client"});
        EtcdServer etcd(dir.path(), EtcdServer::Tls{server.certificate, server.key, ca.file()});
        etcd.start();
        runtime::IoThreads io{1};
        EtcdOptions options{
            .endpoints = {fmt::format("127.0.0.1:{}", etcd.port())},
            .tls_enabled = true,
            .tls_ca_path = ca.file(),
            .tls_cert_path = client.certificate,
            .tls_key_path = client.key,
        };
        const auto store = connect(io, options);
        write_at_last(*store, "a", "1");
        RecordingWatcher watcher;
        const auto watch = store->watch("", watcher);
        CHECK(eventually(kPatience, [&] { return watcher.value("a") == "1"; }));

        EtcdOptions without = options;
        without.tls_cert_path.clear();
        without.tls_key_path.clear();
        CHECK(!connect(io, without)->get("a"));
        EtcdOptions wrong_ca = options;
        wrong_ca.tls_ca_path = stranger.file();
        CHECK(!connect(io, wrong_ca)->get("a"));
        EtcdOptions wrong_name = options;
        wrong_name.tls_server_name = "etcd.example";
        CHECK(!connect(io, wrong_name)->get("a"));
        wrong_name.tls_insecure_skip_verify = true;
        CHECK(connect(io, wrong_name)->get("a"));
        EtcdOptions no_file = options;
        no_file.tls_ca_path = "/nowhere.pem";
        CHECK(!EtcdKvStore::create(io, no_file, telemetry::Logger()));
    }

    TEST_CASE("with a password, tokens are renewed when etcd knows them no more") {
        OneEtcd etcd;
        EtcdOptions options{
            .endpoints = {etcd.server.url()}, .username = "mimird", .password = "s3cret"
        };
        const auto early = connect(etcd.io, options);
        REQUIRE_OK(early->get("a"));  // etcd asks nobody yet

        for (const auto& [path, body] : std::vector<std::pair<std::string, std::string>>{
                 {"user/add", R"({"name":"root","password":"r"})"},
                 {"user/grant", R"({"user":"root","role":"root"})"},
                 {"user/add", R"({"name":"mimird","password":"s3cret"})"},
                 {"role/add", R"({"name":"rings"})"},
                 // From "a" to "b".
                 {"role/grant",
                  R"({"name":"rings","perm":{"permType":"READWRITE","key":"YQ==","range_end":"Yg=="}})"
                 },
                 {"user/grant", R"({"user":"mimird","role":"rings"})"},
                 {"enable", "{}"},
             }) {
            CAPTURE(path);
            REQUIRE_OK(etcd.server.call("/v3/auth/" + path, body));
        }
        for (const auto& store : {early.get(), connect(etcd.io, options).release()}) {
            const std::unique_ptr<KvStore> owned(store == early.get() ? nullptr : store);
            RecordingWatcher watcher;
            RecordingWatcher forbidden;
            const auto watch = store->watch("a", watcher);
            const auto watch_forbidden = store->watch("c", forbidden);
            write_at_last(*store, "a", "1");
            CHECK(eventually(kPatience, [&] { return watcher.has("a"); }));
            CHECK(eventually(kPatience, [&] { return forbidden.is_reachable() == false; }));
            const auto denied = store->get("c");
            REQUIRE(!denied);
            CHECK(denied.error().message.find("permission denied") != std::string::npos);

            // A new process of etcd knows no tokens of before.
            etcd.server.kill();
            etcd.server.start();
            const std::string value = store == early.get() ? "2" : "3";
            write_at_last(*store, "a", value);
            CHECK(eventually(kPatience, [&] { return watcher.value("a") == value; }));
        }
        options.password = "wrong";
        const auto refused = connect(etcd.io, options)->get("a");
        REQUIRE(!refused);
        CHECK(refused.error().kind == ErrorKind::unavailable);
        CHECK(refused.error().message.find("authenticating") == 0);
        CHECK(refused.error().message.find("wrong") == std::string::npos);
    }
}

}  // namespace
}  // namespace mimir::kv::test
