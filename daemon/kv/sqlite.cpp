#include "kv/sqlite.hpp"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "base/assert.hpp"
#include "kv/detail/sqlite_file.hpp"

namespace mimir::kv {
namespace {

using namespace std::chrono_literals;
using detail::SqliteFile;

/// How long a change by another process may go unnoticed.
constexpr auto kPollInterval = 100ms;
/// Between attempts while the file can't be used.
constexpr auto kRetryInterval = 500ms;

/// What one watcher knows. The thread of the store has it to itself, but for `ended`.
struct Watching {
    Watching(std::string the_prefix, Watcher& the_watcher)
        : prefix(std::move(the_prefix)), watcher(the_watcher) {}

    const std::string prefix;
    Watcher& watcher;
    std::optional<SqliteFile::Position> position;
    std::optional<bool> reachable;

    /// Held during calls.
    std::mutex calling;
    bool ended = false;
};

}  // namespace

struct SqliteKvStore::State {
    State(std::filesystem::path the_file, telemetry::Logger the_log, const Clock& the_clock)
        : path(std::move(the_file)),
          log(std::move(the_log)),
          clock(the_clock),
          calls(path, log, clock, newest),
          watches(path, log, clock, newest) {}

    template <class F>
    auto call(F work) {
        const std::lock_guard lock(calls_mutex);
        return work(calls);
    }
    /// What this process wrote is looked at without waiting for the poll.
    void wake();
    void run();
    bool wait(std::chrono::milliseconds at_most);
    Result<void> look();
    Result<void> tell(Watching& watching);
    void report(const Result<void>& outcome);

    const std::filesystem::path path;
    const telemetry::Logger log;
    const Clock& clock;
    std::atomic<std::uint64_t> newest = 0;

    std::mutex calls_mutex;
    SqliteFile calls;

    std::mutex mutex;  // guards the next three
    std::condition_variable woken;
    bool look_now = false;
    bool stopping = false;
    std::list<std::shared_ptr<Watching>> watching;

    // Of the thread.
    SqliteFile watches;
    std::optional<SqliteFile::Stamp> seen;
    TimestampMs next_sweep = TimestampMs::min();
    bool failing = false;
    std::thread thread;
};

void SqliteKvStore::State::wake() {
    const std::lock_guard lock(mutex);
    look_now = true;
    woken.notify_one();
}

/// False when the store ends.
bool SqliteKvStore::State::wait(std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex);
    woken.wait_for(lock, at_most, [this] { return look_now || stopping; });
    look_now = false;
    return !stopping;
}

void SqliteKvStore::State::run() {
    ::pthread_setname_np(::pthread_self(), "kv-sqlite");
    do report(look());
    while (wait(failing ? kRetryInterval : kPollInterval));
}

Result<void> SqliteKvStore::State::look() {
    MIMIR_TRY(const auto stamp, watches.stamp());
    bool changed = seen != stamp;
    if (clock.now() >= next_sweep || changed) {
        MIMIR_TRY(const auto swept, watches.sweep());
        next_sweep = swept.next;
        changed |= swept.wrote;  // which a connection's own stamp does not show
    }
    std::list<std::shared_ptr<Watching>> all;
    {
        const std::lock_guard lock(mutex);
        all = watching;
    }
    for (const auto& one : all) {
        if (changed || one->reachable != true) MIMIR_TRY(tell(*one));
    }
    seen = stamp;
    return {};
}

Result<void> SqliteKvStore::State::tell(Watching& one) {
    MIMIR_TRY(const auto news, watches.news(one.prefix, one.position));
    const std::lock_guard lock(one.calling);
    if (!one.ended && one.reachable != true) {
        one.reachable = true;
        one.watcher.reachable({});
    }
    const Update& update = news.update;
    const bool is_news = update.complete || !update.changed.empty() || !update.removed.empty();
    if (!one.ended && is_news) one.watcher.updated(update);
    one.position = news.position;
    return {};
}

void SqliteKvStore::State::report(const Result<void>& outcome) {
    if (outcome) {
        if (failing) log.info("key-value store can be used again", {{"file", path}});
        failing = false;
        return;
    }
    if (!failing) {
        log.warn("key-value store can't be used", {{"file", path}, {"err", outcome.error()}});
    }
    failing = true;
    seen.reset();
    std::list<std::shared_ptr<Watching>> all;
    {
        const std::lock_guard lock(mutex);
        all = watching;
    }
    for (const auto& one : all) {
        const std::lock_guard lock(one->calling);
        if (one->ended || one->reachable == false) continue;
        one->reachable = false;
        one->watcher.reachable(outcome);
    }
}

SqliteKvStore::SqliteKvStore(std::filesystem::path file, telemetry::Logger log, const Clock& clock)
    : state_(std::make_shared<State>(std::move(file), std::move(log), clock)) {
    state_->thread = std::thread([state = state_.get()] { state->run(); });
}

SqliteKvStore::~SqliteKvStore() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
        state_->woken.notify_one();
    }
    state_->thread.join();
}

Result<std::optional<Entry>> SqliteKvStore::get(std::string_view key) {
    return state_->call([&](SqliteFile& file) { return file.get(key); });
}

Result<std::vector<Entry>> SqliteKvStore::list(std::string_view prefix) {
    return state_->call([&](SqliteFile& file) { return file.list(prefix); });
}

Result<std::uint64_t> SqliteKvStore::compare_and_swap(
    std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
) {
    MIMIR_ASSERT(!key.empty() && value.size() <= kValueBytesMax, "keys and values fit");
    auto written = state_->call([&](SqliteFile& file) {
        return file.compare_and_swap(key, expected, value, options.time_to_live);
    });
    if (written) state_->wake();
    return written;
}

Result<void> SqliteKvStore::remove(std::string_view key, std::uint64_t expected) {
    auto removed = state_->call([&](SqliteFile& file) { return file.remove(key, expected); });
    if (removed) state_->wake();
    return removed;
}

std::unique_ptr<KvStore::Watch> SqliteKvStore::watch(std::string prefix, Watcher& watcher) {
    struct Registered final : Watch {
        std::shared_ptr<State> state;
        std::shared_ptr<Watching> watching;
        ~Registered() override {
            {
                const std::lock_guard lock(state->mutex);
                state->watching.remove(watching);
            }
            const std::lock_guard lock(watching->calling);
            watching->ended = true;
        }
    };
    auto watch = std::make_unique<Registered>();
    watch->state = state_;
    watch->watching = std::make_shared<Watching>(std::move(prefix), watcher);
    {
        const std::lock_guard lock(state_->mutex);
        state_->watching.push_back(watch->watching);
    }
    state_->wake();
    return watch;
}

std::string SqliteKvStore::describe() const { return "sqlite " + state_->path.native(); }

}  // namespace mimir::kv
