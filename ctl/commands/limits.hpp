#pragma once

#include "ctl/command.hpp"
#include "http/url.hpp"

namespace mimir::ctl {

/// --after and --limit as parameters of a list. Errors: usage, unless they are whole numbers.
Outcome<http::Parameters> page_of(const Invocation& invocation);

}  // namespace mimir::ctl
