#include "components/gateway/auth.hpp"

#include "support/test_support.hpp"

namespace mimir::gateway {
namespace {

// SHA-256 of "secret-b".
constexpr std::string_view kHashOfB =
    "ff492ef788c89b555e6f738b33d2422f57dbb6656af2402155672c5f123a90af";

const std::string kGood = fmt::format(
    R"(credentials:
  - name: team a
    token: secret-a
    tenants: [a, a2]
  - name: team b
    token_sha256: {}
    tenants: [b]
  - name: grafana
    username: grafana
    password: "pass:word"
    tenants: "*"
)",
    kHashOfB
);

http::Headers headers(std::string_view authorization, std::string_view tenant = "") {
    http::Headers all;
    if (!authorization.empty()) all.add("Authorization", authorization);
    if (!tenant.empty()) all.add("X-Scope-OrgID", tenant);
    return all;
}

void write(const fs::Path& path, std::string_view text) {
    REQUIRE_OK(fs::write_file_atomically(fs::real_file_system(), path, text));
}

TEST_SUITE("gateway/auth") {
    TEST_CASE("a credential lets its tenants in, and no other") {
        const test::TempDir dir;
        const fs::Path path = dir.path() / "auth.yaml";
        write(path, kGood);
        Authenticator authenticator(fs::real_file_system(), path);
        REQUIRE_OK(authenticator.reload());
        // "grafana:pass:word", "grafana:password", "secret", ":secret-a"
        constexpr std::string_view kGrafana = "Basic Z3JhZmFuYTpwYXNzOndvcmQ=";
        struct Case {
            std::string_view authorization;
            std::string_view tenant;
            int status;
            std::string_view left;
        };
        for (const Case& tried : {
                 Case{"Bearer secret-a", "a", 0, "a"},
                 Case{"bearer  secret-a", "a2", 0, "a2"},
                 Case{"Bearer secret-a", "b", 403, ""},
                 Case{"Bearer secret-a", "", 400, ""},
                 Case{"Bearer secret-b", "", 0, "b"},
                 Case{"Bearer secret-b", "b", 0, "b"},
                 Case{"Bearer secret-b", "a", 403, ""},
                 Case{"Bearer secret-c", "b", 401, ""},
                 Case{"Bearer ", "b", 401, ""},
                 Case{"Bearer", "b", 401, ""},
                 Case{"secret-a", "a", 401, ""},
                 Case{"", "a", 401, ""},
                 Case{kGrafana, "anything", 0, "anything"},
                 Case{kGrafana, "", 400, ""},
                 Case{"Basic Z3JhZmFuYTpwYXNzd29yZA==", "a", 401, ""},
                 Case{"Basic c2VjcmV0", "a", 401, ""},
                 Case{"Basic OnNlY3JldC1h", "a", 401, ""},
                 Case{"Basic !!!!", "a", 401, ""},
                 Case{"Bearer pass:word", "a", 401, ""},
             }) {
            CAPTURE(tried.authorization);
            CAPTURE(tried.tenant);
            auto request = headers(tried.authorization, tried.tenant);
            const auto refusal = authenticator.admit(request);
            CHECK((refusal ? refusal->status : 0) == tried.status);
            if (refusal) continue;
            CHECK(request.get("X-Scope-OrgID") == tried.left);
            CHECK(!request.has("Authorization"));
        }
    }

    TEST_CASE("a second tenant header does not pass behind the first") {
        const test::TempDir dir;
        write(dir.path() / "auth.yaml", kGood);
        Authenticator authenticator(fs::real_file_system(), dir.path() / "auth.yaml");
        REQUIRE_OK(authenticator.reload());
        auto request = headers("Bearer secret-a", "a");
        request.add("x-scope-orgid", "b");
        CHECK(!authenticator.admit(request));
        CHECK(request.size() == 1);
        CHECK(request.get("X-Scope-OrgID") == "a");
    }

    TEST_CASE("a changed file is read again, a broken one leaves what was") {
        const test::TempDir dir;
        const fs::Path path = dir.path() / "auth.yaml";
        Authenticator authenticator(fs::real_file_system(), path);
        CHECK(!authenticator.reload());
        const auto is_admitted = [&](std::string_view token) {
            auto request = headers(fmt::format("Bearer {}", token), "a");
            return !authenticator.admit(request);
        };
        CHECK(!is_admitted("secret-a"));
        write(path, kGood);
        CHECK(authenticator.reload() == true);
        CHECK(authenticator.reload() == false);
        CHECK(is_admitted("secret-a"));
        write(path, "credentials: [{token: other, tenants: [a]");
        CHECK(!authenticator.reload());
        CHECK(!authenticator.reload());
        CHECK(is_admitted("secret-a"));
        write(path, "credentials: [{token: other, tenants: [a]}]");
        CHECK(authenticator.reload() == true);
        CHECK(!is_admitted("secret-a"));
        CHECK(is_admitted("other"));
    }

    TEST_CASE("every mistake in the file is named with its line") {
        const auto broken = Credentials::parse(
            R"(credentials:
  - tenants: [a]
  - token: x
  - token: x
    password: y
    tenants: [a]
  - token: x
    username: u
    tenants: [a]
  - password: x
    tenants: [a]
  - token_sha256: 123
    tenants: [a]
  - token: x
    tenants: a
  - token: x
    tenants: ["a/b"]
  - token: x
    tenant: [a]
  - token: good
    tenants: [a]
  - token: good
    tenants: [b]
)",
            "auth.yaml"
        );
        REQUIRE(!broken);
        for (const std::string_view line :
             {"2", "3", "4", "7", "10", "12", "15", "17", "19", "22"}) {
            CAPTURE(broken.error().message);
            CAPTURE(line);
            CHECK(
                broken.error().message.find(fmt::format("auth.yaml:{}: ", line)) !=
                std::string::npos
            );
        }
        CHECK(!Credentials::parse("", "auth.yaml"));
        CHECK(!Credentials::parse("users: []", "auth.yaml"));
        CHECK(Credentials::parse(kGood, "auth.yaml")->size() == 3);
    }
}

}  // namespace
}  // namespace mimir::gateway
