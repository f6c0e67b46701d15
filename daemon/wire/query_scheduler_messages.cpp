#include "wire/query_scheduler_messages.hpp"

#include "wire/proto.hpp"

namespace mimir::wire {
namespace {

// Of a slot: the fields of SlotAssignment and SlotOffered.
constexpr std::uint32_t kQuerierId = 1, kAddress = 2, kTicket = 3, kEndedTicket = 4;
namespace outcome_field {
constexpr std::uint32_t kAssigned = 1;
}
namespace ended_field {
constexpr std::uint32_t kTicket = 1;
}

}  // namespace

void encode_slot_assignment(const SlotAssignment& assignment, std::string& out) {
    ProtoWriter writer(out);
    writer.bytes(kQuerierId, assignment.querier_id);
    writer.bytes(kAddress, assignment.address);
    writer.uint64(kTicket, assignment.ticket);
}

Result<SlotAssignment> decode_slot_assignment(std::string_view message) {
    SlotAssignment assignment;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case kQuerierId: assignment.querier_id = reader.bytes(); break;
            case kAddress: assignment.address = reader.bytes(); break;
            case kTicket: assignment.ticket = reader.uint64(); break;
            default: break;
        }
    }
    if (!reader.ok() || assignment.querier_id.empty() || assignment.ticket == 0) {
        return fail(ErrorKind::corrupt, "malformed assignment of a slot");
    }
    return assignment;
}

void encode_slot_offered(const SlotOffered& offer, std::string& out) {
    ProtoWriter writer(out);
    writer.bytes(kQuerierId, offer.querier_id);
    writer.bytes(kAddress, offer.address);
    writer.uint64(kTicket, offer.ticket);
    if (offer.ended_ticket != 0) writer.uint64(kEndedTicket, offer.ended_ticket);
}

Result<SlotOffered> decode_slot_offered(std::string_view message) {
    SlotOffered offer;
    ProtoReader reader(message);
    while (reader.next()) {
        switch (reader.field()) {
            case kQuerierId: offer.querier_id = reader.bytes(); break;
            case kAddress: offer.address = reader.bytes(); break;
            case kTicket: offer.ticket = reader.uint64(); break;
            case kEndedTicket: offer.ended_ticket = reader.uint64(); break;
            default: break;
        }
    }
    if (!reader.ok() || offer.querier_id.empty() || offer.ticket == 0) {
        return fail(ErrorKind::invalid, "malformed offer of a slot");
    }
    return offer;
}

void encode_slot_outcome(const SlotOutcome& outcome, std::string& out) {
    ProtoWriter writer(out);
    writer.uint64(outcome_field::kAssigned, outcome.assigned ? 1 : 0);
}

Result<SlotOutcome> decode_slot_outcome(std::string_view message) {
    SlotOutcome outcome;
    ProtoReader reader(message);
    while (reader.next()) {
        if (reader.field() == outcome_field::kAssigned) outcome.assigned = reader.uint64() != 0;
    }
    if (!reader.ok()) return fail(ErrorKind::corrupt, "malformed outcome of an offer");
    return outcome;
}

void encode_slot_ended(std::uint64_t ticket, std::string& out) {
    ProtoWriter(out).uint64(ended_field::kTicket, ticket);
}

Result<std::uint64_t> decode_slot_ended(std::string_view message) {
    std::uint64_t ticket = 0;
    ProtoReader reader(message);
    while (reader.next()) {
        if (reader.field() == ended_field::kTicket) ticket = reader.uint64();
    }
    if (!reader.ok()) return fail(ErrorKind::invalid, "malformed end of a slot's query");
    return ticket;
}

}  // namespace mimir::wire
