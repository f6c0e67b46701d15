#pragma once

// What is asked of an ingester of another process, and what it answers: docs/internal-protocol.md, which has
// the fields. Decoders take bytes from outside. Errors of all: invalid for a malformed request (and for a bad
// regular expression), corrupt for a malformed answer.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/types.hpp"
#include "model/exemplar.hpp"
#include "model/matcher.hpp"
#include "model/write_request.hpp"
#include "wire/remote_read.hpp"

namespace mimir::wire {

/// Series of any of the selectors within a range.
struct SelectionRequest {
    std::vector<model::Matchers> selectors;
    TimeRange range;
    /// For values of a label: its name.
    std::string label = {};
    std::uint64_t limit = 0;  ///< 0: none.
    /// Of ingester/select: names of the labels that are looked at; none: all.
    std::optional<std::vector<std::string>> projection = {};
    /// Of ingester/select: the series may come in any order.
    bool any_order = false;
};
void encode_selection_request(const SelectionRequest& request, std::string& out);
Result<SelectionRequest> decode_selection_request(std::string_view message);

struct MetadataRequest {
    std::string metric;
    std::uint64_t metrics_limit = 0;
    std::uint64_t per_metric_limit = 0;
};
void encode_metadata_request(const MetadataRequest& request, std::string& out);
Result<MetadataRequest> decode_metadata_request(std::string_view message);

void encode_strings(std::span<const std::string> strings, std::string& out);
Result<std::vector<std::string>> decode_strings(std::string_view message);

void encode_label_sets(std::span<const model::Labels> sets, std::string& out);
/// Every set is canonical.
Result<std::vector<model::Labels>> decode_label_sets(std::string_view message);

void encode_series_exemplars(std::span<const model::SeriesExemplars> series, std::string& out);
Result<std::vector<model::SeriesExemplars>> decode_series_exemplars(std::string_view message);

void encode_metric_metadata(std::span<const model::MetricMetadata> metadata, std::string& out);
Result<std::vector<model::MetricMetadata>> decode_metric_metadata(std::string_view message);

/// In which order a selection's series come; a number that nobody knows is none.
enum class SelectionOrder : std::uint8_t { by_labels = 0, by_id = 1, any = 2 };

/// Big-endian.
inline constexpr std::size_t kSeriesIdBytes = 16;

/// A frame of a selection's answer. Series are numbered in their order; first come the labels of all of them,
/// then the chunks.
struct SelectionFrame {
    struct Chunk {
        std::uint64_t series = 0;
        ReadChunk chunk;
    };
    /// Of the whole selection; the first frame has it.
    std::optional<std::uint64_t> series_count;
    /// The same; absent: by labels.
    SelectionOrder order = SelectionOrder::by_labels;
    /// Of the next series: label fields, which are not looked into.
    std::vector<std::string_view> labels;
    /// Of the same series, when ordered by them: kSeriesIdBytes each.
    std::string_view ids;
    std::vector<Chunk> chunks;
};

void append_series_count(std::uint64_t count, SelectionOrder order, std::string& frame);
void append_series_labels(model::LabelsView labels, std::string& frame);
void append_series_ids(std::string_view ids, std::string& frame);
void append_series_chunk(const SelectionFrame::Chunk& chunk, std::string& frame);
/// Replaces the content of `into`, which then points into the message.
Result<void> decode_selection_frame(std::string_view message, SelectionFrame& into);

}  // namespace mimir::wire
