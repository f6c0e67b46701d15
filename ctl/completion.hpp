#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/environment.hpp"

namespace mimir::ctl {

struct Candidate {
    std::string text;
    /// Of what it does; may be empty.
    std::string help = {};
};

/// What the last of the words, which may be empty, can become; the words are those behind the program's name. Names of
/// modules, targets and operations are the daemon's; when it does not answer within 300 ms there are none.
std::vector<Candidate> complete(std::span<const std::string> words, const Environment& environment);

/// The adaptor for a shell, which calls `mimirctl __complete WORD...`; empty when the shell is unknown.
std::string_view completion_script(std::string_view shell);
std::span<const std::string_view> shells();

}  // namespace mimir::ctl
