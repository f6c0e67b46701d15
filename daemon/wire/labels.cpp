#include "wire/labels.hpp"

#include <algorithm>

#include "wire/proto.hpp"

namespace mimir::wire {
namespace {

constexpr std::uint32_t kLabelsField = 1;
constexpr std::uint32_t kNameField = 1;
constexpr std::uint32_t kValueField = 2;

/// Bytes that a label takes in canonical form. Fields that hold the same label in as many bytes
/// hold it in that form but for the order of name and value.
std::size_t canonical_bytes(const model::Label& label) {
    const std::size_t inner = 1 + varint_bytes(label.name.size()) + label.name.size() + 1 +
                              varint_bytes(label.value.size()) + label.value.size();
    return 1 + varint_bytes(inner) + inner;
}

/// A string field that is all of its message from there on, or its beginning. Its length must be a
/// shortest varint.
bool take_string(std::string_view& message, char tag, std::string_view& value) {
    if (message.size() < 2 || message.front() != tag) return false;
    std::size_t length = static_cast<std::uint8_t>(message[1]);
    std::size_t head = 2;
    if (length >= 0x80) [[unlikely]] {
        encoding::ByteReader reader(message.substr(1));
        length = reader.uvarint();
        head = 1 + varint_bytes(length);
        if (!reader.ok() || message.size() - reader.remaining() != head) return false;
    }
    if (length > message.size() - head) return false;
    value = message.substr(head, length);
    message.remove_prefix(head + length);
    return true;
}

constexpr char kLabelsTag = tag_of(kLabelsField, WireType::bytes);
constexpr char kNameTag = tag_of(kNameField, WireType::bytes);
constexpr char kValueTag = tag_of(kValueField, WireType::bytes);

}  // namespace

bool is_canonical(std::string_view fields) {
    std::string_view previous;
    while (!fields.empty()) {
        std::string_view label;
        std::string_view name;
        std::string_view value;
        if (!take_string(fields, kLabelsTag, label)) return false;
        const bool whole = take_string(label, kNameTag, name) &&
                           take_string(label, kValueTag, value) && label.empty();
        if (!whole || value.empty() || name <= previous) return false;
        previous = name;
    }
    return true;
}

Result<Form> parse_labels(std::string_view fields, std::vector<model::Label>& labels) {
    labels.clear();
    std::size_t bytes = 0;
    bool canonical = true;
    std::string_view previous;
    ProtoReader reader(fields);
    while (reader.next()) {
        if (reader.field() != kLabelsField) return fail(ErrorKind::invalid, "not a label field");
        ProtoReader inner(reader.bytes());
        model::Label label;
        while (inner.next()) {
            if (inner.field() == kNameField) label.name = inner.bytes();
            if (inner.field() == kValueField) label.value = inner.bytes();
        }
        if (!inner.ok()) return fail(ErrorKind::invalid, "malformed label");
        canonical = canonical && previous < label.name && !label.value.empty() &&
                    label.name.data() < label.value.data();
        bytes += canonical_bytes(label);
        previous = label.name;
        labels.push_back(label);
    }
    if (!reader.ok()) return fail(ErrorKind::invalid, "malformed labels");
    return canonical && bytes == fields.size() ? Form::canonical : Form::other;
}

void sort_and_filter(std::vector<model::Label>& labels) {
    std::erase_if(labels, [](const model::Label& label) { return label.value.empty(); });
    // All names point into the same bytes: by address is in the order in which they came.
    std::sort(labels.begin(), labels.end(), [](const model::Label& a, const model::Label& b) {
        const auto order = a.name <=> b.name;
        return order != 0 ? order < 0 : std::less<>{}(a.name.data(), b.name.data());
    });
}

Result<model::Labels> decode_labels(std::string_view fields) {
    std::vector<model::Label> labels;
    MIMIR_TRY(parse_labels(fields, labels));
    model::LabelsBuilder builder;
    for (const model::Label& label : labels) builder.set(label.name, label.value);
    return builder.build();
}

}  // namespace mimir::wire
