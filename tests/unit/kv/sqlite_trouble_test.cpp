// What becomes of the file when its users are killed, its bytes are damaged, or its disk is full.

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "contract.hpp"
#include "kv/sqlite.hpp"

namespace mimir::kv::test {
namespace {

using mimir::test::TempDir;
using telemetry::Logger;

/// A process that counts up a key of its own in a store, and says each number that was acknowledged.
class Writer {
  public:
    Writer(const std::filesystem::path& file, std::string key) : key_(std::move(key)) {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            count_up(file, key_, ends[1]);
            ::_exit(1);
        }
        ::close(ends[1]);
        from_ = ends[0];
    }
    ~Writer() {
        kill();
        ::close(from_);
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Blocks until so many more writes were acknowledged.
    bool acknowledged(int more) {
        for (int i = 0; i < more; ++i) {
            if (!read_one()) return false;
        }
        return true;
    }
    /// kill -9; returns the last number that was acknowledged.
    int kill() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
            pid_ = 0;
            while (read_one()) {
            }
        }
        return last_;
    }
    [[nodiscard]] const std::string& key() const { return key_; }

  private:
    static void count_up(const std::filesystem::path& file, const std::string& key, int to) {
        SqliteKvStore store(file, Logger());
        for (;;) {
            const auto present = store.get(key);
            if (!present) continue;
            const int next = *present ? std::stoi((*present)->value) + 1 : 1;
            const auto version = *present ? (*present)->version : kAbsent;
            if (!store.compare_and_swap(key, version, std::to_string(next))) continue;
            if (::write(to, &next, sizeof(next)) != sizeof(next)) return;
        }
    }
    bool read_one() {
        int number = 0;
        if (::read(from_, &number, sizeof(number)) != sizeof(number)) return false;
        last_ = number;
        return true;
    }

    const std::string key_;
    ::pid_t pid_ = 0;
    int from_ = -1;
    int last_ = 0;
};

void overwrite(const std::filesystem::path& file, std::size_t offset, std::size_t size) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(offset));
    stream << std::string(size, '\xa5');
}

std::size_t set_aside(const std::filesystem::path& dir) {
    std::size_t count = 0;
    for (const auto& each : std::filesystem::directory_iterator(dir)) {
        const auto name = each.path().filename().string();
        const bool part = name.ends_with("-wal") || name.ends_with("-shm");
        count += name.starts_with("kv.sqlite.corrupt-") && !part ? 1 : 0;
    }
    return count;
}

/// Files that this process writes cannot grow beyond; lifted at the end of the scope.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit limit = before_;
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

  private:
    rlimit before_{};
};

/// A small disk of its own at a folder, for as long as this lives; where the system allows it.
class SmallDisk {
  public:
    explicit SmallDisk(const std::filesystem::path& at)
        : at_(at), mounted_(::mount("tmpfs", at_.c_str(), "tmpfs", MS_RDONLY, "size=4m") == 0) {}
    ~SmallDisk() {
        if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    [[nodiscard]] bool is_mounted() const { return mounted_; }
    /// Makes it writable, too.
    void resize(const char* size) const {
        REQUIRE(::mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT, size) == 0);
    }

  private:
    const std::filesystem::path at_;
    const bool mounted_;
};

TEST_SUITE("kv/sqlite in trouble") {
    TEST_CASE("nothing acknowledged is lost when its writer is killed, and nobody else is held up"
    ) {
        const TempDir dir;
        const auto file = dir.path() / "kv.sqlite";
        auto random = mimir::test::seeded_random();
        std::map<std::string, int> acknowledged;
        for (int round = 0; round < 8; ++round) {
            CAPTURE(round);
            Writer one(file, "one");
            Writer two(file, "two");
            Writer survivor(file, "survivor");
            REQUIRE(one.acknowledged(static_cast<int>(1 + random.below(40))));
            acknowledged["one"] = one.kill();
            REQUIRE(two.acknowledged(static_cast<int>(1 + random.below(40))));
            acknowledged["two"] = two.kill();
            REQUIRE(survivor.acknowledged(20));
            acknowledged["survivor"] = survivor.kill();

            SqliteKvStore store(file, Logger());
            for (const auto& [key, number] : acknowledged) {
                CAPTURE(key);
                const auto present = store.get(key);
                REQUIRE_OK(present);
                REQUIRE(present->has_value());
                CHECK(std::stoi((*present)->value) >= number);
                CHECK(std::stoi((*present)->value) <= number + 1);
            }
        }
        CHECK(set_aside(dir.path()) == 0);
    }

    TEST_CASE("a watcher follows writers that are killed") {
        const TempDir dir;
        const auto file = dir.path() / "kv.sqlite";
        Writer one(file, "one");
        Writer two(file, "two");
        SqliteKvStore store(file, Logger());
        RecordingWatcher watcher;
        const auto watch = store.watch("", watcher);
        REQUIRE(one.acknowledged(30));
        const int last_one = one.kill();
        REQUIRE(two.acknowledged(30));
        const int last_two = two.kill();
        const auto follows = [&](const std::string& key, int last) {
            return watcher.has(key) && std::stoi(watcher.value(key)) >= last;
        };
        CHECK(eventually(10s, [&] { return follows("one", last_one); }));
        CHECK(eventually(10s, [&] { return follows("two", last_two); }));
        CHECK(watcher.complaints() == std::vector<std::string>{});
    }

    TEST_CASE("a damaged file is set aside at the start, and the log says so") {
        for (const bool garbage : {true, false}) {
            CAPTURE(garbage);
            const TempDir dir;
            const auto file = dir.path() / "kv.sqlite";
            std::uint64_t version = 0;
            {
                SqliteKvStore store(file, Logger());
                for (int i = 0; i < 200; ++i) {
                    const auto written =
                        store.compare_and_swap(std::to_string(i), kAbsent, std::string(200, 'x'));
                    REQUIRE_OK(written);
                    version = *written;
                }
            }
            overwrite(file, garbage ? 0 : 4096, garbage ? 4096 : 3 * 4096);
            std::ostringstream log;
            const auto logger =
                Logger::to_stream(log, telemetry::LogFormat::logfmt, telemetry::LogLevel::warn);
            SqliteKvStore store(file, logger);
            const auto written = store.compare_and_swap("a", kAbsent, "1");
            REQUIRE_OK(written);
            CHECK(*written > version);
            CHECK(store.list("").value().size() == 1);
            CHECK(set_aside(dir.path()) == 1);
            CHECK(log.str().find("set aside") != std::string::npos);
        }
    }

    TEST_CASE(
        "a file that is damaged under its users is replaced once, and all of them go on with the new one"
    ) {
        const TempDir dir;
        const auto file = dir.path() / "kv.sqlite";
        SqliteKvStore one(file, Logger());
        SqliteKvStore other(file, Logger());
        RecordingWatcher watcher;
        const auto watch = other.watch("", watcher);
        for (int i = 0; i < 200; ++i) {
            REQUIRE_OK(one.compare_and_swap(std::to_string(i), kAbsent, std::string(20'000, 'x')));
        }
        const auto before = one.compare_and_swap("last", kAbsent, "1");
        REQUIRE_OK(before);
        REQUIRE(eventually(10s, [&] { return watcher.has("last"); }));

        const auto size = std::filesystem::file_size(file);
        overwrite(file, 0, size);
        std::filesystem::resize_file(dir.path() / "kv.sqlite-wal", 0);
        // Who meets the damage first is open. Writes before that may go with the damaged file.
        const auto writes = [&](KvStore& store, const std::string& key) {
            return eventually(10s, [&] {
                const auto present = store.get(key);
                return present && (*present || store.compare_and_swap(key, kAbsent, "new"));
            });
        };
        REQUIRE(eventually(10s, [&] { return one.list("") && set_aside(dir.path()) == 1; }));
        CHECK(writes(one, "from one"));
        CHECK(writes(other, "from other"));
        CHECK(one.list("").value().size() == 2);
        CHECK(one.list("").value() == other.list("").value());
        CHECK(one.get("from other").value()->version > *before);
        CHECK(eventually(10s, [&] { return watcher.values().size() == 2; }));
        CHECK(watcher.complaints() == std::vector<std::string>{});
        CHECK(set_aside(dir.path()) == 1);
    }

    TEST_CASE("a file that somebody removed is made anew by its users") {
        const TempDir dir;
        const auto file = dir.path() / "kv.sqlite";
        SqliteKvStore one(file, Logger());
        SqliteKvStore other(file, Logger());
        RecordingWatcher watcher;
        const auto watch = other.watch("", watcher);
        const auto before = one.compare_and_swap("old", kAbsent, "1");
        REQUIRE_OK(before);
        REQUIRE(eventually(10s, [&] { return watcher.has("old"); }));
        for (const std::string_view suffix : {"", "-wal", "-shm"}) {
            std::filesystem::remove(file.native() + std::string(suffix));
        }
        const auto after = one.compare_and_swap("new", kAbsent, "1");
        REQUIRE_OK(after);
        CHECK(*after > *before);
        CHECK(other.list("").value().size() == 1);
        CHECK(eventually(10s, [&] { return !watcher.has("old") && watcher.has("new"); }));
    }

    TEST_CASE("a full disk makes writes fail, and does not outlast itself") {
        const TempDir dir;
        SqliteKvStore store(dir.path() / "kv.sqlite", Logger());
        const auto version = store.compare_and_swap("a", kAbsent, "1");
        REQUIRE_OK(version);
        {
            const FileSizeLimit limit(256 << 10);
            const std::string large(200'000, 'x');
            Error error;
            for (int i = 0; i < 50 && error.message.empty(); ++i) {
                const auto written =
                    store.compare_and_swap("large" + std::to_string(i), kAbsent, large);
                if (!written) error = written.error();
            }
            CAPTURE(error.message);
            CHECK(error.kind == ErrorKind::unavailable);
            CHECK(store.get("a").value()->version == *version);
        }
        REQUIRE_OK(store.compare_and_swap("a", *version, std::string(200'000, 'y')));
        CHECK(set_aside(dir.path()) == 0);
    }

    TEST_CASE("a folder that is not there makes calls fail and watchers wait, until it is") {
        const TempDir dir;
        const auto folder = dir.path() / "later";
        std::ostringstream log;
        const auto logger =
            Logger::to_stream(log, telemetry::LogFormat::logfmt, telemetry::LogLevel::info);
        {
            SqliteKvStore store(folder / "kv.sqlite", logger);
            RecordingWatcher watcher;
            const auto watch = store.watch("", watcher);
            const auto refused = store.compare_and_swap("a", kAbsent, "1");
            REQUIRE(!refused);
            CHECK(refused.error().kind == ErrorKind::unavailable);
            REQUIRE(eventually(10s, [&] { return watcher.is_reachable() == false; }));
            CHECK(watcher.updates() == 0);
            std::filesystem::create_directory(folder);
            REQUIRE_OK(store.compare_and_swap("a", kAbsent, "1"));
            CHECK(eventually(10s, [&] { return watcher.value("a") == "1"; }));
            CHECK(watcher.is_reachable() == true);
        }
        CHECK(log.str().find("can't be used") != std::string::npos);
        CHECK(log.str().find("can be used again") != std::string::npos);
    }

    TEST_CASE("a folder that can't be written is said by name, and works once it can") {
        const TempDir dir;
        const SmallDisk disk(dir.path());
        if (!disk.is_mounted()) {
            MESSAGE("mounting a small disk is not allowed here");
            return;
        }
        {
            SqliteKvStore store(dir.path() / "kv.sqlite", Logger());
            const auto refused = store.compare_and_swap("a", kAbsent, "1");
            REQUIRE(!refused);
            CHECK(refused.error().kind == ErrorKind::unavailable);
            CHECK(refused.error().message.find(dir.path().native()) != std::string::npos);
            disk.resize("size=4m");
            const auto version = store.compare_and_swap("a", kAbsent, "1");
            REQUIRE_OK(version);

            // And full, in the way of a real disk.
            Error error;
            for (int i = 0; i < 50 && error.message.empty(); ++i) {
                const std::string key = "large" + std::to_string(i);
                const auto written =
                    store.compare_and_swap(key, kAbsent, std::string(300'000, 'x'));
                if (!written) error = written.error();
            }
            CAPTURE(error.message);
            CHECK(error.kind == ErrorKind::unavailable);
            CHECK(error.message.find("the disk is full") != std::string::npos);
            CHECK(store.get("a").value()->version == *version);
            disk.resize("size=16m");
            REQUIRE_OK(store.compare_and_swap("a", *version, "2"));
        }
    }

    TEST_CASE("a file of a newer version is left alone") {
        const TempDir dir;
        const auto file = dir.path() / "kv.sqlite";
        {
            SqliteKvStore store(file, Logger());
            REQUIRE_OK(store.compare_and_swap("a", kAbsent, "1"));
        }
        {
            std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
            stream.seekp(63);  // the last byte of user_version
            stream.put('\x02');
        }
        SqliteKvStore store(file, Logger());
        const auto refused = store.get("a");
        REQUIRE(!refused);
        CHECK(refused.error().kind == ErrorKind::unavailable);
        CHECK(refused.error().message.find("newer mimird") != std::string::npos);
        CHECK(set_aside(dir.path()) == 0);
    }
}

}  // namespace
}  // namespace mimir::kv::test
