#include "runtime/executors.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>
#include <vector>

#include "base/assert.hpp"

namespace mimir::runtime {
namespace {

/// Event loops and pushes go before queries, which take what is left: a request of a millisecond has several steps on
/// event loops, and would wait at each for whole time slices of queries. A third of the weight, so queries do not starve.
constexpr int kQueryNice = 5;

thread_local bool is_io_thread = false;

std::size_t usable_processors() {
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof usable, &usable) == 0) {
        if (const int count = CPU_COUNT(&usable); count > 0) return static_cast<std::size_t>(count);
    }
    return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

struct IoThreads::Loop {
    explicit Loop(std::size_t count) : context(static_cast<int>(count)) {}

    asio::io_context context;
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::vector<std::thread> threads;
};

IoThreads::IoThreads(std::size_t threads) : loop_(std::make_unique<Loop>(threads)) {
    MIMIR_ASSERT(threads > 0, "an event loop without threads would never run");
    for (std::size_t i = 0; i < threads; ++i) {
        loop_->threads.emplace_back([this, i] {
            is_io_thread = true;
            pthread_setname_np(pthread_self(), fmt::format("io-{}", i).c_str());
            loop_->context.run();
        });
    }
}

IoThreads::~IoThreads() {
    loop_->context.stop();
    for (auto& thread : loop_->threads) thread.join();
}

asio::any_io_executor IoThreads::executor() const { return loop_->context.get_executor(); }

bool on_io_thread() { return is_io_thread; }

ExecutorOptions ExecutorOptions::for_this_machine() {
    ExecutorOptions options;
    const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
    // Sockets are cheap beside what is done with their bytes: one loop serves some 80,000 requests
    // a second.
    options.io_threads = processors >= 8 ? 2 : 1;
    options.ingest.threads = processors;
    options.query.threads = processors;
    options.query.turns = usable_processors();
    options.query.nice = kQueryNice;
    options.background.threads = std::max<std::size_t>(1, processors / 2);
    return options;
}

Executors::Executors(const ExecutorOptions& options)
    : io(options.io_threads),
      ingest("ingest", options.ingest),
      query("query", options.query),
      background("background", options.background),
      admin("admin", options.admin) {}

}  // namespace mimir::runtime
