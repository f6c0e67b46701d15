#include "kv/options.hpp"

#include "support/test_support.hpp"

namespace mimir::kv {
namespace {

/// Every finding, one a line; empty when there is none.
std::string findings_of(const Options& options) {
    config::Findings findings;
    validate(options, "common.kvstore", findings);
    const auto result = findings.result();
    return result ? std::string() : result.error().message;
}

std::string findings_of(const Options& common, const OwnOptions& own) {
    config::Findings findings;
    validate(common, own, "ingester.ring", findings);
    const auto result = findings.result();
    return result ? std::string() : result.error().message;
}

Options with_etcd(std::vector<std::string> endpoints) {
    Options options;
    options.store = StoreKind::etcd;
    options.etcd.endpoints = std::move(endpoints);
    return options;
}

TEST_SUITE("kv/options") {
    TEST_CASE("settings have Mimir's names, and a ring's flags leave kvstore out") {
        Options common;
        OwnOptions own;
        config::Declarer d;
        declare_common(d, common);
        declare_own(d, own, "ingester.ring", "ingester.ring");
        REQUIRE(d.find_flag("common.kvstore.etcd.tls-ca-path") != nullptr);
        REQUIRE_OK(d.find_key("common.kvstore.store")->set("etcd"));
        REQUIRE_OK(d.find_key("common.kvstore.etcd.endpoints")->set("http://a:1,http://b:2"));
        REQUIRE_OK(d.find_flag("ingester.ring.prefix")->set("mine/"));
        REQUIRE_OK(d.find_key("ingester.ring.kvstore.etcd.endpoints")->set("http://c:3"));
        CHECK(common.store == StoreKind::etcd);
        CHECK(common.etcd.endpoints == std::vector<std::string>{"http://a:1", "http://b:2"});
        CHECK(own.prefix == "mine/");
        CHECK(d.find_flag("ingester.ring.store") != nullptr);
        CHECK(d.find_key("common.kvstore.etcd.password")->secret);
        CHECK_FALSE(d.find_key("common.kvstore.store")->set("consul"));

        const Options merged = merge(common, own);
        CHECK(merged.store == StoreKind::etcd);
        CHECK(merged.prefix == "mine/");
        CHECK(merged.etcd.endpoints == std::vector<std::string>{"http://c:3"});
    }

    TEST_CASE("a ring that says nothing has the common store, the very same") {
        const Options common = with_etcd({"http://a:1"});
        CHECK(merge(common, {}) == common);
        CHECK(findings_of(common, {}) == "");
        OwnOptions own;
        own.store = "inmemory";
        CHECK(merge(common, own).store == StoreKind::inmemory);
        own.store = "sqlit";
        CHECK(findings_of(common, own).find("ingester.ring.kvstore.store: expected one of") == 0);
        CHECK(findings_of(common, own).find("did you mean \"sqlite\"") != std::string::npos);
    }

    TEST_CASE("a ring of its own in etcd needs endpoints from somewhere") {
        OwnOptions own;
        own.store = "etcd";
        CHECK(findings_of(Options{}, own).find("ingester.ring.kvstore.etcd.endpoints:") == 0);
        own.etcd_endpoints = {"http://a:1"};
        CHECK(findings_of(Options{}, own) == "");
    }

    TEST_CASE("what is wrong is said with its key") {
        struct Case {
            std::string_view name;
            std::function<void(Options&)> change;
            std::string_view finding;
        };
        const std::vector<Case> cases = {
            {"no endpoint", [](auto& o) { o.etcd.endpoints.clear(); }, "etcd.endpoints: must name"},
            {"no address",
             [](auto& o) { o.etcd.endpoints = {"htp:/x"}; },
             "etcd.endpoints: \"htp:/x\" is no address"},
            {"a socket", [](auto& o) { o.etcd.endpoints = {"unix:///x"}; }, "is a unix socket"},
            {"certificate alone",
             [](auto& o) {
                 o.etcd.tls_cert_path = "c";
                 o.etcd.tls_enabled = true;
                 o.etcd.endpoints = {"a:1"};
             },
             "etcd.tls_key_path: must be set"},
            {"key alone",
             [](auto& o) {
                 o.etcd.tls_key_path = "k";
                 o.etcd.endpoints = {"https://a:1"};
             },
             "etcd.tls_cert_path: must be set"},
            {"TLS without effect",
             [](auto& o) { o.etcd.tls_ca_path = "ca"; },
             "etcd.tls_enabled: must be true"},
            {"TLS contradicted", [](auto& o) { o.etcd.tls_enabled = true; }, "is without TLS"},
            {"no user", [](auto& o) { o.etcd.password = "p"; }, "etcd.username: must be set"},
            {"no password", [](auto& o) { o.etcd.username = "u"; }, "etcd.password: must be set"},
            {"prefix", [](auto& o) { o.prefix = "a"; }, "prefix: must end with"},
        };
        for (const Case& c : cases) {
            CAPTURE(c.name);
            Options options = with_etcd({"http://10.0.0.1:2379"});
            CHECK(findings_of(options) == "");
            c.change(options);
            const std::string found = findings_of(options);
            CAPTURE(found);
            CHECK(found.find("common.kvstore.") == 0);
            CHECK(found.find(c.finding) != std::string::npos);
        }
        CHECK(findings_of(with_etcd({"http://a:1", "b:2", "https://[::1]:3"})) == "");
    }

    TEST_CASE("settings of etcd are not looked at while another store is used") {
        Options options;
        options.etcd.password = "left from before";
        CHECK(findings_of(options) == "");
    }
}

}  // namespace
}  // namespace mimir::kv
