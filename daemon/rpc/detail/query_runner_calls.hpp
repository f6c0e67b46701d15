#pragma once

#include <string_view>

namespace mimir::rpc::detail {

namespace querier_call {
inline constexpr std::string_view kQuery = "querier/query";
inline constexpr std::string_view kSeries = "querier/series";
inline constexpr std::string_view kLabelNames = "querier/label_names";
inline constexpr std::string_view kLabelValues = "querier/label_values";
inline constexpr std::string_view kExemplars = "querier/exemplars";
inline constexpr std::string_view kMetadata = "querier/metadata";
inline constexpr std::string_view kSelect = "querier/select";
}  // namespace querier_call

namespace header {
/// Of all these calls: the slot that a query-scheduler gave, in decimal.
inline constexpr std::string_view kTicket = "X-Mimird-Ticket";
}  // namespace header

}  // namespace mimir::rpc::detail
