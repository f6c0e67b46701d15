#include "operations/journal.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "support.hpp"

namespace mimir::operations {
namespace {

using namespace test_journal;
using api::OperationState;

SQLite::Database raw(const std::filesystem::path& dir) {
    return {(dir / "journal.db").string(), SQLite::OPEN_READWRITE};
}

/// Does to the audit log what its triggers refuse, and leaves no trace of that.
void tamper(const std::filesystem::path& dir, const std::string& change) {
    auto database = raw(dir);
    std::vector<std::string> triggers;
    {
        SQLite::Statement rows(database, "SELECT sql FROM sqlite_schema WHERE type = 'trigger'");
        while (rows.executeStep()) triggers.push_back(rows.getColumn(0).getString());
    }
    database.exec("DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_shortened");
    database.exec(change);
    for (const auto& trigger : triggers) database.exec(trigger);
}

}  // namespace

TEST_SUITE("operations/journal") {
    TEST_CASE("a journal touches nothing until it is opened, and makes its folder then") {
        const TempDir dir;
        const auto state_dir = dir.path() / "a" / "b";
        Journal journal(in(state_dir), {});
        CHECK_FALSE(std::filesystem::exists(state_dir));
        CHECK(journal.health().error().id == "journal-unavailable");
        CHECK(journal.boot() == 0);
        REQUIRE_OK(journal.open());
        REQUIRE_OK(journal.health());
        CHECK(std::filesystem::exists(state_dir / "journal.db"));
        CHECK(std::filesystem::exists(state_dir / "journal.db-wal"));
        CHECK_FALSE(std::filesystem::exists(state_dir / "journal.db-shm"));
        CHECK(journal.notes().empty());
    }

    TEST_CASE("a boot is a process that opened it, however often") {
        const TempDir dir;
        for (std::uint64_t boot = 1; boot <= 3; ++boot) {
            const auto journal = open_journal(dir.path());
            REQUIRE_OK(journal->open());
            CHECK(journal->boot() == boot);
        }
    }

    TEST_CASE("operations are numbered, kept over restarts and listed newest first") {
        const TempDir dir;
        ManualClock clock({1'700'000'000'123});
        {
            Journal journal(in(dir.path()), {}, clock);
            const auto first = journal.create(operation("first"));  // opens it
            REQUIRE_OK(first);
            CHECK(first->id == "op-1");
            CHECK(first->state == OperationState::pending);
            CHECK(first->version == 1);
            CHECK(first->requested_by == "ann");
            CHECK(first->created == clock.now());
            auto second = journal.create(operation("second \"quoted\"\n"));
            REQUIRE_OK(second);
            second->state = OperationState::failed;
            second->version = 9;
            second->steps = {step("start", "querier")};
            second->warnings = {"w"};
            REQUIRE_OK(journal.save(*second));
        }
        const auto journal = open_journal(dir.path());
        const auto listed = journal->list(10);
        REQUIRE_OK(listed);
        REQUIRE(listed->size() == 2);
        CHECK((*listed)[0].id == "op-2");
        CHECK((*listed)[0].summary == "second \"quoted\"\n");
        CHECK((*listed)[0].version == 9);
        CHECK((*listed)[0].created == clock.now());
        CHECK((*listed)[0].steps.at(0).subject == "querier");
        CHECK(journal->list(1)->size() == 1);
        CHECK(journal->find("op-1")->summary == "first");
        for (const char* unknown : {"op-3", "op-", "op-01", "op-1x", "x", "", "op--1"}) {
            CAPTURE(unknown);
            CHECK(journal->find(unknown).error().id == "operation-unknown");
        }
        CHECK(journal->create(operation("third"))->id == "op-3");
    }

    TEST_CASE("the stored target changes with a commit, and only so") {
        const TempDir dir;
        {
            const auto journal = open_journal(dir.path());
            CHECK_FALSE(journal->stored_target().has_value());
            store_target(*journal, "ingester");
            CHECK(journal->stored_target() == "ingester");
            auto other = journal->create(operation("start"));
            REQUIRE_OK(journal->save(*other, Commit{}));
            CHECK(journal->stored_target() == "ingester");
        }
        {
            const auto journal = open_journal(dir.path());
            CHECK(journal->stored_target() == "ingester");
            auto reset = journal->create(operation("reset-target"));
            REQUIRE_OK(journal->save(*reset, Commit{.target_change = TargetChange{}}));
            CHECK_FALSE(journal->stored_target().has_value());
        }
        CHECK_FALSE(open_journal(dir.path())->stored_target().has_value());
    }

    TEST_CASE("what a process left open is ended by the next, once") {
        const TempDir dir;
        {
            const auto journal = open_journal(dir.path());
            (void)journal->create(operation("pending"));
            auto running = journal->create(operation("running"));
            running->state = OperationState::running;
            running->steps = {step("start", "a"), step("start", "b")};
            running->steps[0].state = api::StepState::running;
            REQUIRE_OK(journal->save(*running));
            auto committed = journal->create(operation("committed"));
            committed->state = OperationState::running;
            committed->steps = {step("stop", "a")};
            REQUIRE_OK(journal->save(*committed, Commit{.target_change = TargetChange{"new"}}));
            ++committed->version;
            REQUIRE_OK(journal->save(*committed));  // stays committed
            store_target(*journal, "newer");
        }
        {
            const auto journal = open_journal(dir.path());
            const auto recovered = journal->recovered();
            REQUIRE(recovered.size() == 3);
            CHECK(recovered[0].code == "operation-interrupted");
            CHECK(recovered[0].error == "mimird ended before it began");
            CHECK(states(recovered[1]) == "undone skipped");
            CHECK(recovered[2].state == OperationState::done);
            CHECK(states(recovered[2]) == "done");
            for (const auto& operation : recovered) {
                CHECK(journal->find(operation.id)->state == operation.state);
            }
        }
        CHECK(open_journal(dir.path())->recovered().empty());
    }

    TEST_CASE("an idempotency key names one operation for a day") {
        const TempDir dir;
        ManualClock clock({1'700'000'000'000});
        Journal journal(in(dir.path()), {}, clock);
        REQUIRE_OK(journal.create(operation("first", "k")));
        REQUIRE(journal.find_by_key("k")->has_value());
        CHECK((*journal.find_by_key("k"))->operation.id == "op-1");
        CHECK((*journal.find_by_key("k"))->fingerprint == "f");
        CHECK_FALSE(journal.find_by_key("other")->has_value());
        CHECK_FALSE(journal.find_by_key("")->has_value());
        CHECK(journal.create(operation("second", "k")).error().id == "idempotency-key-reused");
        clock.advance(std::chrono::hours(24));
        CHECK(journal.find_by_key("k")->has_value());
        clock.advance(std::chrono::milliseconds(1));
        CHECK_FALSE(journal.find_by_key("k")->has_value());
        CHECK(journal.create(operation("second", "k"))->id == "op-2");
        CHECK((*journal.find_by_key("k"))->operation.id == "op-2");
    }

    TEST_CASE("old records go, but not those of operations that are under way") {
        const TempDir dir;
        auto options = in(dir.path());
        options.operations_kept = 3;
        Journal journal(options, {});
        REQUIRE_OK(journal.create(operation("stays", "stays")));
        for (int i = 0; i < 6; ++i) {
            auto created = journal.create(operation("goes", "k" + std::to_string(i)));
            created->state = OperationState::done;
            REQUIRE_OK(journal.save(*created));
        }
        std::vector<std::string> ids;
        const auto listed = journal.list(100);
        REQUIRE_OK(listed);
        for (const auto& each : *listed) ids.push_back(each.id);
        CHECK(ids == std::vector<std::string>{"op-7", "op-6", "op-5", "op-4", "op-1"});
        CHECK(journal.find("op-2").error().id == "operation-unknown");
        CHECK_FALSE(journal.find_by_key("k0")->has_value());
        CHECK(journal.find_by_key("stays")->has_value());
    }

    TEST_CASE("the audit log keeps every field, in order, over restarts") {
        const TempDir dir;
        {
            const auto journal = open_journal(dir.path());
            CHECK(journal->verify_audit() == 0);
            CHECK(journal->audit(entry("start", "querier")) == 1);
            auto outcome = entry("start", "querier");
            outcome.outcome = "done";
            outcome.detail = std::string("nul \0 and \xff", 11);
            outcome.of = 1;
            outcome.uid.reset();
            outcome.pid = -1;
            CHECK(journal->audit(outcome) == 2);
        }
        const auto journal = open_journal(dir.path());
        CHECK(journal->audit(entry("stop", "querier")) == 3);
        const auto entries = journal->audit_entries(0, 10);
        REQUIRE_OK(entries);
        REQUIRE(entries->size() == 3);
        const auto& second = (*entries)[1];
        CHECK(second.seq == 2);
        CHECK(second.time == TimestampMs{1'700'000'000'123});
        CHECK(second.actor == "ann");
        CHECK_FALSE(second.uid.has_value());
        CHECK(second.pid == -1);
        CHECK(second.via == "unix");
        CHECK(second.action == "start");
        CHECK(second.subject == "querier");
        CHECK(second.detail == std::string("nul \0 and \xff", 11));
        CHECK(second.revision == 17);
        CHECK(second.outcome == "done");
        CHECK(second.of == 1);
        CHECK((*entries)[0].uid == 1000);
        // SHA-256 of the encoding in docs/formats/journal.md, computed apart.
        CHECK(
            (*entries)[0].hash == "7d45c09bc743702db55f3b466fb1f2d7d2845e437b4d956e7dfe647ebde2bb88"
        );
        CHECK(journal->audit_entries(1, 10)->front().seq == 2);
        CHECK(journal->audit_entries(0, 2)->front().seq == 1);
        CHECK(journal->audit_entries(std::nullopt, 2)->front().seq == 2);
        CHECK(journal->audit_entries(3, 2)->empty());
        CHECK(journal->verify_audit() == 3);
    }

    TEST_CASE("the audit log refuses changes, and shows those that were made all the same") {
        const QuickDir dir;
        {
            const auto journal = open_journal(dir.path());
            for (int i = 0; i < 1010; ++i) {
                REQUIRE_OK(journal->audit(entry("start", "m" + std::to_string(i))));
            }
        }
        CHECK_THROWS(raw(dir.path()).exec("UPDATE audit SET actor = 'bob' WHERE seq = 4"));
        CHECK_THROWS(raw(dir.path()).exec("DELETE FROM audit WHERE seq = 4"));
        CHECK(open_journal(dir.path())->verify_audit() == 1010);

        const auto complaint = [&] { return open_journal(dir.path())->verify_audit().error(); };
        SUBCASE("a changed field") {
            tamper(dir.path(), "UPDATE audit SET actor = 'bob' WHERE seq = 4");
            CHECK(complaint().kind == ErrorKind::corrupt);
            CHECK(
                complaint().message.find("entry 4 is not as it was written") != std::string::npos
            );
        }
        SUBCASE("a changed field of a late entry") {
            tamper(dir.path(), "UPDATE audit SET uid = NULL WHERE seq = 1005");
            CHECK(complaint().message.find("entry 1005 is not") != std::string::npos);
        }
        SUBCASE("a removed entry") {
            tamper(dir.path(), "DELETE FROM audit WHERE seq = 4");
            CHECK(complaint().message.find("entry 4 is missing") != std::string::npos);
        }
        SUBCASE("a bit moved from one field to the next") {
            tamper(
                dir.path(),
                "UPDATE audit SET subject = 'x' || subject, action = 'star' WHERE seq = 4"
            );
            CHECK(complaint().message.find("entry 4") != std::string::npos);
        }
    }

    TEST_CASE("a file of a newer version is left alone, with what to do") {
        const TempDir dir;
        {
            store_target(*open_journal(dir.path()), "x");
        }
        raw(dir.path()).exec("PRAGMA user_version = 3");
        Journal journal(in(dir.path()), {});
        const auto opened = journal.open();
        REQUIRE_FALSE(opened);
        CHECK(opened.error().id == "journal-unavailable");
        CHECK(
            opened.error().message.find("newer mimird (its format is 3, this mimird knows 2)") !=
            std::string::npos
        );
        CHECK(journal.health().error().message == opened.error().message);
        CHECK(journal.notes().empty());
        raw(dir.path()).exec("PRAGMA user_version = 2");
        REQUIRE_OK(journal.audit(entry("start", "x")));
        REQUIRE_OK(journal.health());
    }

    TEST_CASE("processes are stored with the target, and stay when only that changes") {
        const TempDir dir;
        using Names = std::vector<std::string>;
        const auto store = [&](Journal& journal, TargetChange change) {
            auto created = journal.create(operation("set-target"));
            REQUIRE_OK(created);
            REQUIRE_OK(journal.save(*created, Commit{.target_change = std::move(change)}));
        };
        {
            const auto journal = open_journal(dir.path());
            CHECK(journal->processes().empty());
            store(*journal, {.target = "ingester", .processes = Names{"querier", "distributor"}});
            CHECK(journal->processes() == Names{"querier", "distributor"});
        }
        {
            const auto journal = open_journal(dir.path());
            CHECK(journal->processes() == Names{"querier", "distributor"});
            store(*journal, {.target = "all"});
        }
        const auto journal = open_journal(dir.path());
        CHECK(journal->stored_target() == "all");
        CHECK(journal->processes() == Names{"querier", "distributor"});
        store(*journal, {.target = "all", .processes = Names{}});
        CHECK(journal->processes().empty());
    }

    TEST_CASE("a file of version 1 is kept, and has no processes") {
        const TempDir dir;
        {
            store_target(*open_journal(dir.path()), "x");
        }
        raw(dir.path()).exec("ALTER TABLE node DROP COLUMN processes; PRAGMA user_version = 1");
        const auto journal = open_journal(dir.path());
        CHECK(journal->notes().empty());
        CHECK(journal->stored_target() == "x");
        CHECK(journal->processes().empty());
    }

    TEST_CASE("a record that is damaged in itself shows as such") {
        const TempDir dir;
        {
            store_target(*open_journal(dir.path()), "x");
        }
        raw(dir.path()).exec("UPDATE operations SET record = '{\"id\": 7}', ended = 0");
        const auto journal = open_journal(dir.path());
        CHECK(journal->stored_target() == "x");
        const auto found = journal->find("op-1");
        REQUIRE_OK(found);
        CHECK(found->id == "op-1");
        CHECK(found->error.find("damaged") != std::string::npos);
        CHECK(journal->list(10)->size() == 1);
    }
}

}  // namespace mimir::operations
