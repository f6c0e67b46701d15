#include "support.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iostream>

namespace mimir::operations::test_journal {

std::string in_child(const std::function<void()>& work) {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    std::cout.flush();  // else the child may print it once more
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::string wrong;
        try {
            work();
        } catch (const Wrong& found) {
            wrong = found.what;
        }
        const auto written = ::write(pipe[1], wrong.data(), wrong.size());
        ::_exit(written == static_cast<ssize_t>(wrong.size()) ? 0 : 70);
    }
    ::close(pipe[1]);
    std::string wrong;
    std::array<char, 512> buffer{};
    for (ssize_t size = 0; (size = ::read(pipe[0], buffer.data(), buffer.size())) > 0;) {
        wrong.append(buffer.data(), static_cast<std::size_t>(size));
    }
    ::close(pipe[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) return fmt::format("signal {}", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) return fmt::format("exit {}", WEXITSTATUS(status));
    return wrong;
}

QuickDir::QuickDir() : path_("/dev/shm/mimird-test-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) path_ = disk_.emplace().path();
}

QuickDir::~QuickDir() {
    std::error_code ignored;
    if (!disk_) std::filesystem::remove_all(path_, ignored);
}

JournalOptions in(const std::filesystem::path& dir) {
    JournalOptions options;
    options.dir = dir;
    return options;
}

std::unique_ptr<Journal> open_journal(const std::filesystem::path& dir) {
    auto journal = std::make_unique<Journal>(in(dir), telemetry::Logger());
    REQUIRE_OK(journal->open());
    return journal;
}

Broken::Broken(std::filesystem::path dir) : dir_(std::move(dir)), aside_(dir_.native() + ".aside") {
    std::filesystem::rename(dir_, aside_);
    std::ofstream(dir_) << "in the way";
}

void Broken::mend() {
    std::filesystem::remove(dir_);
    std::filesystem::rename(aside_, dir_);
}

api::Step step(std::string action, std::string subject) {
    return {.action = std::move(action), .subject = std::move(subject)};
}

api::AuditEntry entry(std::string action, std::string subject) {
    return {
        .time = {1'700'000'000'123},
        .actor = "ann",
        .uid = 1000,
        .pid = 4711,
        .via = "unix",
        .action = std::move(action),
        .subject = std::move(subject),
        .revision = 17,
        .outcome = "requested",
    };
}

NewOperation operation(std::string summary, std::string key) {
    return {
        .kind = "start",
        .summary = std::move(summary),
        .requested_by = "ann",
        .idempotency_key = std::move(key),
        .fingerprint = "f",
    };
}

std::string states(const api::Operation& operation) {
    std::string text;
    for (const auto& step : operation.steps) {
        if (!text.empty()) text += ' ';
        text += api::to_string(step.state);
    }
    return text;
}

void store_target(Journal& journal, const std::string& target) {
    auto created = journal.create(operation("set-target " + target));
    REQUIRE_OK(created);
    created->state = api::OperationState::done;
    created->ended = created->created;
    ++created->version;
    REQUIRE_OK(journal.save(*created, Commit{.target_change = TargetChange{.target = target}}));
}

}  // namespace mimir::operations::test_journal
