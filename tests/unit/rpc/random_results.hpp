#pragma once

#include "base/random.hpp"
#include "promql/engine.hpp"

namespace mimir::rpc::test {

/// Any result that an engine could give, and some that it could not: values of any bits, times in any distance.
/// Some take many frames.
promql::QueryResult random_result(Random& random);

/// Every bit of it, in words.
std::string to_text(const promql::QueryResult& result);

}  // namespace mimir::rpc::test
