#pragma once

#include <boost/asio/append.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "base/cancellation.hpp"
#include "rpc/done.hpp"

namespace mimir::rpc::detail {

namespace asio = boost::asio;

/// Makes a call that has a Done, as call(done), and awaits it. Cancelling the task that awaits cancels the token, which
/// is to be the call's own.
template <class T, class Call>
asio::awaitable<Result<T>> await_done(CancellationToken token, Call call) {
    auto initiate = [&]<class Handler>(Handler handler) {
        const auto executor = asio::get_associated_executor(handler);
        if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
            slot.assign([token](asio::cancellation_type) mutable { token.cancel(); });
        }
        // Shared, as a Done is copied, and a handler can't be.
        auto resume = std::make_shared<Handler>(std::move(handler));
        call(Done<T>([resume, executor](Result<T> result) {
            asio::post(executor, asio::append(std::move(*resume), std::move(result)));
        }));
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<T>)>(
        std::move(initiate), asio::use_awaitable
    );
}

}  // namespace mimir::rpc::detail
