#include "modules/instance.hpp"

#include <pthread.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

namespace mimir::modules {
namespace {

/// The boundary that keeps one module's mistake from ending the process.
template <class F>
auto guarded(F&& call) -> decltype(call()) {
    try {
        return call();
    } catch (const std::exception& error) {
        return fail(ErrorKind::internal, "unexpected exception: {}", error.what());
    }
}

void wait_for_stop(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any requested;
    std::unique_lock lock(mutex);
    requested.wait(lock, stop, [] { return false; });
}

void name_this_thread(std::string_view name) {
    constexpr std::size_t kLongest = 15;  // the kernel's limit
    ::pthread_setname_np(::pthread_self(), std::string(name.substr(0, kLongest)).c_str());
}

}  // namespace

Instance::Instance(const Module& module, std::chrono::milliseconds grace, Events events)
    : module_(module), grace_(grace), events_(std::move(events)) {}

Instance::~Instance() { (void)stop(); }

Result<void> Instance::start(const CancellationToken& cancel) {
    std::promise<Result<void>> started;
    auto outcome = started.get_future();
    thread_ = std::thread([this, cancel, started = std::move(started)]() mutable {
        live(cancel, std::move(started));
        gone_.set_value();
    });
    return outcome.get();
}

bool Instance::gone_within(std::chrono::milliseconds patience) const {
    return !thread_.joinable() || is_gone_.wait_for(patience) == std::future_status::ready;
}

Result<void> Instance::stop() {
    if (!thread_.joinable()) return end_;
    request_stop();
    thread_.join();
    return end_;
}

void Instance::live(const CancellationToken& cancel, std::promise<Result<void>> started) {
    name_this_thread(module_.name);
    events_.state(State::starting, nullptr);
    auto service = guarded(module_.factory);
    Result<void> start;
    if (service) {
        start = guarded([&] { return (*service)->start(cancel); });
        if (!start) service->reset();
    } else {
        start = tl::unexpected(service.error());
    }
    if (!start) {
        events_.state(State::failed, &start.error());
        started.set_value(std::move(start));
        return;
    }
    events_.state(State::running, nullptr);
    started.set_value({});

    end_ = work(**service);
    service->reset();
    events_.state(end_ ? State::terminated : State::failed, end_ ? nullptr : &end_.error());
}

Result<void> Instance::work(Service& service) {
    const std::stop_token stop = stop_.get_token();
    Result<void> ran = guarded([&] { return service.run(stop); });
    // Giving up because it was told to is no failure.
    if (!ran && stop.stop_requested() && ran.error().kind == ErrorKind::canceled) ran = {};
    if (!ran) events_.state(State::failed, &ran.error());
    if (!stop.stop_requested()) {
        events_.ended();
        wait_for_stop(stop);
    }
    if (ran) events_.state(State::stopping, nullptr);
    Result<void> stopped = guarded([&] { return service.stop(grace_); });
    return ran ? stopped : ran;
}

}  // namespace mimir::modules
