#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "api/types.hpp"

namespace mimir::ctl {

/// Shows the steps of an operation on a terminal: one line each, the one under way without its end yet.
class Progress {
  public:
    Progress(std::ostream& out, bool is_shown) : out_(out), is_shown_(is_shown) {}
    ~Progress() { close_line(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    /// Adds what is new.
    void show(const api::Operation& operation);
    /// Before something else is written.
    void close_line();

  private:
    void show(const api::Operation& operation, std::size_t index);

    std::ostream& out_;
    const bool is_shown_;
    bool line_is_open_ = false;
    std::vector<api::StepState> seen_;
};

}  // namespace mimir::ctl
