#include "modules/slot.hpp"

#include <optional>
#include <thread>

#include "support/test_support.hpp"

namespace mimir::modules {

TEST_SUITE("modules/slot") {
    TEST_CASE("an object is found while it is published") {
        Slot<int> slot;
        CHECK(slot.get() == nullptr);
        int object = 7;
        {
            const Slot<int>::Publication published(slot, object);
            REQUIRE(slot.get() != nullptr);
            CHECK(*slot.get() == 7);
        }
        CHECK(slot.get() == nullptr);
    }

    TEST_CASE("a publication ends when the last user is done") {
        Slot<int> slot;
        int object = 7;
        auto published = std::make_optional<Slot<int>::Publication>(slot, object);
        auto user = slot.get();
        std::atomic<bool> ended = false;
        std::jthread ending([&] {
            published.reset();
            ended = true;
        });
        REQUIRE(test::eventually(std::chrono::seconds(5), [&] { return slot.get() == nullptr; }));
        CHECK_FALSE(ended);
        CHECK(*user == 7);
        user.reset();
        ending.join();
        CHECK(ended);
    }

    TEST_CASE("the next life publishes again") {
        Slot<int> slot;
        for (int life = 0; life < 3; ++life) {
            const Slot<int>::Publication published(slot, life);
            CHECK(*slot.get() == life);
        }
    }
}

}  // namespace mimir::modules
