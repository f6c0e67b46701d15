#include "rpc/completion.hpp"

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

namespace mimir::rpc::detail {
namespace asio = boost::asio;

asio::awaitable<void> await_two(std::function<void(Arrive)> start) {
    auto initiate = [&start]<class Handler>(Handler handler) {
        struct Waiting {
            explicit Waiting(Handler h)
                : handler(std::move(h)),
                  executor(asio::prefer(
                      asio::get_associated_executor(handler),
                      asio::execution::outstanding_work.tracked
                  )) {}
            void arrive() {
                if (awaited.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
                asio::post(executor, std::move(handler));
            }
            Handler handler;
            asio::any_io_executor executor;  // tracked: the loop goes on while the call is out
            std::atomic<int> awaited = 2;
        };
        // Shared, as a function is copied, and a handler can't be.
        start([waiting = std::make_shared<Waiting>(std::move(handler))] { waiting->arrive(); });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        std::move(initiate), asio::use_awaitable
    );
}

}  // namespace mimir::rpc::detail
