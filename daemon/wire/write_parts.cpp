#include "wire/write_parts.hpp"

#include "wire/labels.hpp"
#include "wire/proto.hpp"

namespace mimir::wire {
namespace {

namespace exemplar_field {
constexpr std::uint32_t kLabels = 1, kValue = 2, kTimestamp = 3;
}
namespace metadata_field {
constexpr std::uint32_t kType = 1, kName = 2, kHelp = 4, kUnit = 5;
}

/// Of a label in a label set's own bytes.
constexpr std::uint32_t kCanonicalLabels = 1;
static_assert(exemplar_field::kLabels == kCanonicalLabels, "labels are written as they are");

}  // namespace

Result<model::Exemplar> decode_exemplar(std::string_view message) {
    std::string label_fields;
    model::Exemplar exemplar;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case exemplar_field::kLabels:
                ProtoWriter(label_fields).bytes(kCanonicalLabels, reader.bytes());
                break;
            case exemplar_field::kValue: exemplar.value = reader.float64(); break;
            case exemplar_field::kTimestamp: exemplar.time.ms = reader.int64(); break;
            default: break;
        }
    }
    if (!reader.ok()) return fail(ErrorKind::invalid, "malformed exemplar");
    MIMIR_TRY(exemplar.labels, decode_labels(label_fields));
    return exemplar;
}

void encode_exemplar(const model::Exemplar& exemplar, std::string& out) {
    out += exemplar.labels.bytes();
    ProtoWriter writer(out);
    writer.float64(exemplar_field::kValue, exemplar.value);
    writer.int64(exemplar_field::kTimestamp, exemplar.time.ms);
}

Result<model::MetricMetadata> decode_metadata(std::string_view message) {
    model::MetricMetadata metadata;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case metadata_field::kType: {
                const std::uint64_t type = reader.uint64();
                constexpr auto last = static_cast<std::uint64_t>(model::MetricType::stateset);
                if (type <= last) metadata.metadata.type = static_cast<model::MetricType>(type);
                break;
            }
            case metadata_field::kName: metadata.metric = reader.bytes(); break;
            case metadata_field::kHelp: metadata.metadata.help = reader.bytes(); break;
            case metadata_field::kUnit: metadata.metadata.unit = reader.bytes(); break;
            default: break;
        }
    }
    if (!reader.ok()) return fail(ErrorKind::invalid, "malformed metadata");
    return metadata;
}

void encode_metadata(const model::MetricMetadata& metadata, std::string& out) {
    ProtoWriter writer(out);
    writer.uint64(metadata_field::kType, static_cast<std::uint64_t>(metadata.metadata.type));
    writer.bytes(metadata_field::kName, metadata.metric);
    writer.bytes(metadata_field::kHelp, metadata.metadata.help);
    writer.bytes(metadata_field::kUnit, metadata.metadata.unit);
}

}  // namespace mimir::wire
