#include "wire/ingester_messages.hpp"

#include "wire/labels.hpp"
#include "wire/matchers.hpp"
#include "wire/proto.hpp"
#include "wire/write_parts.hpp"

namespace mimir::wire {
namespace {

namespace selection_field {
constexpr std::uint32_t kSelectors = 1, kMin = 2, kMax = 3, kLabel = 4, kLimit = 5, kProjected = 6,
                        kProjection = 7, kAnyOrder = 8;
}
constexpr std::uint32_t kMatchersField = 1;
namespace metadata_request_field {
constexpr std::uint32_t kMetric = 1, kMetricsLimit = 2, kPerMetricLimit = 3;
}
/// Of the answers that are lists.
constexpr std::uint32_t kElementsField = 1;
namespace exemplars_field {
constexpr std::uint32_t kLabels = 1, kExemplars = 2;
}
namespace frame_field {
constexpr std::uint32_t kSeriesCount = 1, kLabels = 2, kChunks = 3, kOrder = 4, kIds = 5;
}
namespace chunk_field {
constexpr std::uint32_t kSeries = 1, kMin = 2, kMax = 3, kEncoding = 4, kData = 5;
}

tl::unexpected<Error> malformed_request(std::string_view what) {
    return fail(ErrorKind::invalid, "malformed {} request", what);
}
tl::unexpected<Error> malformed_answer(std::string_view what) {
    return fail(ErrorKind::corrupt, "malformed {} in the answer", what);
}
Error as_corrupt(Error error) {
    error.kind = ErrorKind::corrupt;
    return error;
}

Result<model::Matchers> decode_selector(std::string_view message) {
    model::Matchers matchers;
    ProtoReader reader(message);
    while (reader.next()) {
        if (reader.field() != kMatchersField) continue;
        MIMIR_TRY(auto matcher, decode_matcher(reader.bytes()));
        matchers.push_back(std::move(matcher));
    }
    if (!reader.ok()) return malformed_request("selection");
    return matchers;
}

/// Each of a list answer's elements, as f(bytes), which returns a Result<void>.
template <class F>
Result<void> each_element(std::string_view message, std::string_view what, F f) {
    ProtoReader reader(message);
    while (reader.next()) {
        if (reader.field() == kElementsField) MIMIR_TRY(f(reader.bytes()));
    }
    if (!reader.ok()) return malformed_answer(what);
    return {};
}

Result<model::Labels> own_labels(std::string_view fields) {
    if (!is_canonical(fields)) return malformed_answer("label set");
    return model::Labels(model::LabelsView::from_canonical(fields));
}

Result<model::SeriesExemplars> decode_exemplars_of_series(std::string_view message) {
    model::SeriesExemplars series;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case exemplars_field::kLabels: {
                MIMIR_TRY(series.series, own_labels(reader.bytes()));
                break;
            }
            case exemplars_field::kExemplars: {
                auto exemplar = decode_exemplar(reader.bytes());
                if (!exemplar) return tl::unexpected(as_corrupt(std::move(exemplar).error()));
                series.exemplars.push_back(*std::move(exemplar));
                break;
            }
            default: break;
        }
    }
    if (!reader.ok()) return malformed_answer("exemplars");
    return series;
}

Result<SelectionFrame::Chunk> decode_chunk(std::string_view message) {
    SelectionFrame::Chunk chunk;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case chunk_field::kSeries: chunk.series = reader.uint64(); break;
            case chunk_field::kMin: chunk.chunk.range.min.ms = reader.sint64(); break;
            case chunk_field::kMax: chunk.chunk.range.max.ms = reader.sint64(); break;
            case chunk_field::kEncoding: {
                const std::uint64_t encoding = reader.uint64();
                if (encoding > UINT8_MAX) return malformed_answer("chunk");
                chunk.chunk.encoding = static_cast<std::uint8_t>(encoding);
                break;
            }
            case chunk_field::kData: chunk.chunk.data = reader.bytes(); break;
            default: break;
        }
    }
    if (!reader.ok()) return malformed_answer("chunk");
    return chunk;
}

/// Of a varint or bytes field of a number below 16.
std::size_t varint_field_bytes(std::uint64_t value) { return 1 + varint_bytes(value); }

}  // namespace

void encode_selection_request(const SelectionRequest& request, std::string& out) {
    ProtoWriter writer(out);
    std::string selector;
    std::string matcher;
    for (const model::Matchers& matchers : request.selectors) {
        selector.clear();
        for (const model::Matcher& one : matchers) {
            matcher.clear();
            encode_matcher(one, matcher);
            ProtoWriter(selector).bytes(kMatchersField, matcher);
        }
        writer.bytes(selection_field::kSelectors, selector);
    }
    writer.sint64(selection_field::kMin, request.range.min.ms);
    writer.sint64(selection_field::kMax, request.range.max.ms);
    if (!request.label.empty()) writer.bytes(selection_field::kLabel, request.label);
    if (request.limit != 0) writer.uint64(selection_field::kLimit, request.limit);
    if (request.projection) {
        writer.uint64(selection_field::kProjected, 1);
        for (const auto& name : *request.projection) {
            writer.bytes(selection_field::kProjection, name);
        }
    }
    if (request.any_order) writer.uint64(selection_field::kAnyOrder, 1);
}

Result<SelectionRequest> decode_selection_request(std::string_view message) {
    SelectionRequest request;
    bool projected = false;
    std::vector<std::string> projection;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case selection_field::kSelectors: {
                MIMIR_TRY(auto matchers, decode_selector(reader.bytes()));
                request.selectors.push_back(std::move(matchers));
                break;
            }
            case selection_field::kMin: request.range.min.ms = reader.sint64(); break;
            case selection_field::kMax: request.range.max.ms = reader.sint64(); break;
            case selection_field::kLabel: request.label = reader.bytes(); break;
            case selection_field::kLimit: request.limit = reader.uint64(); break;
            case selection_field::kProjected: projected = reader.uint64() != 0; break;
            case selection_field::kProjection: projection.emplace_back(reader.bytes()); break;
            case selection_field::kAnyOrder: request.any_order = reader.uint64() != 0; break;
            default: break;
        }
    }
    if (!reader.ok()) return malformed_request("selection");
    if (projected) request.projection = std::move(projection);
    return request;
}

void encode_metadata_request(const MetadataRequest& request, std::string& out) {
    ProtoWriter writer(out);
    writer.bytes(metadata_request_field::kMetric, request.metric);
    writer.uint64(metadata_request_field::kMetricsLimit, request.metrics_limit);
    writer.uint64(metadata_request_field::kPerMetricLimit, request.per_metric_limit);
}

Result<MetadataRequest> decode_metadata_request(std::string_view message) {
    MetadataRequest request;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case metadata_request_field::kMetric: request.metric = reader.bytes(); break;
            case metadata_request_field::kMetricsLimit:
                request.metrics_limit = reader.uint64();
                break;
            case metadata_request_field::kPerMetricLimit:
                request.per_metric_limit = reader.uint64();
                break;
            default: break;
        }
    }
    if (!reader.ok()) return malformed_request("metadata");
    return request;
}

void encode_strings(std::span<const std::string> strings, std::string& out) {
    ProtoWriter writer(out);
    for (const std::string& one : strings) writer.bytes(kElementsField, one);
}

Result<std::vector<std::string>> decode_strings(std::string_view message) {
    std::vector<std::string> strings;
    MIMIR_TRY(each_element(message, "strings", [&](std::string_view one) -> Result<void> {
        strings.emplace_back(one);
        return {};
    }));
    return strings;
}

void encode_label_sets(std::span<const model::Labels> sets, std::string& out) {
    ProtoWriter writer(out);
    for (const model::Labels& one : sets) writer.bytes(kElementsField, one.bytes());
}

Result<std::vector<model::Labels>> decode_label_sets(std::string_view message) {
    std::vector<model::Labels> sets;
    MIMIR_TRY(each_element(message, "label sets", [&](std::string_view one) -> Result<void> {
        MIMIR_TRY(auto labels, own_labels(one));
        sets.push_back(std::move(labels));
        return {};
    }));
    return sets;
}

void encode_series_exemplars(std::span<const model::SeriesExemplars> series, std::string& out) {
    ProtoWriter writer(out);
    std::string message;
    std::string inner;
    for (const model::SeriesExemplars& one : series) {
        message.clear();
        ProtoWriter of_series(message);
        of_series.bytes(exemplars_field::kLabels, one.series.bytes());
        for (const model::Exemplar& exemplar : one.exemplars) {
            inner.clear();
            encode_exemplar(exemplar, inner);
            of_series.bytes(exemplars_field::kExemplars, inner);
        }
        writer.bytes(kElementsField, message);
    }
}

Result<std::vector<model::SeriesExemplars>> decode_series_exemplars(std::string_view message) {
    std::vector<model::SeriesExemplars> series;
    MIMIR_TRY(each_element(message, "exemplars", [&](std::string_view one) -> Result<void> {
        MIMIR_TRY(auto decoded, decode_exemplars_of_series(one));
        series.push_back(std::move(decoded));
        return {};
    }));
    return series;
}

void encode_metric_metadata(std::span<const model::MetricMetadata> metadata, std::string& out) {
    ProtoWriter writer(out);
    std::string message;
    for (const model::MetricMetadata& one : metadata) {
        message.clear();
        encode_metadata(one, message);
        writer.bytes(kElementsField, message);
    }
}

Result<std::vector<model::MetricMetadata>> decode_metric_metadata(std::string_view message) {
    std::vector<model::MetricMetadata> metadata;
    MIMIR_TRY(each_element(message, "metadata", [&](std::string_view one) -> Result<void> {
        auto decoded = decode_metadata(one);
        if (!decoded) return tl::unexpected(as_corrupt(std::move(decoded).error()));
        metadata.push_back(*std::move(decoded));
        return {};
    }));
    return metadata;
}

void append_series_count(std::uint64_t count, SelectionOrder order, std::string& frame) {
    ProtoWriter(frame).uint64(frame_field::kSeriesCount, count);
    if (order == SelectionOrder::by_labels) return;
    ProtoWriter(frame).uint64(frame_field::kOrder, static_cast<std::uint64_t>(order));
}

void append_series_ids(std::string_view ids, std::string& frame) {
    ProtoWriter(frame).bytes(frame_field::kIds, ids);
}

void append_series_labels(model::LabelsView labels, std::string& frame) {
    ProtoWriter(frame).bytes(frame_field::kLabels, labels.bytes());
}

void append_series_chunk(const SelectionFrame::Chunk& chunk, std::string& frame) {
    const auto& [range, encoding, data] = chunk.chunk;
    // Its length comes first, and copying the data once more would cost most of the frame's time.
    const std::size_t bytes =
        varint_field_bytes(chunk.series) + varint_field_bytes(encoding::zigzag(range.min.ms)) +
        varint_field_bytes(encoding::zigzag(range.max.ms)) + varint_field_bytes(encoding) +
        varint_field_bytes(data.size()) + data.size();
    encoding::ByteWriter head(frame);
    head.uvarint(tag_of(frame_field::kChunks, WireType::bytes));
    head.uvarint(bytes);
    ProtoWriter writer(frame);
    writer.uint64(chunk_field::kSeries, chunk.series);
    writer.sint64(chunk_field::kMin, range.min.ms);
    writer.sint64(chunk_field::kMax, range.max.ms);
    writer.uint64(chunk_field::kEncoding, encoding);
    writer.bytes(chunk_field::kData, data);
}

Result<void> decode_selection_frame(std::string_view message, SelectionFrame& into) {
    into.series_count.reset();
    into.order = SelectionOrder::by_labels;
    into.labels.clear();
    into.ids = {};
    into.chunks.clear();
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case frame_field::kSeriesCount: into.series_count = reader.uint64(); break;
            case frame_field::kLabels: into.labels.push_back(reader.bytes()); break;
            case frame_field::kOrder: {
                const std::uint64_t order = reader.uint64();
                if (order > static_cast<std::uint64_t>(SelectionOrder::any)) {
                    return malformed_answer("order");
                }
                into.order = static_cast<SelectionOrder>(order);
                break;
            }
            case frame_field::kIds: into.ids = reader.bytes(); break;
            case frame_field::kChunks: {
                MIMIR_TRY(const auto chunk, decode_chunk(reader.bytes()));
                into.chunks.push_back(chunk);
                break;
            }
            default: break;
        }
    }
    if (!reader.ok()) return malformed_answer("frame");
    return {};
}

}  // namespace mimir::wire
