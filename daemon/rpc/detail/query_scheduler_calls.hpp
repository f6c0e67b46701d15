#pragma once

#include <string_view>

namespace mimir::rpc::detail::query_scheduler_call {

inline constexpr std::string_view kAcquire = "query-scheduler/acquire";
inline constexpr std::string_view kOffer = "query-scheduler/offer";
inline constexpr std::string_view kEnd = "query-scheduler/end";

}  // namespace mimir::rpc::detail::query_scheduler_call
