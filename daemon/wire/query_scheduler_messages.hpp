#pragma once

// Messages of the query-scheduler's calls: docs/internal-protocol.md.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mimir::wire {

/// Which slot of which querier a query was given.
struct SlotAssignment {
    std::string querier_id;
    std::string address;
    std::uint64_t ticket = 0;

    bool operator==(const SlotAssignment&) const = default;
};

void encode_slot_assignment(const SlotAssignment& assignment, std::string& out);
/// Errors: corrupt, also when it names no querier or no ticket.
Result<SlotAssignment> decode_slot_assignment(std::string_view message);

/// A slot that a querier offers.
struct SlotOffered {
    std::string querier_id;
    std::string address;
    std::uint64_t ticket = 0;
    std::uint64_t ended_ticket = 0;

    bool operator==(const SlotOffered&) const = default;
};

void encode_slot_offered(const SlotOffered& offer, std::string& out);
/// Errors: invalid, also when it names no querier or no ticket.
Result<SlotOffered> decode_slot_offered(std::string_view message);

/// What became of an offer.
struct SlotOutcome {
    /// Else the time was up: it is to be offered anew.
    bool assigned = false;

    bool operator==(const SlotOutcome&) const = default;
};

void encode_slot_outcome(const SlotOutcome& outcome, std::string& out);
/// Errors: corrupt.
Result<SlotOutcome> decode_slot_outcome(std::string_view message);

/// The query of a ticket has ended.
void encode_slot_ended(std::uint64_t ticket, std::string& out);
/// Errors: invalid.
Result<std::uint64_t> decode_slot_ended(std::string_view message);

}  // namespace mimir::wire
