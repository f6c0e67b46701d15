#include "admin/streams.hpp"

#include <algorithm>
#include <thread>

#include "api/json.hpp"
#include "support/test_support.hpp"
#include "unit/app/test_node.hpp"

namespace mimir::admin {
namespace {

using app::TestNode;
using namespace std::chrono_literals;

/// The whole ones; empty lines only keep a stream alive.
std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos;) {
        if (end > begin) lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
}

template <class T>
std::vector<T> parse(const std::string& text) {
    std::vector<T> parsed;
    for (const std::string& line : lines_of(text)) {
        auto value = api::from_json<T>(line, api::Unknown::refuse);
        REQUIRE_OK(value);
        parsed.push_back(*std::move(value));
    }
    return parsed;
}

/// What a stream of the admin API says until `enough` is satisfied with it, or it ends.
std::string read_stream(
    const TestNode& node, std::string target, const std::function<bool(const std::string&)>& enough
) {
    http::BlockingClient client({.unix_path = node.folder() / "admin.sock"});
    std::string text;
    const auto response = client.stream({.target = std::move(target)}, [&](std::string_view piece) {
        text += piece;
        return !enough(text);
    });
    REQUIRE_OK(response);
    CHECK(response->status == 200);
    CHECK(response->headers.get("Content-Type") == "application/x-ndjson");
    return text;
}

const auto kToItsEnd = [](const std::string&) { return false; };

std::string begin_restart(TestNode& node) {
    const auto response =
        node.admin({.method = http::Method::post, .target = "/admin/v1/modules/querier/restart"});
    REQUIRE(response.status == 202);
    const auto result = api::from_json<api::ChangeResult>(response.body, api::Unknown::refuse);
    REQUIRE_OK(result);
    return result->operation->id;
}

TEST_SUITE("admin/streams") {
    TEST_CASE("places are given back with the last copy of what holds them") {
        StreamPlaces places(2);
        auto first = places.take();
        REQUIRE_OK(first);
        auto copy = *first;
        const auto second = places.take();
        REQUIRE_OK(second);
        const auto third = places.take();
        REQUIRE_FALSE(third.has_value());
        CHECK(third.error().kind == ErrorKind::unavailable);
        CHECK(third.error().message == "2 streams are followed already");
        first->reset();
        CHECK_FALSE(places.take().has_value());
        copy.reset();
        CHECK(places.take().has_value());
    }

    TEST_CASE("a watch tells ascending versions, the end last, and ends") {
        TestNode node;
        REQUIRE_OK(node.start({"querier"}));
        const std::string id = begin_restart(node);
        const std::string path = "/admin/v1/operations/" + id + "/watch";
        const auto seen = parse<api::Operation>(read_stream(node, path, kToItsEnd));
        REQUIRE_FALSE(seen.empty());
        CHECK(
            std::ranges::adjacent_find(
                seen, std::ranges::greater_equal(), &api::Operation::version
            ) == seen.end()
        );
        CHECK(seen.back().state == api::OperationState::done);

        const auto version = seen.back().version;
        const auto after = [&](std::uint64_t known) {
            return lines_of(read_stream(node, fmt::format("{}?after={}", path, known), kToItsEnd));
        };
        CHECK(after(version - 1).size() == 1);
        CHECK(after(version).empty());
    }

    TEST_CASE("events are followed from a cursor, and new ones come as they happen") {
        TestNode node;
        REQUIRE_OK(node.start({"querier"}));
        const auto before = api::from_json<std::vector<api::Event>>(
            node.admin({.target = "/admin/v1/events"}).body, api::Unknown::refuse
        );
        REQUIRE_OK(before);
        REQUIRE(before->size() > 2);
        const std::uint64_t cursor = (*before)[1].cursor;
        bool stopped = false;
        const std::string text = read_stream(
            node,
            fmt::format("/admin/v1/events?follow=true&after={}", cursor),
            [&](const std::string& so_far) {
                // What is new is caused only when all that is old has been told.
                const auto told = parse<api::Event>(so_far);
                if (!stopped && !told.empty() && told.back().cursor == before->back().cursor) {
                    stopped = true;
                    REQUIRE_OK(node.stop({"querier"}));
                }
                return std::ranges::any_of(told, [&](const api::Event& event) {
                    return stopped && event.subject == "querier" && event.message == "has stopped";
                });
            }
        );
        const auto events = parse<api::Event>(text);
        for (std::size_t i = 0; i < events.size(); ++i) CHECK(events[i].cursor == cursor + 1 + i);
        CHECK(stopped);
    }

    TEST_CASE("streams end when the node does") {
        TestNode node;
        REQUIRE_OK(node.start({"querier"}));
        std::atomic<bool> following = false;
        std::jthread reader([&] {
            http::BlockingClient client({.unix_path = node.folder() / "admin.sock"});
            (void)client.stream(
                {.target = "/admin/v1/events?follow=true&after=0"},
                [&](std::string_view) { return following = true; }
            );
        });
        REQUIRE(test::eventually(10s, [&] { return following.load(); }));
        const auto began = std::chrono::steady_clock::now();
        node.manager().shut_down();
        CHECK(std::chrono::steady_clock::now() - began < 10s);
    }
}

}  // namespace
}  // namespace mimir::admin
