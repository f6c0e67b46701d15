#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "base/result.hpp"

namespace mimir::rpc {

/// Told how a call ended, once. A local call tells before it returns, on the caller's thread; a
/// remote one later, on a thread of the event loop: so it must be quick, and block for nothing.
template <class T>
using Done = std::function<void(Result<T>)>;

/// Makes a call that has a Done and blocks until it was told.
///     MIMIR_TRY(auto names, wait_for<Names>([&](auto done) { client.label_names(..., done); }));
/// Threads: those that may block.
template <class T, class Call>
Result<T> wait_for(Call call) {
    struct Outcome {
        std::mutex mutex;
        std::condition_variable told;
        std::optional<Result<T>> result;
    };
    // Shared: the one who tells may still be about to return when this has been woken.
    const auto outcome = std::make_shared<Outcome>();
    call(Done<T>([outcome](Result<T> result) {
        const std::lock_guard lock(outcome->mutex);
        outcome->result.emplace(std::move(result));
        outcome->told.notify_all();
    }));
    std::unique_lock lock(outcome->mutex);
    outcome->told.wait(lock, [&] { return outcome->result.has_value(); });
    return *std::move(outcome->result);
}

}  // namespace mimir::rpc
