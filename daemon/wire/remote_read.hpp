#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "model/matcher.hpp"
#include "model/write_request.hpp"

namespace mimir::wire {

enum class ReadResponseType : std::uint8_t { samples = 0, streamed_xor_chunks = 1 };

struct ReadQuery {
    TimeRange range;
    model::Matchers matchers;
};

/// A prometheus.ReadRequest. Hints are not read: they are advice to the storage below.
struct ReadRequest {
    std::vector<ReadQuery> queries;
    /// In the order in which the client prefers them; those that are unknown here are left out.
    std::vector<ReadResponseType> accepted;
    /// Whether the client named any, known or not; if not, samples are meant.
    bool names_accepted = false;
};

/// Errors: invalid, for malformed bytes and for bad regular expressions.
Result<ReadRequest> decode_read_request(std::string_view body);
void encode_read_request(const ReadRequest& request, std::string& out);

/// Appends a prometheus.ReadResponse's next result; the argument holds its QueryResult::timeseries,
/// each a field appended by append_result_series.
void append_query_result(std::string_view timeseries, std::string& out);
void append_result_series(
    model::LabelsView labels,
    std::span<const model::Sample> samples,
    std::span<const model::HistogramSample> histograms,
    std::string& out
);

/// A prometheus.Chunk: an encoded chunk, and the number of its encoding as on disk.
struct ReadChunk {
    TimeRange range;
    std::uint8_t encoding = 0;
    std::string_view data;
};

/// Appends one frame of a streamed answer: a prometheus.ChunkedReadResponse with one series and
/// some of its chunks, preceded by its length and its CRC-32C.
void append_chunked_frame(
    model::LabelsView labels,
    std::span<const ReadChunk> chunks,
    std::size_t query_index,
    std::string& out
);

}  // namespace mimir::wire
