#include "kv/detail/etcd_messages.hpp"

#include <nlohmann/json.hpp>

#include "kv/detail/base64.hpp"
#include "kv/detail/prefix.hpp"
#include "support/test_support.hpp"

namespace mimir::kv::detail {
namespace {

TEST_SUITE("kv/etcd messages") {
    TEST_CASE("base64 of RFC 4648") {
        const std::vector<std::pair<std::string, std::string>> cases = {
            {"", ""},
            {"f", "Zg=="},
            {"fo", "Zm8="},
            {"foo", "Zm9v"},
            {"foobar", "Zm9vYmFy"},
            {std::string("\0\xff\xfe", 3), "AP/+"},
        };
        for (const auto& [bytes, text] : cases) {
            CAPTURE(text);
            CHECK(base64_encode(bytes) == text);
            CHECK(base64_decode(text).value() == bytes);
        }
        CHECK(base64_decode("Zg").value() == "f");
        for (const char* const wrong : {"Z", "Zm9v\n", "Zh==", "Z===", "*m9v", "Zg==Zg=="}) {
            CAPTURE(wrong);
            CHECK(!base64_decode(wrong));
        }
        auto random = mimir::test::seeded_random();
        for (int i = 0; i < 200; ++i) {
            std::string bytes(random.below(50), '\0');
            for (char& byte : bytes) byte = static_cast<char>(random.next());
            CHECK(base64_decode(base64_encode(bytes)).value() == bytes);
        }
    }

    TEST_CASE("the end of a prefix is behind all that begin with it") {
        CHECK(prefix_end("a/") == "a0");
        CHECK(prefix_end("a\xff") == "b");
        CHECK(prefix_end("\x7f") == "\x80");
        CHECK(prefix_end("").empty());
        CHECK(prefix_end("\xff\xff").empty());
        CHECK(watch_request("", 1).find(R"("key":"AA==","range_end":"AA==")") != std::string::npos);
    }

    TEST_CASE("a write compares the revision, and asks for the present one in case") {
        const auto put =
            nlohmann::json::parse(put_request({.key = "a", .expected = 0, .value = "", .lease = -5})
            );
        CHECK(put["compare"][0]["mod_revision"] == "0");
        CHECK(put["success"][0]["request_put"]["lease"] == "-5");
        CHECK(put["failure"][0]["request_range"]["keys_only"] == true);
        const auto remove = nlohmann::json::parse(remove_request("a", 18'446'744'073'709'551'615U));
        CHECK(remove["compare"][0]["mod_revision"] == "18446744073709551615");
        CHECK(!nlohmann::json::parse(put_request({.key = "a"}))["success"][0]["request_put"]
                   .contains("lease"));
    }

    TEST_CASE("what is left out in an answer is zero, false or empty") {
        const auto failed =
            parse_txn(R"({"header":{"revision":"7"},"responses":[{"response_range":{}}]})");
        REQUIRE_OK(failed);
        CHECK_FALSE(failed->succeeded);
        CHECK(failed->present == kAbsent);
        const auto empty = parse_range(R"({"header":{"revision":"7"}})");
        REQUIRE_OK(empty);
        CHECK(empty->entries.empty());
        CHECK(empty->revision == 7);
        const auto no_value = parse_range(
            R"({"header":{},"kvs":[{"key":"YQ==","mod_revision":"9007199254740993"}],"count":"1"})"
        );
        REQUIRE_OK(no_value);
        CHECK(no_value->entries == std::vector<Entry>{{"a", "", 9'007'199'254'740'993U}});
        CHECK(parse_keepalive(R"({"result":{"ID":"77"}})").value() == false);
        CHECK(parse_keepalive(R"({"result":{"ID":"77","TTL":"2"}})").value() == true);
    }

    TEST_CASE("what is no answer of etcd is said to be none") {
        for (const char* const text :
             {"", "{", "[]", "null", "<html>", "{}", R"({"header":3,"kvs":{}})"}) {
            CAPTURE(text);
            CHECK(!parse_txn(text));
            CHECK(!parse_grant(text));
            CHECK(!parse_keepalive(text));
            CHECK(!parse_token(text));
            CHECK(!parse_watch(text));
        }
        CHECK(!parse_range("{}"));
        CHECK(!parse_range(R"({"header":{},"kvs":[{"key":"*"}]})"));
        CHECK(!parse_range(R"({"header":{},"kvs":[{"key":"YQ==","value":"*"}]})"));
    }

    TEST_CASE("a watch tells of events, and of its end") {
        const auto events =
            parse_watch(R"({"result":{"header":{"revision":"9"},"events":[)"
                        R"({"kv":{"key":"YQ==","mod_revision":"7","value":"MQ=="}},)"
                        R"({"type":"DELETE","kv":{"key":"Yg==","mod_revision":"8"}},)"
                        R"({"type":"DELETE","kv":{"key":"YQ==","mod_revision":"9"}},)"
                        R"({"type":"PUT","kv":{"key":"Yg==","mod_revision":"9","value":"Mg=="}}]}})"
            );
        REQUIRE_OK(events);
        CHECK(events->revision == 9);
        CHECK(events->update.removed == std::vector<std::string>{"a"});
        CHECK(events->update.changed == std::vector<Entry>{{"b", "2", 9}});
        CHECK(parse_watch(R"({"result":{"header":{},"created":true}})")->created);
        const auto compacted =
            parse_watch(R"({"result":{"header":{},"canceled":true,"compact_revision":"5"}})");
        REQUIRE_OK(compacted);
        CHECK(compacted->compacted);
        CHECK(compacted->ended.has_value());
        const auto denied =
            parse_watch(R"({"result":{"created":true,"canceled":true,"cancel_reason":"no"}})");
        REQUIRE_OK(denied);
        CHECK_FALSE(denied->compacted);
        CHECK(denied->ended->message.find("no") != std::string::npos);
        CHECK(parse_watch(R"({"error":{"grpc_code":14,"message":"no leader"}})")->ended.has_value()
        );
    }

    TEST_CASE("refusals are told apart by what can be done about them") {
        struct Case {
            int status;
            std::string_view body;
            RefusalKind kind;
        };
        const std::vector<Case> cases = {
            {404,
             R"({"message":"etcdserver: requested lease not found","code":5})",
             RefusalKind::no_lease},
            {401, R"({"message":"etcdserver: invalid auth token","code":16})", RefusalKind::no_token
            },
            {400, R"({"message":"etcdserver: user name is empty","code":3})", RefusalKind::no_token
            },
            {400,
             R"({"message":"etcdserver: revision of auth store is old","code":3})",
             RefusalKind::no_token},
            {412,
             R"({"message":"etcdserver: authentication is not enabled","code":9})",
             RefusalKind::auth_off},
            {403, R"({"message":"etcdserver: permission denied","code":7})", RefusalKind::refused},
            {400, R"({"message":"etcdserver: request is too large","code":3})", RefusalKind::refused
            },
            {404, "Not Found", RefusalKind::refused},
            {503, R"({"message":"etcdserver: request timed out","code":14})", RefusalKind::not_now},
            {504, R"({"message":"context deadline exceeded","code":4})", RefusalKind::not_now},
            {502, "<html>", RefusalKind::not_now},
        };
        for (const Case& c : cases) {
            CAPTURE(c.body);
            const Refusal refusal = parse_refusal(c.status, c.body);
            CHECK(refusal.kind == c.kind);
            CHECK(!refusal.message.empty());
        }
    }
}

}  // namespace
}  // namespace mimir::kv::detail
