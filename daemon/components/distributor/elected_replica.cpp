#include "components/distributor/elected_replica.hpp"

#include "wire/proto.hpp"

namespace mimir::distributor {
namespace {

namespace field {
constexpr std::uint32_t kReplica = 1, kReceivedAt = 2, kDeletedAt = 3, kElectedAt = 4,
                        kElectedChanges = 5;
}

}  // namespace

std::string encode(const ElectedReplica& elected) {
    std::string out;
    wire::ProtoWriter writer(out);
    writer.bytes(field::kReplica, elected.replica);
    writer.int64(field::kReceivedAt, elected.received_at.ms);
    if (elected.deleted_at.ms != 0) writer.int64(field::kDeletedAt, elected.deleted_at.ms);
    writer.int64(field::kElectedAt, elected.elected_at.ms);
    writer.uint64(field::kElectedChanges, elected.elected_changes);
    return out;
}

Result<ElectedReplica> decode_elected_replica(std::string_view bytes) {
    ElectedReplica elected;
    wire::ProtoReader reader(bytes);
    while (reader.next()) {
        switch (reader.field()) {
            case field::kReplica: elected.replica = reader.bytes(); break;
            case field::kReceivedAt: elected.received_at.ms = reader.int64(); break;
            case field::kDeletedAt: elected.deleted_at.ms = reader.int64(); break;
            case field::kElectedAt: elected.elected_at.ms = reader.int64(); break;
            case field::kElectedChanges: elected.elected_changes = reader.uint64(); break;
            default: break;
        }
    }
    if (!reader.ok()) return fail(ErrorKind::corrupt, "malformed elected replica");
    return elected;
}

}  // namespace mimir::distributor
