#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "operations/journal.hpp"
#include "support/test_support.hpp"

namespace mimir::operations::test_journal {

using test::ManualClock;
using test::TempDir;

/// A folder in memory where there is such a thing: for tests that end processes or open journals by the hundred.
class QuickDir {
  public:
    QuickDir();
    ~QuickDir();
    QuickDir(const QuickDir&) = delete;
    QuickDir& operator=(const QuickDir&) = delete;
    [[nodiscard]] std::filesystem::path path() const { return path_; }

  private:
    std::string path_;
    std::optional<TempDir> disk_;
};

/// A check in a child process: throws what is wrong, which in_child() returns.
struct Wrong {
    std::string what;
};
#define IN_CHILD_CHECK(condition)                                                     \
    do {                                                                              \
        if (!(condition)) throw ::mimir::operations::test_journal::Wrong{#condition}; \
    } while (false)

/// Runs work in a forked child and waits for it: "" when it returned, "exit 7" when it ended otherwise, else what was wrong.
std::string in_child(const std::function<void()>& work);

/// The journal of a folder, open; the test fails when it does not open.
std::unique_ptr<Journal> open_journal(const std::filesystem::path& dir);
JournalOptions in(const std::filesystem::path& dir);

/// Makes the folder impossible to use, by a file in its place, until mend().
class Broken {
  public:
    explicit Broken(std::filesystem::path dir);
    void mend();

  private:
    std::filesystem::path dir_;
    std::filesystem::path aside_;
};

api::Step step(std::string action, std::string subject);
api::AuditEntry entry(std::string action, std::string subject);
NewOperation operation(std::string summary, std::string key = {});

/// The state of each step, such as "done done skipped".
std::string states(const api::Operation& operation);

/// Creates an operation and commits it with the target.
void store_target(Journal& journal, const std::string& target);

}  // namespace mimir::operations::test_journal
