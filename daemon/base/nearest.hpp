#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mimir {

/// The candidate that a person who typed `text` most likely meant: the one with the fewest
/// inserted, deleted, replaced or swapped characters, if these are few for the word's length.
/// Nothing when no candidate is near. Cost:    candidates x length squared; for error paths.
std::optional<std::string_view> nearest(
    std::string_view text, std::span<const std::string_view> candidates
);

/// `; did you mean "distributor"?`, or nothing when no candidate is near: the end of an error
/// message.
std::string did_you_mean(std::string_view text, std::span<const std::string_view> candidates);

}  // namespace mimir
