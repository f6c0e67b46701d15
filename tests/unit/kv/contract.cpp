#include "contract.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace mimir::kv::test {
namespace {

/// A change is seen within a second; the rest is for a busy machine.
constexpr auto kSeen = 10s;

ErrorKind kind_of_error(const auto& result) {
    REQUIRE(!result);
    return result.error().kind;
}

void written_values_are_read(KvStore& one, KvStore& other, const std::string& root) {
    REQUIRE_OK(one.get(root + "a"));
    CHECK(!one.get(root + "a")->has_value());
    const auto first = one.compare_and_swap(root + "a", kAbsent, "1");
    REQUIRE_OK(first);
    const std::string odd("\0\xff\x80 \n\"{}", 8);
    const auto second = other.compare_and_swap(root + "b/c", kAbsent, odd);
    REQUIRE_OK(second);
    CHECK(*second > *first);
    const auto empty = one.compare_and_swap(root + "\xc3\xa9", kAbsent, "");
    REQUIRE_OK(empty);
    CHECK(*empty > *second);

    CHECK(other.get(root + "a").value() == Entry{root + "a", "1", *first});
    CHECK(one.get(root + "b/c").value() == Entry{root + "b/c", odd, *second});
    const std::vector<Entry> all = {
        {root + "a", "1", *first}, {root + "b/c", odd, *second}, {root + "\xc3\xa9", "", *empty}
    };
    CHECK(one.list(root).value() == all);
    CHECK(other.list(root + "b").value() == std::vector<Entry>{all[1]});
    CHECK(other.list(root + "zzz").value().empty());
    const auto everything = one.list("");
    REQUIRE_OK(everything);
    CHECK(everything->size() >= 3);
    CHECK(std::ranges::is_sorted(*everything, {}, &Entry::key));
}

void a_wrong_expectation_is_a_conflict(KvStore& one, KvStore& other, const std::string& root) {
    const std::string key = root + "k";
    const auto version = one.compare_and_swap(key, kAbsent, "1");
    REQUIRE_OK(version);
    CHECK(kind_of_error(other.compare_and_swap(key, kAbsent, "2")) == ErrorKind::conflict);
    CHECK(kind_of_error(other.compare_and_swap(key, *version + 1, "2")) == ErrorKind::conflict);
    CHECK(kind_of_error(other.compare_and_swap(root + "none", 7, "2")) == ErrorKind::conflict);
    CHECK(kind_of_error(other.remove(key, *version + 1)) == ErrorKind::conflict);
    const auto next = other.compare_and_swap(key, *version, "2");
    REQUIRE_OK(next);
    CHECK(*next > *version);
    CHECK(kind_of_error(one.compare_and_swap(key, *version, "3")) == ErrorKind::conflict);
    CHECK(kind_of_error(one.remove(key, *version)) == ErrorKind::conflict);
    CHECK(one.get(key).value()->value == "2");
}

void a_removed_key_is_absent(KvStore& one, KvStore& other, const std::string& root) {
    const std::string key = root + "k";
    const auto version = one.compare_and_swap(key, kAbsent, "1");
    REQUIRE_OK(version);
    REQUIRE_OK(other.remove(key, *version));
    CHECK(!one.get(key).value());
    CHECK(one.list(root).value().empty());
    REQUIRE_OK(one.remove(key, *version));
    REQUIRE_OK(one.remove(root + "never", 1));
    CHECK(kind_of_error(one.compare_and_swap(key, *version, "2")) == ErrorKind::conflict);
    const auto again = one.compare_and_swap(key, kAbsent, "2");
    REQUIRE_OK(again);
    CHECK(*again > *version);
}

void large_values_fit(KvStore& one, KvStore& other, const std::string& root) {
    const std::string large(kValueBytesMax, 'x');
    REQUIRE_OK(one.compare_and_swap(root + "large", kAbsent, large));
    CHECK(other.get(root + "large").value()->value == large);
    RecordingWatcher watcher;
    const auto watch = other.watch(root, watcher);
    CHECK(eventually(kSeen, [&] { return watcher.value(root + "large").size() == large.size(); }));
}

void many_writers_lose_nothing(KvStore& one, KvStore& other, const std::string& root) {
    const std::string key = root + "counter";
    constexpr int kEach = 15;
    std::atomic<int> failures = 0;
    const auto count_up = [&](KvStore& store) {
        for (int done = 0; done < kEach;) {
            const auto present = store.get(key);
            if (!present) {
                ++failures;
                return;
            }
            const int value = *present ? std::stoi((*present)->value) : 0;
            const auto version = *present ? (*present)->version : kAbsent;
            const auto written = store.compare_and_swap(key, version, std::to_string(value + 1));
            if (written) {
                ++done;
            } else if (written.error().kind != ErrorKind::conflict) {
                ++failures;
                return;
            }
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back(count_up, i % 2 == 0 ? std::ref(one) : std::ref(other));
    for (auto& thread : threads) thread.join();
    CHECK(failures == 0);
    CHECK(one.get(key).value()->value == std::to_string(4 * kEach));
}

void a_watcher_sees_changes_of_both(KvStore& one, KvStore& other, const std::string& root) {
    REQUIRE_OK(one.compare_and_swap(root + "w/before", kAbsent, "0"));
    RecordingWatcher watcher;
    const auto watch = one.watch(root + "w/", watcher);
    REQUIRE(eventually(kSeen, [&] { return watcher.value(root + "w/before") == "0"; }));
    CHECK(watcher.is_reachable() == true);
    CHECK(watcher.complete_updates() == 1);

    const auto mine = one.compare_and_swap(root + "w/mine", kAbsent, "1");
    const auto theirs = other.compare_and_swap(root + "w/theirs", kAbsent, "2");
    REQUIRE_OK(mine);
    REQUIRE_OK(theirs);
    REQUIRE_OK(other.compare_and_swap(root + "x/outside", kAbsent, "3"));
    REQUIRE(eventually(kSeen, [&] { return watcher.values().size() == 3; }));
    CHECK(watcher.value(root + "w/theirs") == "2");
    REQUIRE_OK(one.compare_and_swap(root + "w/theirs", *theirs, "22"));
    REQUIRE_OK(other.remove(root + "w/mine", *mine));
    CHECK(eventually(kSeen, [&] { return watcher.value(root + "w/theirs") == "22"; }));
    CHECK(eventually(kSeen, [&] { return !watcher.has(root + "w/mine"); }));
    REQUIRE_OK(other.compare_and_swap(root + "w/mine", kAbsent, "4"));
    CHECK(eventually(kSeen, [&] { return watcher.value(root + "w/mine") == "4"; }));
    CHECK(watcher.values().size() == 3);
    CHECK(watcher.complete_updates() == 1);
    CHECK(watcher.complaints() == std::vector<std::string>{});
}

void an_empty_prefix_is_told_of(KvStore& one, KvStore&, const std::string& root) {
    RecordingWatcher watcher;
    const auto watch = one.watch(root + "nothing/", watcher);
    CHECK(eventually(kSeen, [&] { return watcher.complete_updates() == 1; }));
    CHECK(watcher.values().empty());
}

void an_ended_watch_is_silent(KvStore& one, KvStore& other, const std::string& root) {
    RecordingWatcher ended;
    RecordingWatcher witness;
    auto watch = one.watch(root, ended);
    const auto going_on = one.watch(root, witness);
    REQUIRE(eventually(kSeen, [&] { return ended.complete_updates() == 1; }));
    watch.reset();
    const std::size_t before = ended.updates();
    REQUIRE_OK(other.compare_and_swap(root + "late", kAbsent, "1"));
    REQUIRE(eventually(kSeen, [&] { return witness.has(root + "late"); }));
    CHECK(ended.updates() == before);
    for (int i = 0; i < 20; ++i) static_cast<void>(one.watch(root, ended));
}

void watchers_under_load_end_with_the_latest(
    KvStore& one, KvStore& other, const std::string& root
) {
    RecordingWatcher watcher;
    const auto watch = other.watch(root, watcher);
    std::map<std::string, std::string> expected;
    std::map<std::string, std::uint64_t> versions;
    for (int i = 0; i < 120; ++i) {
        const std::string key = root + std::to_string(i % 7);
        KvStore& store = i % 3 == 0 ? other : one;
        if (i % 5 == 4) {
            REQUIRE_OK(store.remove(key, versions[key]));
            versions.erase(key);
            expected.erase(key);
            continue;
        }
        const auto version = store.compare_and_swap(key, versions[key], std::to_string(i));
        REQUIRE_OK(version);
        versions[key] = *version;
        expected[key] = std::to_string(i);
    }
    CHECK(eventually(kSeen, [&] { return watcher.values() == expected; }));
    CHECK(watcher.complaints() == std::vector<std::string>{});
}

}  // namespace

void RecordingWatcher::updated(const Update& update) {
    const std::lock_guard lock(mutex_);
    ++updates_;
    if (updates_ == 1 && !update.complete)
        complaints_.emplace_back("the first update is incomplete");
    if (update.complete) {
        ++complete_updates_;
        entries_.clear();
    }
    for (const Entry& entry : update.changed) {
        if (entry.version < newest_[entry.key]) complaints_.push_back(entry.key + " went back");
        newest_[entry.key] = entry.version;
        entries_[entry.key] = entry;
    }
    for (const std::string& key : update.removed) entries_.erase(key);
}

void RecordingWatcher::reachable(const Result<void>& state) {
    const std::lock_guard lock(mutex_);
    reachable_ = state.has_value();
}

std::map<std::string, std::string> RecordingWatcher::values() const {
    const std::lock_guard lock(mutex_);
    std::map<std::string, std::string> values;
    for (const auto& [key, entry] : entries_) values[key] = entry.value;
    return values;
}

std::string RecordingWatcher::value(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(key);
    return at == entries_.end() ? std::string() : at->second.value;
}

bool RecordingWatcher::has(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    return entries_.contains(key);
}

std::optional<bool> RecordingWatcher::is_reachable() const {
    const std::lock_guard lock(mutex_);
    return reachable_;
}

std::size_t RecordingWatcher::complete_updates() const {
    const std::lock_guard lock(mutex_);
    return complete_updates_;
}

std::size_t RecordingWatcher::updates() const {
    const std::lock_guard lock(mutex_);
    return updates_;
}

std::vector<std::string> RecordingWatcher::complaints() const {
    const std::lock_guard lock(mutex_);
    return complaints_;
}

void check_contract(KvStore& one, KvStore& other, const std::string& root) {
    struct Part {
        std::string_view name;
        void (*check)(KvStore&, KvStore&, const std::string&);
    };
    const std::vector<Part> parts = {
        {"written values are read", written_values_are_read},
        {"a wrong expectation is a conflict", a_wrong_expectation_is_a_conflict},
        {"a removed key is absent", a_removed_key_is_absent},
        {"large values fit", large_values_fit},
        {"many writers lose nothing", many_writers_lose_nothing},
        {"a watcher sees changes of both", a_watcher_sees_changes_of_both},
        {"an empty prefix is told of", an_empty_prefix_is_told_of},
        {"an ended watch is silent", an_ended_watch_is_silent},
        {"watchers under load end with the latest", watchers_under_load_end_with_the_latest},
    };
    for (std::size_t i = 0; i < parts.size(); ++i) {
        CAPTURE(parts[i].name);
        parts[i].check(one, other, fmt::format("{}{}/", root, i));
    }
}

}  // namespace mimir::kv::test
