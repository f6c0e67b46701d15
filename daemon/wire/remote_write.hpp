#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/write_request.hpp"

namespace mimir::wire {

/// Decodes request.body, a prometheus.WriteRequest of remote write 1.0, into the request's arrays,
/// which must be empty (WriteRequest::clear). Label fields are not looked into: a series' labels
/// are its label fields as received, to be read by wire::parse_labels unless their hash is known.
/// Unknown fields are skipped. Errors: invalid, for malformed bytes; the request's content is then
/// unspecified. Cost: hot path; one walk over the body, no allocation once the request's arrays
/// have grown.
Result<void> decode_write_request(model::WriteRequest& request);

/// Appends the WriteRequest message.
void encode_write_request(const model::WriteRequest& request, std::string& out);

/// Which of a request's series and metadata: their indices.
struct RequestPart {
    std::vector<std::uint32_t> series;
    std::vector<std::uint32_t> metadata;
};
/// Appends a WriteRequest message of some of the request. Cost: hot path; a copy for each series
/// that is as it was received.
void encode_write_request(
    const model::WriteRequest& request, const RequestPart& part, std::string& out
);

/// Appends the fields of one prometheus.TimeSeries: labels, then samples, then histograms.
void encode_time_series(
    model::LabelsView labels,
    std::span<const model::Sample> samples,
    std::span<const model::HistogramSample> histograms,
    std::string& out
);

}  // namespace mimir::wire
