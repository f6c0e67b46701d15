#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.hpp"
#include "runtime/executors.hpp"

namespace mimir::runtime {

namespace detail {
asio::awaitable<Result<void>> run_job(Pool& pool, Job& job, std::string tenant);
asio::awaitable<void> run_in(asio::any_io_executor executor, asio::awaitable<void> work);
void run_to_end(const asio::any_io_executor& executor, asio::awaitable<void> work);

template <class T>
asio::awaitable<void> store(asio::awaitable<T> work, std::optional<T>& result) {
    result.emplace(co_await std::move(work));
}
}  // namespace detail

/// Runs fn, which returns a Result, on the pool, and resumes the coroutine on its own executor with
/// what fn returned.
///     auto job = [this, request = std::move(request)] { return ingester_.push(request); };
///     MIMIR_CO_TRY(auto summary, co_await run_on(executors_.ingest, std::move(job)));
/// Once begun, fn runs to its end, whatever becomes of the caller: what it refers to is safe in the
/// awaiting coroutine. Errors: those of fn; unavailable when the pool's queue is full.
/// The tenant is the one that the work is for: on a pool with turns, tenants share them fairly.
template <class F>
asio::awaitable<std::invoke_result_t<F&>> run_on(Pool& pool, std::string tenant, F fn) {
    using Outcome = std::invoke_result_t<F&>;
    struct Call final : Job {
        explicit Call(F f) : fn(std::move(f)) {}
        void run() override { outcome.emplace(fn()); }
        F fn;
        std::optional<Outcome> outcome;
    };
    Call call(std::move(fn));
    if (auto posted = co_await detail::run_job(pool, call, std::move(tenant)); !posted) {
        co_return tl::unexpected(std::move(posted).error());
    }
    co_return *std::move(call.outcome);
}
/// The same for work that is for nobody in particular.
template <class F>
asio::awaitable<std::invoke_result_t<F&>> run_on(Pool& pool, F fn) {
    return run_on(pool, std::string(), std::move(fn));
}

/// Runs the coroutine on that executor of the event loop, right here when it is the caller's own, and resumes the caller on
/// its own. Cancelling the caller cancels the work.
/// Two traps of Asio that this is for. A coroutine that resumes after work in a strand does so within that strand, for a
/// moment: running_in_this_thread() is true there, but what it awaits next resumes elsewhere; so executors are compared.
/// And where asio::co_spawn(executor, work, use_awaitable) is canceled from another strand just when the work ends, Boost
/// 1.81 touches freed memory.
template <class T>
asio::awaitable<T> run_in(asio::any_io_executor executor, asio::awaitable<T> work) {
    if (co_await asio::this_coro::executor == executor) co_return co_await std::move(work);
    std::optional<T> result;
    co_await detail::run_in(std::move(executor), detail::store(std::move(work), result));
    co_return *std::move(result);
}
inline asio::awaitable<void> run_in(asio::any_io_executor executor, asio::awaitable<void> work) {
    if (co_await asio::this_coro::executor == executor) co_return co_await std::move(work);
    co_await detail::run_in(std::move(executor), std::move(work));
}

/// Runs the coroutine on the event loop and blocks until it is done: for jobs of a pool and for
/// tests. Threads: any but the loop's own.
template <class T>
T wait(IoThreads& io, asio::awaitable<T> work) {
    std::optional<T> result;
    detail::run_to_end(io.executor(), detail::store(std::move(work), result));
    return *std::move(result);
}
inline void wait(IoThreads& io, asio::awaitable<void> work) {
    detail::run_to_end(io.executor(), std::move(work));
}

}  // namespace mimir::runtime
