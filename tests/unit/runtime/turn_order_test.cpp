#include "runtime/turn_order.hpp"

#include <fmt/format.h>

#include <deque>
#include <optional>

#include "support/test_support.hpp"

namespace mimir::runtime {
namespace {

using namespace std::chrono_literals;
using Kind = TurnOrder::Kind;

struct Query final : TurnOrder::Waiter {
    TurnOrder::Share* share = nullptr;
    std::size_t tenant = 0;
    std::size_t blocks = 0;  // that are left, of a millisecond each
    std::size_t done_at = 0;
};

/// One processor on which queries are evaluated block by block, in made-up time.
class Processor {
  public:
    Query& ask(std::size_t tenant, std::size_t blocks) {
        Query& query = queries_.emplace_back();
        query.share = &order_.enter(fmt::format("tenant-{}", tenant));
        query.tenant = tenant;
        query.blocks = blocks;
        order_.add(*query.share, query, Kind::not_begun);
        return query;
    }
    /// Evaluates one block.
    void step() {
        if (!running_) take();
        REQUIRE(running_ != nullptr);
        ++now_;
        if (blocks_.size() <= running_->tenant) blocks_.resize(running_->tenant + 1);
        ++blocks_[running_->tenant];
        order_.charge(*running_->share, 1ms);
        had_ += 1ms;
        if (--running_->blocks == 0) {
            running_->done_at = now_;
            order_.leave(*running_->share);
            running_ = nullptr;
        } else if (order_.gives_way(*running_->share, had_, true)) {
            order_.add(*running_->share, *running_, Kind::begun);
            running_ = nullptr;
        }
    }
    void steps(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) step();
    }
    /// The blocks from the question to the answer.
    std::size_t latency(std::size_t tenant, std::size_t blocks) {
        const std::size_t begun = now_;
        const Query& query = ask(tenant, blocks);
        while (query.done_at == 0) step();
        return query.done_at - begun;
    }
    [[nodiscard]] std::size_t blocks_of(std::size_t tenant) const {
        return tenant < blocks_.size() ? blocks_[tenant] : 0;
    }
    void forget_counts() { blocks_.clear(); }

  private:
    void take() {
        running_ = static_cast<Query*>(order_.take(true).waiter);
        had_ = 0ms;
    }

    TurnOrder order_;
    std::deque<Query> queries_;
    Query* running_ = nullptr;
    std::chrono::milliseconds had_{0};
    std::size_t now_ = 0;
    std::vector<std::size_t> blocks_;
};

constexpr std::size_t kEndless = 1'000'000;

TEST_SUITE("runtime/turn_order") {
    TEST_CASE("a light query beside sixteen heavy ones of another tenant waits for one block") {
        Processor processor;
        for (int i = 0; i < 16; ++i) processor.ask(0, kEndless);
        processor.steps(1000);
        for (const std::size_t blocks : {1, 5, 20, 60}) {
            CAPTURE(blocks);
            processor.steps(500);  // the tenant asks seldom
            CHECK(processor.latency(1, blocks) <= blocks + 1);
        }
    }

    TEST_CASE("one query at a time, without a pause, takes less than twice as long beside a crowd"
    ) {
        Processor processor;
        for (int i = 0; i < 16; ++i) processor.ask(0, kEndless);
        processor.steps(1000);
        std::size_t sum = 0;
        for (int i = 0; i < 200; ++i) sum += processor.latency(1, 40);
        CHECK(sum < 200 * 40 * 3 / 2);
        CHECK(processor.blocks_of(0) > 200 * 40 / 5);  // and the crowd does not starve
    }

    TEST_CASE("tenants that want all get the same, however many queries each has") {
        Processor processor;
        for (int i = 0; i < 4; ++i) processor.ask(0, kEndless);
        for (int i = 0; i < 16; ++i) processor.ask(1, kEndless);
        for (int i = 0; i < 9; ++i) processor.ask(2, kEndless);
        processor.steps(30'000);
        for (std::size_t tenant = 0; tenant < 3; ++tenant) {
            CAPTURE(tenant);
            CHECK(processor.blocks_of(tenant) > 9'500);
            CHECK(processor.blocks_of(tenant) < 10'500);
        }
    }

    TEST_CASE("a newcomer goes first for its credit, and no longer") {
        Processor processor;
        processor.ask(0, kEndless);
        processor.steps(100'000);
        processor.ask(1, kEndless);
        processor.forget_counts();
        processor.steps(200);
        CHECK(processor.blocks_of(1) >= 190);
        processor.steps(300);
        CHECK(processor.blocks_of(0) >= 100);
    }

    TEST_CASE("a tenant that was light has no claim on what it did not use") {
        Processor processor;
        for (int i = 0; i < 4; ++i) processor.ask(0, kEndless);
        for (int i = 0; i < 1000; ++i) {
            processor.steps(20);
            processor.latency(1, 1);
        }
        for (int i = 0; i < 4; ++i) processor.ask(1, kEndless);
        processor.forget_counts();
        processor.steps(1000);
        CHECK(processor.blocks_of(0) >= 400);
    }

    TEST_CASE("a tenant's own queries take turns, so a short one does not wait for a long one") {
        Processor processor;
        processor.ask(0, kEndless);
        processor.ask(0, kEndless);
        processor.steps(100);
        CHECK(processor.latency(0, 5) <= 40);
    }

    TEST_CASE("jobs that have not begun wait while no thread is free") {
        TurnOrder order;
        Query new_one;
        Query begun;
        TurnOrder::Share& share = order.enter("a");
        order.enter("a");
        order.add(share, new_one, Kind::not_begun);
        CHECK(order.take(false).waiter == nullptr);
        order.add(share, begun, Kind::begun);
        CHECK(order.take(false).waiter == &begun);
        CHECK(order.take(true).waiter == &new_one);
        CHECK(order.is_empty());
    }

    TEST_CASE("who leaves the queue is not next, wherever it stood") {
        for (const std::size_t gone : {0, 1, 2}) {
            CAPTURE(gone);
            TurnOrder order;
            Query queries[3];
            TurnOrder::Share& share = order.enter("a");
            for (Query& query : queries) order.add(share, query, Kind::begun);
            order.remove(share, queries[gone]);
            CHECK(order.waiting(Kind::begun) == 2);
            for (std::size_t i = 0; i < 3; ++i) {
                if (i != gone) CHECK(order.take(false).waiter == &queries[i]);
            }
            CHECK(order.take(false).waiter == nullptr);
        }
    }

    TEST_CASE("tenants that have no jobs are forgotten when there are too many") {
        TurnOrder order;
        TurnOrder::Share& kept = order.enter("kept");
        for (int i = 0; i < 5000; ++i) {
            TurnOrder::Share& share = order.enter(fmt::format("tenant-{}", i));
            order.charge(share, 1ms);
            order.leave(share);
        }
        CHECK(order.tenants() <= 1000);
        CHECK(&order.enter("kept") == &kept);
    }
}

}  // namespace
}  // namespace mimir::runtime
