// Messages between processes: the first byte says which. What can be read is written again, and reads back the same;
// label sets that are taken are canonical, by the other reader of labels too.

#include "base/assert.hpp"
#include "wire/ingester_messages.hpp"
#include "wire/internal.hpp"
#include "wire/labels.hpp"

using namespace mimir;

namespace {

/// Writes what was read, reads that, writes it again.
template <class T, class Decode, class Encode>
void check(std::string_view bytes, Decode decode, Encode encode) {
    const Result<T> read = decode(bytes);
    if (!read) return;
    std::string once;
    encode(*read, once);
    const Result<T> again = decode(once);
    MIMIR_ASSERT(again, "what was written can be read");
    std::string twice;
    encode(*again, twice);
    MIMIR_ASSERT(once == twice, "nothing is lost on the way");
}

void check_labels(std::string_view fields) {
    std::vector<model::Label> labels;
    const auto form = wire::parse_labels(fields, labels);
    const bool canonical = form && *form == wire::Form::canonical;
    MIMIR_ASSERT(wire::is_canonical(fields) == canonical, "both readers agree");
}

void check_frame(std::string_view bytes) {
    wire::SelectionFrame frame;
    if (!wire::decode_selection_frame(bytes, frame)) return;
    std::string again;
    if (frame.series_count) wire::append_series_count(*frame.series_count, frame.order, again);
    if (!frame.ids.empty()) wire::append_series_ids(frame.ids, again);
    for (const std::string_view labels : frame.labels) {
        check_labels(labels);
        wire::append_series_labels(model::LabelsView::from_canonical(labels), again);
    }
    for (const auto& chunk : frame.chunks) wire::append_series_chunk(chunk, again);
    wire::SelectionFrame read;
    MIMIR_ASSERT(wire::decode_selection_frame(again, read), "what was written can be read");
    MIMIR_ASSERT(read.labels == frame.labels, "the labels are the same");
    MIMIR_ASSERT(read.ids == frame.ids, "so are the ids");
    MIMIR_ASSERT(read.chunks.size() == frame.chunks.size(), "no chunk is lost");
    for (std::size_t i = 0; i < read.chunks.size(); ++i) {
        MIMIR_ASSERT(read.chunks[i].chunk.data == frame.chunks[i].chunk.data, "nor its bytes");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 10) {
        case 0: check<wire::Hello>(bytes, wire::decode_hello, wire::encode_hello); break;
        case 1: static_cast<void>(wire::decode_error(bytes)); break;
        case 2:
            check<wire::SelectionRequest>(
                bytes, wire::decode_selection_request, wire::encode_selection_request
            );
            break;
        case 3:
            check<wire::MetadataRequest>(
                bytes, wire::decode_metadata_request, wire::encode_metadata_request
            );
            break;
        case 4:
            check<std::vector<std::string>>(bytes, wire::decode_strings, wire::encode_strings);
            break;
        case 5:
            check<std::vector<model::Labels>>(
                bytes, wire::decode_label_sets, wire::encode_label_sets
            );
            break;
        case 6:
            check<std::vector<model::SeriesExemplars>>(
                bytes, wire::decode_series_exemplars, wire::encode_series_exemplars
            );
            break;
        case 7:
            check<std::vector<model::MetricMetadata>>(
                bytes, wire::decode_metric_metadata, wire::encode_metric_metadata
            );
            break;
        case 8: check_frame(bytes); break;
        default: check_labels(bytes); break;
    }
    return 0;
}
