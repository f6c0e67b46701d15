#include "admin/access.hpp"

#include <grp.h>
#include <unistd.h>

#include <fstream>

#include "support/test_support.hpp"

namespace mimir::admin {
namespace {

constexpr std::uint32_t kStranger = 3'999'999'999;  // no host has a user of that number

http::Request request_with(http::Headers headers) {
    http::Request request;
    request.headers = std::move(headers);
    return request;
}

http::Request request_of(std::uint32_t uid, std::uint32_t gid, http::Headers headers = {}) {
    http::Request request = request_with(std::move(headers));
    request.peer = {.address = "@", .credentials = http::Peer::Credentials{uid, gid, 4711}};
    return request;
}

Access access_of(const Options& options = {}) {
    auto access = Access::create(options);
    REQUIRE_OK(access);
    return *std::move(access);
}

std::string_view id_of(const Result<Caller>& caller) { return caller ? "" : caller.error().id; }

TEST_SUITE("admin/access") {
    TEST_CASE("a token file is a line a token, with comments") {
        const auto tokens = parse_tokens(
            "# who may\n\n  viewer \t read\t0123456789abcdef\r\n"
            "operator change fedcba9876543210 # at night\n   \n"
            "last read 0123456789abcdeX",
            "tokens"
        );
        REQUIRE_OK(tokens);
        REQUIRE(tokens->size() == 3);
        CHECK((*tokens)[0].name == "viewer");
        CHECK((*tokens)[0].role == api::Role::read);
        CHECK((*tokens)[0].secret == "0123456789abcdef");
        CHECK((*tokens)[1].role == api::Role::change);
        CHECK((*tokens)[1].secret == "fedcba9876543210");
        CHECK((*tokens)[2].secret == "0123456789abcdeX");
    }

    TEST_CASE("a wrong line is named by its number, and no token is repeated") {
        struct Case {
            std::string_view name;
            std::string_view text;
            std::string_view message;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {"nothing", "", "f: there is no token in it"},
                 {"comments only", "# a\n#b\n", "f: there is no token in it"},
                 {"one word", "a read 0123456789abcdef\nsecret", "f:2: want NAME ROLE TOKEN"},
                 {"four words", "\n\na read secret secret", "f:3: want NAME ROLE TOKEN"},
                 {"role", "a write secretsecretsecret", "f:1: ROLE is read or change"},
                 {"role's case", "a Read secretsecretsecret", "f:1: ROLE is read or change"},
                 {"short", "a read secretsecret123", "f:1: a token has at least 16 characters"},
                 {"a comment in the token",
                  "a read secret#secretsecretsecret",
                  "f:1: a token has at least 16 characters"},
             }) {
            CAPTURE(c.name);
            const auto tokens = parse_tokens(c.text, "f");
            REQUIRE_FALSE(tokens.has_value());
            CHECK(tokens.error().kind == ErrorKind::invalid);
            CHECK(tokens.error().message == c.message);
            CHECK(tokens.error().message.find("secret") == std::string::npos);
        }
    }

    TEST_CASE("the token file is read only when there is an address to use it on") {
        CHECK(Access::create({.token_file = "/nowhere/tokens"}).has_value());
        const auto access =
            Access::create({.listen_address = "localhost:1", .token_file = "/nowhere/tokens"});
        REQUIRE_FALSE(access.has_value());
        CHECK(access.error().message.find("admin.token_file") != std::string::npos);
        CHECK(access.error().message.find("/nowhere/tokens") != std::string::npos);
    }

    TEST_CASE("what a browser sends for another page is refused, for whomever") {
        const Access access = access_of();
        struct Case {
            http::Headers headers;
            bool refused;
        };
        for (const Case& c : std::initializer_list<Case>{
                 {{}, false},
                 {{{"Sec-Fetch-Site", "none"}}, false},
                 {{{"Sec-Fetch-Site", "same-origin"}}, false},
                 {{{"Sec-Fetch-Site", "same-site"}}, true},
                 {{{"sec-fetch-site", "cross-site"}}, true},
                 {{{"Sec-Fetch-Site", ""}}, true},
                 {{{"Origin", "http://localhost"}}, true},
                 {{{"ORIGIN", "null"}}, true},
                 {{{"Origin", "http://a"}, {"Sec-Fetch-Site", "same-origin"}}, true},
             }) {
            CAPTURE(c.headers.get("Origin").value_or("no origin"));
            CAPTURE(c.headers.get("Sec-Fetch-Site").value_or("no site"));
            const auto caller = access.identify(request_of(0, 0, c.headers));
            CHECK(id_of(caller) == (c.refused ? "forwarded-by-browser" : ""));
        }
    }

    TEST_CASE("requests are for this machine") {
        std::array<char, 256> name{};
        REQUIRE(::gethostname(name.data(), name.size() - 1) == 0);
        const Access access = access_of({.allowed_hosts = {"mimir.example"}});
        for (const std::string_view host :
             {"",
              "localhost",
              "LOCALHOST:80",
              "127.0.0.1",
              "10.1.2.3:8080",
              "[::1]",
              "[::1]:80",
              "mimir.example",
              "Mimir.Example:443",
              static_cast<const char*>(name.data())}) {
            CAPTURE(host);
            CHECK(access.identify(request_of(0, 0, {{"Host", host}})).has_value());
        }
        for (const std::string_view host :
             {"example",
              "localhost.example",
              "1.2.3.4.example",
              "mimir.example.com",
              "xmimir.example",
              "localhost.:1x"}) {
            CAPTURE(host);
            const auto caller = access.identify(request_of(0, 0, {{"Host", host}}));
            CHECK(id_of(caller) == "host-unknown");
            CHECK(caller.error().message.find(host) != std::string::npos);
        }
    }

    TEST_CASE("on the socket root and the daemon's user may change, strangers look") {
        const Access access = access_of({.change_group = "no-such-group"});
        CHECK(access.identify(request_of(0, 0))->role == api::Role::change);
        CHECK(access.identify(request_of(::geteuid(), 1))->role == api::Role::change);
        const auto stranger = access.identify(request_of(kStranger, kStranger));
        REQUIRE_OK(stranger);
        CHECK(stranger->role == api::Role::read);
        CHECK(to_string(*stranger) == "uid 3999999999 (uid 3999999999, pid 4711)");
        CHECK(stranger->via == "unix");

        const auto refused = check_role(*stranger, api::Role::change, "operators");
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().id == "not-permitted");
        CHECK(refused.error().message.find("the group operators") != std::string::npos);
        CHECK(check_role(*stranger, api::Role::read, "operators").has_value());
    }

    TEST_CASE("members of the change group may change") {
        const group* any = ::getgrgid(::getegid());
        REQUIRE(any != nullptr);
        const Access access = access_of({.change_group = any->gr_name});
        // A user who is in no list of members, but has it as his group.
        const auto unnamed = access.identify(request_of(kStranger, any->gr_gid));
        REQUIRE_OK(unnamed);
        CHECK(unnamed->role == api::Role::read);  // without a name the host knows nothing of him
        const auto nobody = access.identify(request_of(65534, any->gr_gid));
        REQUIRE_OK(nobody);
        if (nobody->name == "nobody") CHECK(nobody->role == api::Role::change);
        CHECK(access.identify(request_of(65534, kStranger))->role == api::Role::read);
    }

    TEST_CASE("over TCP the token says who it is and what they may do") {
        const test::TempDir dir;
        const auto file = dir.path() / "tokens";
        std::ofstream(file) << "viewer read 0123456789abcdef\noperator change fedcba9876543210\n";
        const Access access =
            access_of({.listen_address = "mimir.example:443", .token_file = file.string()});
        const auto with = [&](std::string_view authorization) {
            return access.identify(
                request_with({{"Host", "mimir.example:443"}, {"Authorization", authorization}})
            );
        };
        const auto viewer = with("Bearer 0123456789abcdef");
        REQUIRE_OK(viewer);
        CHECK(to_string(*viewer) == "viewer");
        CHECK(viewer->role == api::Role::read);
        CHECK(viewer->via == "tcp");
        CHECK(with("Bearer fedcba9876543210")->role == api::Role::change);
        for (const std::string_view wrong :
             {"",
              "Bearer",
              "Bearer ",
              "Bearer 0123456789abcde",
              "Bearer 0123456789abcdef0",
              "Basic 0123456789abcdef",
              "0123456789abcdef"}) {
            CAPTURE(wrong);
            CHECK(id_of(with(wrong)) == "token-missing");
        }
        CHECK(id_of(access.identify(request_with({}))) == "token-missing");

        const auto refused = check_role(*viewer, api::Role::change, "operators");
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().message.find("a token with the role change") != std::string::npos);
        CHECK(refused.error().message.find("operators") == std::string::npos);
    }

    TEST_CASE("modes are octal numbers of permissions") {
        CHECK(parse_mode("0660") == 0660U);
        CHECK(parse_mode("600") == 0600U);
        CHECK(parse_mode("0777") == 0777U);
        for (const std::string_view wrong : {"", "0888", "rw", "01777", "0660 ", "-1"}) {
            CAPTURE(wrong);
            CHECK_FALSE(parse_mode(wrong).has_value());
        }
    }
}

}  // namespace
}  // namespace mimir::admin
