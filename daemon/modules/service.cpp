#include "modules/service.hpp"

#include <condition_variable>
#include <mutex>

namespace mimir::modules {

std::string_view to_string(State state) {
    switch (state) {
        case State::new_: return "New";
        case State::starting: return "Starting";
        case State::running: return "Running";
        case State::stopping: return "Stopping";
        case State::terminated: return "Terminated";
        case State::failed: return "Failed";
    }
    return "Unknown";
}

Result<void> Service::run(std::stop_token stop) {
    while (sleep(stop, std::chrono::hours(24))) {
    }
    return {};
}

bool Service::sleep(const std::stop_token& stop, std::chrono::nanoseconds interval) {
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    woken.wait_for(lock, stop, interval, [] { return false; });
    return !stop.stop_requested();
}

}  // namespace mimir::modules
