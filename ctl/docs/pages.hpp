#pragma once

#include <string>
#include <vector>

namespace mimir::ctl {

struct ManPage {
    /// "mimirctl-set-target.1"
    std::string file;
    /// troff, with the macros of man(7).
    std::string text;
};

/// mimirctl(1) and a page for each verb; those of a group share one.
std::vector<ManPage> man_pages();

/// docs/mimirctl.md
std::string reference_markdown();

}  // namespace mimir::ctl
