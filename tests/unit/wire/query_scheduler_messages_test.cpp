#include "wire/query_scheduler_messages.hpp"

#include "support/test_support.hpp"

namespace mimir::wire {
namespace {

TEST_SUITE("wire/query_scheduler_messages") {
    TEST_CASE("what was encoded is decoded") {
        const SlotAssignment assignment{.querier_id = "q", .address = "q:1", .ticket = UINT64_MAX};
        std::string message;
        encode_slot_assignment(assignment, message);
        const auto assigned = decode_slot_assignment(message);
        REQUIRE_OK(assigned);
        CHECK(*assigned == assignment);

        for (const std::uint64_t ended : {0U, 7U}) {
            const SlotOffered offer{
                .querier_id = "q", .address = "q:1", .ticket = 8, .ended_ticket = ended
            };
            message.clear();
            encode_slot_offered(offer, message);
            const auto offered = decode_slot_offered(message);
            REQUIRE_OK(offered);
            CHECK(*offered == offer);
        }
        for (const bool is_assigned : {false, true}) {
            message.clear();
            encode_slot_outcome({.assigned = is_assigned}, message);
            CHECK(!message.empty());  // no frame is
            const auto outcome = decode_slot_outcome(message);
            REQUIRE_OK(outcome);
            CHECK(outcome->assigned == is_assigned);
        }
        message.clear();
        encode_slot_ended(9, message);
        const auto ended = decode_slot_ended(message);
        REQUIRE_OK(ended);
        CHECK(*ended == 9);
    }

    TEST_CASE("what is malformed, or names no querier or no ticket, is refused") {
        std::string whole;
        encode_slot_assignment({.querier_id = "q", .address = "q:1", .ticket = 300}, whole);
        for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
            const std::string_view cut = std::string_view(whole).substr(0, bytes);
            CAPTURE(bytes);
            CHECK(!decode_slot_assignment(cut));
            CHECK(!decode_slot_offered(cut));
        }
        for (const std::string_view message : {"\x08", "\xff", "\x0a\x05q"}) {
            CHECK(!decode_slot_outcome(message));
            CHECK(!decode_slot_ended(message));
        }
    }
}

}  // namespace
}  // namespace mimir::wire
