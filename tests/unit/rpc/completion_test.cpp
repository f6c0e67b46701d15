#include "rpc/completion.hpp"

#include <thread>

#include "runtime/run_on.hpp"
#include "support/test_support.hpp"

namespace mimir::rpc {
namespace {

struct Fixture {
    runtime::IoThreads io{1};
    runtime::Pool pool{"pool", {.threads = 1}};
};

TEST_SUITE_BEGIN("rpc/completion");

TEST_CASE("a call that tells at once resumes with what it told") {
    Fixture f;
    auto call = [](const Done<int>& done) { done(1); };
    const auto result = runtime::wait(f.io, completion_on<int>(f.pool, call));
    REQUIRE_OK(result);
    CHECK(*result == 1);
}

TEST_CASE("a call that tells later, on another thread, does not hold one meanwhile") {
    Fixture f;
    std::jthread later;
    auto call = [&](Done<int> done) {
        later = std::jthread([done = std::move(done)] { done(fail(ErrorKind::timeout, "late")); });
    };
    for (int i = 0; i < 100; ++i) {
        const auto pooled = runtime::wait(f.io, completion_on<int>(f.pool, call));
        CHECK(pooled.error().kind == ErrorKind::timeout);
    }
}

TEST_CASE("a call on a pool runs there") {
    Fixture f;
    auto call = [](const Done<void>& done) {
        CHECK_FALSE(runtime::on_io_thread());
        done({});
    };
    REQUIRE_OK(runtime::wait(f.io, completion_on<void>(f.pool, call)));
}

TEST_CASE("a pool that is full refuses the call") {
    Fixture f;
    runtime::Pool full("full", {.threads = 1, .queue_limit = 0});
    auto call = [](const Done<void>& done) { done({}); };
    const auto result = runtime::wait(f.io, completion_on<void>(full, call));
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().kind == ErrorKind::unavailable);
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::rpc
