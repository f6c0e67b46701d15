#pragma once

// Calls that have a Done, made on a pool and awaited by coroutines.

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <utility>

#include "rpc/done.hpp"
#include "runtime/pool.hpp"

namespace mimir::rpc {

namespace detail {
using Arrive = std::function<void()>;
/// Suspends the coroutine, calls `start`, and resumes the coroutine on its own executor once what
/// `start` was given has been called twice, from whatever threads.
boost::asio::awaitable<void> await_two(std::function<void(Arrive)> start);
}  // namespace detail

/// Makes the call on the pool, and resumes with what its Done was told:
///     auto call = [&](Done<void> done) { client.push(context, batch, std::move(done)); };
///     const Result<void> pushed = co_await completion_on<void>(pool, std::move(call));
/// What the call refers to is safe in the awaiting coroutine.
/// Errors: those of the call; unavailable when the pool's queue is full.
template <class T, class Call>
boost::asio::awaitable<Result<T>> completion_on(runtime::Pool& pool, Call call) {
    std::optional<Result<T>> result;
    auto start = [&](const detail::Arrive& arrive) {
        auto job = [&call, &result, arrive] {
            call(Done<T>([&result, arrive](Result<T> told) {
                result.emplace(std::move(told));
                arrive();
            }));
            arrive();
        };
        if (auto posted = pool.post(std::move(job)); !posted) {
            result.emplace(tl::unexpected(std::move(posted).error()));
            arrive();
            arrive();
        }
    };
    co_await detail::await_two(std::move(start));
    co_return *std::move(result);
}

}  // namespace mimir::rpc
