#pragma once

#include <string_view>

namespace mimir::rpc::detail::ingester_call {

inline constexpr std::string_view kPush = "ingester/push";
inline constexpr std::string_view kSelect = "ingester/select";
inline constexpr std::string_view kSeries = "ingester/series";
inline constexpr std::string_view kLabelNames = "ingester/label_names";
inline constexpr std::string_view kLabelValues = "ingester/label_values";
inline constexpr std::string_view kExemplars = "ingester/exemplars";
inline constexpr std::string_view kMetadata = "ingester/metadata";

}  // namespace mimir::rpc::detail::ingester_call
