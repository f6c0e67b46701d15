#include "runtime/run_on.hpp"

#include <boost/asio/append.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <memory>

#include "base/assert.hpp"
#include "base/turn.hpp"

namespace mimir::runtime::detail {
namespace {

/// Runs the inner job on its pool, then resumes the awaiting coroutine. Deletes itself.
template <class Handler>
class ResumingJob final : public Job {
  public:
    ResumingJob(Job& inner, Handler handler)
        : inner_(inner),
          handler_(std::move(handler)),
          executor_(asio::prefer(
              asio::get_associated_executor(handler_), asio::execution::outstanding_work.tracked
          )) {}

    void run() override {
        inner_.run();
        resume(Result<void>());
    }

    void resume(Result<void> result) {
        const std::unique_ptr<ResumingJob> self(this);
        asio::post(executor_, asio::append(std::move(handler_), std::move(result)));
    }

  private:
    Job& inner_;
    Handler handler_;
    asio::any_io_executor executor_;  // tracked: the loop goes on while the job is out
};

}  // namespace

asio::awaitable<Result<void>> run_job(Pool& pool, Job& job, std::string tenant) {
    auto initiate = [&pool, &job, &tenant]<class Handler>(Handler handler) {
        auto* resuming = new ResumingJob<Handler>(job, std::move(handler));
        if (auto posted = pool.post_job(*resuming, tenant); !posted)
            resuming->resume(std::move(posted));
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<void>)>(
        std::move(initiate), asio::use_awaitable
    );
}

asio::awaitable<void> run_in(asio::any_io_executor executor, asio::awaitable<void> work) {
    // co_spawn is told of a cancellation on the work's own executor only, and the signal lives until that has been done.
    const auto signal = std::make_shared<asio::cancellation_signal>();
    const auto state = co_await asio::this_coro::cancellation_state;
    if (auto slot = state.slot(); slot.is_connected()) {
        slot.assign([signal, executor](asio::cancellation_type type) {
            asio::post(executor, [signal, type] { signal->emit(type); });
        });
    }
    co_await asio::co_spawn(
        executor, std::move(work), asio::bind_cancellation_slot(signal->slot(), asio::use_awaitable)
    );
}

void run_to_end(const asio::any_io_executor& executor, asio::awaitable<void> work) {
    MIMIR_ASSERT(!on_io_thread(), "the event loop must not wait for itself");
    auto done = std::make_shared<std::promise<void>>();
    asio::co_spawn(
        asio::make_strand(executor),
        std::move(work),
        [done](const std::exception_ptr& error) {
            MIMIR_ASSERT(error == nullptr, "coroutines return their errors");
            done->set_value();
        }
    );
    const Turn::Away away;
    done->get_future().wait();
}

}  // namespace mimir::runtime::detail
