#pragma once

// Field numbers of a query's result: docs/internal-protocol.md.

#include <cstddef>
#include <cstdint>

namespace mimir::rpc::detail {

namespace result_field {
constexpr std::uint32_t kType = 1, kTime = 2, kNumber = 3, kText = 4, kSamples = 5, kSeries = 6;
constexpr std::uint32_t kWarnings = 7, kInfos = 8;
constexpr std::uint32_t kSeriesSelected = 9, kSamplesDecoded = 10, kSamplesPeak = 11;
constexpr std::uint32_t kChunks = 12, kChunkBytes = 13, kWallTime = 14;
}  // namespace result_field

namespace sample_field {
constexpr std::uint32_t kLabels = 1, kTime = 2, kValue = 3, kHistogram = 4;
}

namespace series_field {
constexpr std::uint32_t kLabels = 1, kContinues = 2;
constexpr std::uint32_t kStart = 3, kStep = 4, kDeltas = 5, kValues = 6, kHistograms = 7;
}  // namespace series_field

/// What a reader takes in well under a millisecond, on its event loop.
inline constexpr std::size_t kAnswerFrameBytes = 256 << 10;

}  // namespace mimir::rpc::detail
