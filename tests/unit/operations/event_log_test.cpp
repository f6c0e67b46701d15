#include "operations/event_log.hpp"

#include <thread>

#include "support/test_support.hpp"

namespace mimir::operations {
namespace {

NewEvent event(std::string message) {
    return {.kind = "module", .subject = "querier", .message = std::move(message)};
}

std::vector<std::string> messages(const std::vector<api::Event>& events) {
    std::vector<std::string> found;
    for (const auto& each : events) found.push_back(each.message);
    return found;
}

using Messages = std::vector<std::string>;

}  // namespace

TEST_SUITE("operations/event_log") {
    TEST_CASE("a follower reads on from its cursor") {
        test::ManualClock clock({1234});
        EventLog log({.first_cursor = first_cursor(3)}, clock);
        CHECK(log.after(0, 10).empty());
        CHECK(log.last_cursor() == first_cursor(3) - 1);
        for (const char* message : {"a", "b", "c"}) log.add(event(message));

        const auto first = log.after(0, 2);
        CHECK(messages(first) == Messages{"a", "b"});
        CHECK(first[0].cursor == first_cursor(3));
        CHECK(first[0].time == TimestampMs{1234});
        CHECK(messages(log.after(first[1].cursor, 10)) == Messages{"c"});
        CHECK(log.after(log.last_cursor(), 10).empty());
        CHECK(messages(log.latest(2)) == Messages{"b", "c"});
        CHECK(messages(log.latest(9)) == Messages{"a", "b", "c"});
        for (const auto& each : log.after(0, 10)) CHECK_FALSE(each.missed.has_value());
    }

    TEST_CASE("who was away for too long learns how many events are gone") {
        EventLog log({.first_cursor = 100, .kept = 4});
        for (int i = 0; i < 10; ++i)
            log.add(event(std::to_string(i)));  // 100..109, 106 the oldest kept

        CHECK(messages(log.after(101, 10)) == Messages{"6", "7", "8", "9"});
        CHECK(log.after(101, 10).front().missed == 4);
        CHECK_FALSE(log.after(101, 10)[1].missed.has_value());
        CHECK_FALSE(log.after(105, 10).front().missed.has_value());
        CHECK_FALSE(log.after(107, 10).front().missed.has_value());
        CHECK(log.after(99, 10).front().missed == 6);
        CHECK(log.after(0, 10).front().missed == 6);
    }

    TEST_CASE("a cursor of another process is a gap, even when nothing of this one is gone") {
        EventLog log({.first_cursor = first_cursor(2), .kept = 4});
        log.add(event("a"));
        CHECK(log.after(first_cursor(1) + 5, 10).front().missed == 0);
        CHECK(log.after(first_cursor(9), 10).front().missed == 0);
        CHECK_FALSE(log.after(first_cursor(2) - 1, 10).front().missed.has_value());
        for (int i = 0; i < 5; ++i) log.add(event("b"));
        CHECK(log.after(first_cursor(1) + 5, 10).front().missed == 2);
    }

    TEST_CASE("each addition is told outside the lock") {
        std::vector<std::uint64_t> told;
        EventLog* self = nullptr;
        EventLog log({.added = [&](const api::Event& added) {
            told.push_back(added.cursor);
            CHECK(self->last_cursor() == added.cursor);
        }});
        self = &log;
        log.add(event("a"));
        log.add(event("b"));
        CHECK(told == std::vector<std::uint64_t>{1, 2});
    }

    TEST_CASE("threads that add get every cursor once") {
        EventLog log({.kept = 64});
        {
            std::vector<std::jthread> threads;
            for (int t = 0; t < 4; ++t) {
                threads.emplace_back([&] {
                    for (int i = 0; i < 500; ++i) {
                        log.add(event("x"));
                        (void)log.after(0, 3);
                    }
                });
            }
        }
        CHECK(log.last_cursor() == 2000);
        const auto kept = log.latest(100);
        REQUIRE(kept.size() == 64);
        for (std::size_t i = 0; i < kept.size(); ++i) CHECK(kept[i].cursor == 1937 + i);
    }
}

}  // namespace mimir::operations
