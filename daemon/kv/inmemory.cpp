#include "kv/inmemory.hpp"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>

#include "base/assert.hpp"

namespace mimir::kv {
namespace {

struct Value {
    std::string bytes;
    std::uint64_t version = kAbsent;
    std::optional<std::chrono::steady_clock::time_point> expires;
};

struct Watching {
    std::string prefix;
    Watcher* watcher;
};

}  // namespace

/// The lock is recursive: a watcher may read the store.
struct InMemoryKvStore::State {
    explicit State(const Clock& the_clock) : clock(the_clock) {}

    void drop_expired() {
        const auto now = clock.steady_now();
        for (auto at = values.begin(); at != values.end();) {
            if (!at->second.expires || *at->second.expires > now) {
                ++at;
                continue;
            }
            const std::string key = at->first;
            at = values.erase(at);
            tell({.removed = {key}}, key);
        }
    }
    void tell(const Update& update, std::string_view key) const {
        for (const Watching& one : watching) {
            if (key.starts_with(one.prefix)) one.watcher->updated(update);
        }
    }
    [[nodiscard]] std::vector<Entry> under(std::string_view prefix) const {
        std::vector<Entry> entries;
        for (auto at = values.lower_bound(prefix);
             at != values.end() && at->first.starts_with(prefix);
             ++at) {
            entries.push_back({at->first, at->second.bytes, at->second.version});
        }
        return entries;
    }

    const Clock& clock;
    std::recursive_mutex mutex;
    std::map<std::string, Value, std::less<>> values;
    std::list<Watching> watching;
    std::uint64_t version = kAbsent;
};

InMemoryKvStore::InMemoryKvStore(const Clock& clock) : state_(std::make_shared<State>(clock)) {}

InMemoryKvStore::~InMemoryKvStore() = default;

Result<std::optional<Entry>> InMemoryKvStore::get(std::string_view key) {
    const std::lock_guard lock(state_->mutex);
    state_->drop_expired();
    const auto at = state_->values.find(key);
    if (at == state_->values.end()) return std::optional<Entry>();
    return Entry{at->first, at->second.bytes, at->second.version};
}

Result<std::vector<Entry>> InMemoryKvStore::list(std::string_view prefix) {
    const std::lock_guard lock(state_->mutex);
    state_->drop_expired();
    return state_->under(prefix);
}

Result<std::uint64_t> InMemoryKvStore::compare_and_swap(
    std::string_view key, std::uint64_t expected, std::string value, WriteOptions options
) {
    MIMIR_ASSERT(!key.empty() && value.size() <= kValueBytesMax, "keys and values fit");
    const std::lock_guard lock(state_->mutex);
    state_->drop_expired();
    const auto at = state_->values.find(key);
    const std::uint64_t present = at == state_->values.end() ? kAbsent : at->second.version;
    if (present != expected) {
        return fail(ErrorKind::conflict, "{} has version {}, not {}", key, present, expected);
    }
    Value stored{std::move(value), ++state_->version, {}};
    if (options.time_to_live) stored.expires = state_->clock.steady_now() + *options.time_to_live;
    const Update update{.changed = {{std::string(key), stored.bytes, stored.version}}};
    state_->values.insert_or_assign(std::string(key), std::move(stored));
    state_->tell(update, key);
    return update.changed.front().version;
}

Result<void> InMemoryKvStore::remove(std::string_view key, std::uint64_t expected) {
    const std::lock_guard lock(state_->mutex);
    state_->drop_expired();
    const auto at = state_->values.find(key);
    if (at == state_->values.end()) return {};
    if (at->second.version != expected) {
        return fail(
            ErrorKind::conflict, "{} has version {}, not {}", key, at->second.version, expected
        );
    }
    const std::string removed = at->first;
    state_->values.erase(at);
    state_->tell({.removed = {removed}}, removed);
    return {};
}

std::unique_ptr<KvStore::Watch> InMemoryKvStore::watch(std::string prefix, Watcher& watcher) {
    struct Registered final : Watch {
        std::shared_ptr<State> state;
        std::list<Watching>::iterator at;
        ~Registered() override {
            const std::lock_guard lock(state->mutex);
            state->watching.erase(at);
        }
    };
    const std::lock_guard lock(state_->mutex);
    state_->drop_expired();
    auto watch = std::make_unique<Registered>();
    watch->state = state_;
    watch->at = state_->watching.insert(state_->watching.end(), {prefix, &watcher});
    watcher.reachable({});
    watcher.updated({.complete = true, .changed = state_->under(prefix)});
    return watch;
}

}  // namespace mimir::kv
