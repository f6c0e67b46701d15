#pragma once

// The threads of the process. Whoever waits, waits for a row below its own, so nothing deadlocks:
//
//     admin        admin API and operations: answers when the rest is saturated
//     background   compaction, upload, rule evaluation
//     query        PromQL, block reads, chunk decoding
//     ingest       decode, validate, append, WAL group commit
//     io           sockets, timers, coroutine steps well under a millisecond; waits for nothing
//
// Coroutines live on io and hold no thread while they wait. What takes longer goes to a pool with
// run_on().

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <memory>

#include "runtime/pool.hpp"

namespace mimir {
namespace asio = boost::asio;
}

namespace mimir::runtime {

/// Threads of one event loop.
class IoThreads {
  public:
    explicit IoThreads(std::size_t threads);
    /// Stops the loop: what still waits on it is destroyed unfinished, so stop its owners first.
    ~IoThreads();
    IoThreads(const IoThreads&) = delete;
    IoThreads& operator=(const IoThreads&) = delete;

    [[nodiscard]] asio::any_io_executor executor() const;

  private:
    struct Loop;
    std::unique_ptr<Loop> loop_;
};

/// True on a thread of an IoThreads, where nothing may block.
bool on_io_thread();

struct ExecutorOptions {
    /// Sized for this machine: as many ingest and query threads as it has processors, and as many turns of query jobs as
    /// it has of those that this process may use.
    static ExecutorOptions for_this_machine();

    std::size_t io_threads = 1;
    PoolOptions ingest{.threads = 2, .queue_limit = 4096};
    PoolOptions query{.threads = 2, .queue_limit = 4096};
    PoolOptions background{.threads = 1, .queue_limit = 1024};
    PoolOptions admin{.threads = 1, .queue_limit = 64};
};

/// One of each, built first in the process and destroyed last.
struct Executors {
    explicit Executors(const ExecutorOptions& options);

    IoThreads io;  // outlives the pools: their jobs resume coroutines on it
    Pool ingest;
    Pool query;
    Pool background;
    Pool admin;
};

}  // namespace mimir::runtime
