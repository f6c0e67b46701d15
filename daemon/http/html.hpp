#pragma once

#include <string>
#include <string_view>

namespace mimir::http {

/// The text as it may stand in a page, within an element or a quoted attribute.
std::string escape_html(std::string_view text);

}  // namespace mimir::http
