#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/matcher.hpp"

namespace mimir::wire {

/// A prometheus.LabelMatcher. Errors: invalid, for malformed bytes and bad regular expressions.
Result<model::Matcher> decode_matcher(std::string_view message);
void encode_matcher(const model::Matcher& matcher, std::string& out);

}  // namespace mimir::wire
