#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace mimir::launch {

/// A process, by a descriptor that cannot come to mean another one. Destroyed, it leaves the process alone.
class Child {
  public:
    /// Begins it as a child: with this process' output, no input, no other descriptor, and as the leader of a process
    /// group, so that a terminal's ctrl-C does not reach it before its primary.
    /// Errors: unavailable.
    static Result<Child> spawn(
        const std::filesystem::path& program, const std::vector<std::string>& arguments
    );
    /// Who listens at a unix socket, by the kernel's word; nothing when nobody does.
    /// Errors: unavailable.
    static Result<std::optional<Child>> listening_at(const std::filesystem::path& socket);

    Child(Child&& other) noexcept;
    Child& operator=(Child&& other) noexcept;
    ~Child();

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// How it ended, once it has: "exit status 1", "killed by signal 9"; "ended" of one that is no child of this process.
    [[nodiscard]] std::optional<std::string> ended() const;
    void signal(int number) const;

  private:
    static Result<Child> of(pid_t pid, bool is_own);
    Child(pid_t pid, int descriptor, bool is_own)
        : pid_(pid), descriptor_(descriptor), is_own_(is_own) {}

    pid_t pid_;
    int descriptor_;
    bool is_own_;
};

}  // namespace mimir::launch
