#include "http/url.hpp"

#include "http/client.hpp"
#include "support/test_support.hpp"

namespace mimir::http {
namespace {

TEST_SUITE("http/url") {
    TEST_CASE("a form is decoded, in order, with repeated names") {
        const auto form = Parameters::parse("match[]=up&match%5B%5D=a+b%2Bc&empty=&bare&&x=1=2");
        REQUIRE_OK(form);
        const std::vector<std::string_view> expected = {"up", "a b+c"};
        CHECK(form->all("match[]") == expected);
        CHECK(form->get("match[]") == "up");
        CHECK(form->get("empty") == "");
        CHECK(form->get("bare") == "");
        CHECK(form->get("x") == "1=2");
        CHECK(!form->get("y"));
        CHECK(form->get_or("y", "z") == "z");
    }

    TEST_CASE("wrong escapes are named") {
        struct Case {
            std::string_view text;
            std::string_view message;
        };
        for (const Case& c : {
                 Case{"a=%zz", "invalid URL escape \"%zz\""},
                 Case{"a=%4", "invalid URL escape \"%4\""},
                 Case{"a=%", "invalid URL escape \"%\""},
                 Case{"%fg=1", "invalid URL escape \"%fg\""},
                 Case{"a=1;b=2", "invalid semicolon separator in query"},
             }) {
            CAPTURE(c.text);
            const auto form = Parameters::parse(c.text);
            REQUIRE(!form);
            CHECK(form.error().kind == ErrorKind::invalid);
            CHECK(form.error().message == c.message);
        }
    }

    TEST_CASE("what is encoded decodes to itself, every byte") {
        std::string bytes;
        for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
        CHECK(percent_decode(percent_encode(bytes)) == bytes);

        Parameters parameters;
        parameters.add(bytes, "1 & 2");
        parameters.add("b", bytes);
        const auto again = Parameters::parse(parameters.encode());
        REQUIRE_OK(again);
        CHECK(again->get(bytes) == "1 & 2");
        CHECK(again->get("b") == bytes);
    }

    TEST_CASE("endpoints are read and written") {
        struct Case {
            std::string_view text;
            std::string_view canonical;
        };
        for (const Case& c : {
                 Case{"localhost:8080", "http://localhost:8080"},
                 Case{"http://10.0.0.1:80/", "http://10.0.0.1:80"},
                 Case{"http://example.com", "http://example.com:80"},
                 Case{"https://example.com", "https://example.com:443"},
                 Case{"https://[::1]:8443/", "https://[::1]:8443"},
                 Case{"[::1]:9009", "http://[::1]:9009"},
                 Case{"/run/mimird/admin.sock", "unix:///run/mimird/admin.sock"},
                 Case{"unix:///tmp/a", "unix:///tmp/a"},
             }) {
            CAPTURE(c.text);
            const auto endpoint = Endpoint::parse(c.text);
            REQUIRE_OK(endpoint);
            CHECK(endpoint->to_string() == c.canonical);
        }
        for (const std::string_view text :
             {"",
              ":80",
              "a:b:80",
              "[]:80",
              "[::1",
              "[::1]80",
              "unix://x",
              "host:",
              "host:0",
              "host:65536",
              "host:8x",
              "ftp://host",
              "https://",
              "a b:80",
              "unix:////////////////////////////////////////////////////////////////////////////////"
              "//////////////////////////////////////"}) {
            CAPTURE(text);
            const auto endpoint = Endpoint::parse(text);
            REQUIRE(!endpoint);
            CHECK(endpoint.error().kind == ErrorKind::invalid);
        }
    }
}

}  // namespace
}  // namespace mimir::http
