#pragma once

// JSON as it came from the daemon, in the formats that scripts read. Nothing is looked into: members that this program
// does not know come out as they came in.

#include <iosfwd>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mimir::ctl {

/// Indented. All of these: Errors: invalid, when the text is not JSON.
Result<void> write_json(std::ostream& out, std::string_view json);
/// Block style; strings are quoted when they could be taken for something else.
Result<void> write_yaml(std::ostream& out, std::string_view json);
/// A line for each element of a list, or one line for anything else.
Result<void> write_jsonl(std::ostream& out, std::string_view json);
/// The member `key` of each element of a list, or of the one object; elements that are strings are names themselves.
Result<void> write_names(std::ostream& out, std::string_view json, std::string_view key);

/// The object with one member replaced by, or extended with, that JSON value.
Result<std::string> with_member(
    std::string_view object, std::string_view name, std::string_view value
);
/// A member's JSON text; "null" when there is none.
Result<std::string> member_of(std::string_view object, std::string_view name);

/// An element's JSON text. Errors: also when there are not so many.
Result<std::string> element_of(std::string_view list, std::size_t index);
/// The elements of the first list and those of the second.
Result<std::string> joined(std::string_view list, std::string_view other);

}  // namespace mimir::ctl
