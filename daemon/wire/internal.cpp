#include "wire/internal.hpp"

#include <array>
#include <utility>

#include "wire/proto.hpp"

namespace mimir::wire {
namespace {

namespace hello_field {
constexpr std::uint32_t kProtocolMin = 1, kProtocolMax = 2, kCluster = 3, kInstance = 4,
                        kVersion = 5;
}
namespace error_field {
constexpr std::uint32_t kKind = 1, kId = 2, kText = 3;
}

/// Numbers of the protocol, which stay when the enumeration changes.
constexpr std::array<std::pair<ErrorKind, std::uint32_t>, 9> kKindNumbers{{
    {ErrorKind::invalid, 1},
    {ErrorKind::not_found, 2},
    {ErrorKind::conflict, 3},
    {ErrorKind::limit, 4},
    {ErrorKind::unavailable, 5},
    {ErrorKind::timeout, 6},
    {ErrorKind::canceled, 7},
    {ErrorKind::corrupt, 8},
    {ErrorKind::internal, 9},
}};

std::uint32_t number_of(ErrorKind kind) {
    for (const auto& [known, number] : kKindNumbers) {
        if (known == kind) return number;
    }
    return 0;
}

ErrorKind kind_of(std::uint64_t number) {
    for (const auto& [kind, known] : kKindNumbers) {
        if (known == number) return kind;
    }
    return ErrorKind::internal;
}

}  // namespace

void encode_hello(const Hello& hello, std::string& out) {
    ProtoWriter writer(out);
    writer.uint64(hello_field::kProtocolMin, hello.protocol_min);
    writer.uint64(hello_field::kProtocolMax, hello.protocol_max);
    writer.bytes(hello_field::kCluster, hello.cluster);
    writer.bytes(hello_field::kInstance, hello.instance);
    writer.bytes(hello_field::kVersion, hello.version);
}

Result<Hello> decode_hello(std::string_view message) {
    Hello hello;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case hello_field::kProtocolMin:
                hello.protocol_min = static_cast<std::uint32_t>(reader.uint64());
                break;
            case hello_field::kProtocolMax:
                hello.protocol_max = static_cast<std::uint32_t>(reader.uint64());
                break;
            case hello_field::kCluster: hello.cluster = reader.bytes(); break;
            case hello_field::kInstance: hello.instance = reader.bytes(); break;
            case hello_field::kVersion: hello.version = reader.bytes(); break;
            default: break;
        }
    }
    if (!reader.ok()) return fail(ErrorKind::corrupt, "malformed hello");
    return hello;
}

void encode_error(const Error& error, std::string& out) {
    ProtoWriter writer(out);
    writer.uint64(error_field::kKind, number_of(error.kind));
    if (!error.id.empty()) writer.bytes(error_field::kId, error.id);
    writer.bytes(error_field::kText, error.message);
}

Result<ErrorMessage> decode_error(std::string_view message) {
    ErrorMessage error;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case error_field::kKind: error.kind = kind_of(reader.uint64()); break;
            case error_field::kId: error.id = reader.bytes(); break;
            case error_field::kText: error.text = reader.bytes(); break;
            default: break;
        }
    }
    if (!reader.ok()) return fail(ErrorKind::corrupt, "malformed error message");
    return error;
}

}  // namespace mimir::wire
