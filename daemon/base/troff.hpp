#pragma once

#include <string>
#include <string_view>

namespace mimir::troff {

// Text of man pages, with the macros of man(7).

/// Text as it is shown: backslashes and hyphens as themselves, no line that begins like a request.
std::string escaped(std::string_view text);

/// Text in which `code` is bold.
std::string prose(std::string_view text);

struct Heading {
    /// "mimirctl-set-target"
    std::string_view name;
    int section;
    /// A sentence.
    std::string_view summary;
    std::string_view version;
};
/// The page's title, and its NAME.
std::string heading(const Heading& heading);

/// A bold term, and below it what it is.
std::string tagged(std::string_view term, std::string_view text);

}  // namespace mimir::troff
