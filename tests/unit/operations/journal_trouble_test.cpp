// What a journal does when its disk, its file or its neighbours do not behave.

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <sstream>

#include "support.hpp"

namespace mimir::operations {
namespace {

using namespace test_journal;

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// Files that this process writes cannot grow beyond; the soft limit, so that it can be lifted again.
void limit_files(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = std::min(bytes, limit.rlim_max);
    ::setrlimit(RLIMIT_FSIZE, &limit);
}

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// The files of damaged journals in a folder.
std::size_t set_aside(const std::filesystem::path& dir) {
    std::size_t count = 0;
    for (const auto& each : std::filesystem::directory_iterator(dir)) {
        const auto name = each.path().filename().string();
        count += name.starts_with("journal.db.corrupt-") && !name.ends_with("-wal") ? 1 : 0;
    }
    return count;
}

}  // namespace

TEST_SUITE("operations/journal in trouble") {
    TEST_CASE(
        "a second process is told to take a folder of its own, and gets in when the first is gone"
    ) {
        const QuickDir dir;
        std::array<int, 2> release{};
        std::array<int, 2> ready{};
        REQUIRE(::pipe(release.data()) == 0);
        REQUIRE(::pipe(ready.data()) == 0);
        const pid_t child = ::fork();
        if (child == 0) {
            Journal journal(in(dir.path()), {});
            char byte = journal.open() ? '1' : '0';
            (void)!::write(ready[1], &byte, 1);
            ::close(release[1]);
            (void)!::read(release[0], &byte, 1);
            ::_exit(0);
        }
        char byte = 0;
        REQUIRE(::read(ready[0], &byte, 1) == 1);
        REQUIRE(byte == '1');

        Journal journal(in(dir.path()), {});
        const auto opened = journal.open();
        REQUIRE_FALSE(opened);
        CHECK(opened.error().kind == ErrorKind::conflict);
        CHECK(has(opened.error().message, dir.path().native()));
        CHECK(has(opened.error().message, "-node.state-dir"));
        CHECK(journal.audit(entry("start", "x")).error().kind == ErrorKind::conflict);
        CHECK(journal.health().error().kind == ErrorKind::conflict);
        CHECK(set_aside(dir.path()) == 0);

        for (const int end : {release[0], release[1], ready[0], ready[1]}) ::close(end);
        REQUIRE(test::eventually(std::chrono::seconds(5), [&] {
            return journal.open().has_value();
        }));
        CHECK(journal.boot() == 2);
        REQUIRE_OK(journal.health());
    }

    TEST_CASE("a journal at its limit says so, goes on reading, and writes again with more room") {
        const QuickDir dir;
        auto options = in(dir.path());
        options.bytes_max = 40 * 4096;
        {
            Journal journal(options, {});
            REQUIRE_OK(journal.open());
            store_target(journal, "ingester");
            Result<std::uint64_t> written = 0;
            auto big = entry("start", "x");
            big.detail = std::string(10'000, 'x');
            for (int i = 0; written && i < 100; ++i) written = journal.audit(big);
            REQUIRE_FALSE(written);
            CHECK(written.error().id == "journal-unavailable");
            CHECK(has(written.error().message, "the disk is full"));
            CHECK_FALSE(journal.health());
            CHECK(journal.list(10)->size() == 1);
            CHECK(journal.stored_target() == "ingester");
            CHECK_FALSE(journal.audit(big));
            const auto verified = journal.verify_audit();
            REQUIRE_OK(verified);
            CHECK(*verified > 3);
        }
        const auto journal = open_journal(dir.path());
        REQUIRE_OK(journal->audit(entry("start", "x")));
        REQUIRE_OK(journal->health());
        CHECK(journal->stored_target() == "ingester");
    }

    TEST_CASE("a disk that takes no more is survived, and used again when it does") {
        const QuickDir dir;
        const auto wrong = in_child([&] {
            Journal journal(in(dir.path()), {});
            IN_CHILD_CHECK(journal.open());
            store_target(journal, "old");
            IN_CHILD_CHECK(journal.create(operation("before")));
            auto big = entry("start", "x");
            big.detail = std::string(3'000, 'x');
            limit_files(150'000);
            std::uint64_t entries = 0;
            Result<std::uint64_t> written = 0;
            while ((written = journal.audit(big))) entries = *written;
            IN_CHILD_CHECK(entries > 3);
            IN_CHILD_CHECK(written.error().id == "journal-unavailable");
            IN_CHILD_CHECK(has(written.error().message, "reports an error"));
            IN_CHILD_CHECK(!journal.health());
            // Neither a target nor a number is taken that could not be written.
            limit_files(0);
            auto open = journal.find("op-2");
            IN_CHILD_CHECK(open);
            IN_CHILD_CHECK(!journal.save(*open, Commit{.target_change = TargetChange{"new"}}));
            IN_CHILD_CHECK(!journal.create(operation("refused")));
            IN_CHILD_CHECK(journal.stored_target() == "old");

            limit_files(RLIM_INFINITY);
            IN_CHILD_CHECK(journal.audit(big) == entries + 1);
            IN_CHILD_CHECK(journal.health());
            IN_CHILD_CHECK(journal.verify_audit() == entries + 1);
            IN_CHILD_CHECK(journal.list(10)->size() == 2);
            IN_CHILD_CHECK(journal.boot() == 1);
            IN_CHILD_CHECK(journal.notes().empty());
        });
        CHECK(wrong == "");
        const auto journal = open_journal(dir.path());
        CHECK(journal->stored_target() == "old");
        CHECK(journal->recovered().size() == 1);
    }

    TEST_CASE("what was reported as failed is not there later, even if the disk took it") {
        const QuickDir dir;
        bool failing = false;
        auto options = in(dir.path());
        options.on_transaction = [&](TransactionPoint point) {
            if (failing && point == TransactionPoint::after_commit) {
                throw SQLite::Exception("injected", SQLITE_IOERR);
            }
        };
        {
            Journal journal(options, {});
            store_target(journal, "old");
            auto running = journal.create(operation("running"));
            REQUIRE_OK(running);
            running->state = api::OperationState::running;
            failing = true;
            CHECK_FALSE(journal.save(*running, Commit{.target_change = TargetChange{"new"}}));
            CHECK_FALSE(journal.create(operation("refused", "k")));
            CHECK(journal.stored_target() == "old");
            failing = false;
            REQUIRE_OK(journal.audit(entry("start", "x")));
            CHECK_FALSE(journal.find_by_key("k")->has_value());
            CHECK(journal.list(10)->size() == 2);
        }
        const auto journal = open_journal(dir.path());
        CHECK(journal->stored_target() == "old");
        REQUIRE(journal->recovered().size() == 1);
        CHECK(journal->recovered()[0].id == "op-2");
        CHECK(journal->recovered()[0].state == api::OperationState::failed);
        // The number of the refused one is spent.
        CHECK(journal->create(operation("next"))->id == "op-4");
    }

    TEST_CASE("the stored target is known at a start that cannot write") {
        const QuickDir dir;
        CHECK(in_child([&] { store_target(*open_journal(dir.path()), "ingester"); }) == "");
        const auto wrong = in_child([&] {
            limit_files(0);
            Journal journal(in(dir.path()), {});
            IN_CHILD_CHECK(!journal.open());
            IN_CHILD_CHECK(journal.stored_target() == "ingester");
            IN_CHILD_CHECK(journal.knows_stored_target());
            IN_CHILD_CHECK(journal.boot() == 0);
            IN_CHILD_CHECK(!journal.create(operation("refused")));
            limit_files(RLIM_INFINITY);
            IN_CHILD_CHECK(journal.create(operation("taken"))->id == "op-2");
            IN_CHILD_CHECK(journal.boot() == 2);
            IN_CHILD_CHECK(journal.stored_target() == "ingester");
        });
        CHECK(wrong == "");
    }

    TEST_CASE("a folder without the right to write is named") {
        const QuickDir dir;
        std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
        const auto refused = [&](std::string_view what, bool may_hold_target) {
            if (::geteuid() == 0) IN_CHILD_CHECK(::setuid(65534) == 0);
            Journal journal(in(dir.path() / "state"), {});
            const auto opened = journal.open();
            IN_CHILD_CHECK(!opened);
            IN_CHILD_CHECK(opened.error().id == "journal-unavailable");
            IN_CHILD_CHECK(opened.error().kind == ErrorKind::unavailable);
            IN_CHILD_CHECK(journal.knows_stored_target() == !may_hold_target);
            if (!has(opened.error().message, what)) throw Wrong{opened.error().message};
        };
        std::filesystem::permissions(dir.path(), std::filesystem::perms(0555));
        CHECK(in_child([&] { refused("Permission denied", false); }) == "");

        std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
        CHECK(in_child([&] { store_target(*open_journal(dir.path() / "state"), "x"); }) == "");
        std::filesystem::permissions(
            dir.path() / "state" / "journal.db", std::filesystem::perms(0444)
        );
        std::filesystem::permissions(dir.path() / "state", std::filesystem::perms(0555));
        CHECK(in_child([&] { refused("cannot be written: Permission denied", true); }) == "");
        CHECK(set_aside(dir.path() / "state") == 0);
    }

    TEST_CASE("a folder that cannot be is an error, not the end") {
        const QuickDir dir;
        write_file(dir.path() / "file", "x");
        Journal journal(in(dir.path() / "file" / "state"), {});
        CHECK(journal.open().error().id == "journal-unavailable");
        CHECK(journal.knows_stored_target());  // none
        std::filesystem::create_directory(dir.path() / "journal.db");
        Journal other(in(dir.path()), {});
        CHECK(other.open().error().id == "journal-unavailable");
    }

    TEST_CASE("a journal whose folder is taken away goes on with what it knows") {
        const QuickDir dir;
        const auto state_dir = dir.path() / "state";
        auto journal = open_journal(state_dir);
        store_target(*journal, "ingester");
        auto running = journal->create(operation("running"));
        REQUIRE_OK(journal->save(*running, Commit{}));

        SUBCASE("for a while") {
            Broken broken(state_dir);
            CHECK(journal->audit(entry("start", "x")).error().id == "journal-unavailable");
            CHECK_FALSE(journal->health());
            CHECK(journal->stored_target() == "ingester");
            broken.mend();
            REQUIRE_OK(journal->audit(entry("start", "x")));
            REQUIRE_OK(journal->health());
            CHECK(journal->list(10)->size() == 2);
        }
        SUBCASE("for ever") {
            std::filesystem::remove_all(state_dir);
            running->version = 7;
            REQUIRE_OK(journal->save(*running));
            CHECK(journal->create(operation("next"))->id == "op-3");
            CHECK(journal->find("op-1").error().id == "operation-unknown");
            journal.reset();
            journal = open_journal(state_dir);
            CHECK(journal->boot() == 2);
            CHECK(journal->stored_target() == "ingester");
            REQUIRE(journal->recovered().size() == 2);
            CHECK(journal->recovered()[0].version == 8);
            CHECK(journal->recovered()[0].state == api::OperationState::done);
        }
    }

    TEST_CASE("whatever byte of the file is damaged, a journal comes up") {
        const QuickDir dir;
        const auto origin = dir.path() / "origin";
        {
            const auto journal = open_journal(origin);
            for (int i = 0; i < 12; ++i) {
                store_target(*journal, "target-" + std::to_string(i));
                REQUIRE_OK(journal->audit(entry("start", std::string(60, 'x'))));
            }
        }
        const std::string bytes = read_file(origin / "journal.db");
        REQUIRE(bytes.size() > 4096 * 4);
        std::vector<std::size_t> places;
        for (std::size_t at = 0; at < 108; ++at) places.push_back(at);
        for (std::size_t at = 108; at < bytes.size(); at += 251) places.push_back(at);
        for (std::size_t page = 4096; page < bytes.size(); page += 4096) places.push_back(page);

        std::size_t replaced = 0;
        std::size_t refused = 0;
        const auto state_dir = dir.path() / "state";
        for (const std::size_t at : places) {
            CAPTURE(at);
            std::filesystem::remove_all(state_dir);
            std::filesystem::create_directory(state_dir);
            std::string changed = bytes;
            changed[at] = static_cast<char>(changed[at] ^ 0x55);
            write_file(state_dir / "journal.db", changed);

            Journal journal(in(state_dir), {});
            const auto opened = journal.open();
            if (!opened) {
                CAPTURE(opened.error().message);
                // Its version is four of the header's bytes.
                CHECK(has(opened.error().message, "newer mimird"));
                CHECK((at >= 60 && at < 64));
                ++refused;
                continue;
            }
            CHECK(journal.notes().size() == set_aside(state_dir));
            replaced += journal.notes().size();
            const auto created = journal.create(operation("next"));
            REQUIRE_OK(created);
            REQUIRE_OK(journal.save(*created, Commit{.target_change = TargetChange{"next"}}));
            REQUIRE_OK(journal.list(100));
            REQUIRE_OK(journal.audit(entry("start", "x")));
            const auto verified = journal.verify_audit();
            if (!verified) CHECK(verified.error().kind == ErrorKind::corrupt);
        }
        CHECK(refused <= 4);
        CHECK(replaced > 40);
    }

    TEST_CASE("what is no journal at all is set aside, and told") {
        const QuickDir dir;
        std::string content;
        SUBCASE("text") { content = std::string(10'000, 'x'); }
        SUBCASE("too short") { content = "SQLite format 3"; }
        SUBCASE("cut off") {
            {
                store_target(*open_journal(dir.path()), "x");
            }
            content = read_file(dir.path() / "journal.db").substr(0, 5000);
        }
        write_file(dir.path() / "journal.db", content);
        std::ostringstream out;
        Journal journal(
            in(dir.path()),
            telemetry::Logger::to_stream(
                out, telemetry::LogFormat::logfmt, telemetry::LogLevel::info
            )
        );
        REQUIRE_OK(journal.open());
        REQUIRE(journal.notes().size() == 1);
        CHECK(has(journal.notes()[0], "damaged"));
        CHECK(has(journal.notes()[0], "journal.db.corrupt-"));
        CHECK(has(out.str(), "level=error"));
        CHECK(set_aside(dir.path()) == 1);
        CHECK(journal.boot() == 1);
    }

    TEST_CASE("an empty file is a new journal") {
        const QuickDir dir;
        write_file(dir.path() / "journal.db", "");
        const auto journal = open_journal(dir.path());
        CHECK(journal->notes().empty());
        CHECK(journal->boot() == 1);
    }

    TEST_CASE("damaged files of the same second keep their own names") {
        const QuickDir dir;
        const ManualClock clock({1'700'000'000'000});
        for (std::size_t count = 1; count <= 3; ++count) {
            write_file(dir.path() / "journal.db", std::string(5000, 'x'));
            Journal journal(in(dir.path()), {}, clock);
            REQUIRE_OK(journal.open());
            CHECK(set_aside(dir.path()) == count);
        }
        CHECK(std::filesystem::exists(dir.path() / "journal.db.corrupt-20231114T221320Z"));
        CHECK(std::filesystem::exists(dir.path() / "journal.db.corrupt-20231114T221320Z-3"));
    }
}

}  // namespace mimir::operations
