#include "components/ingester/local_share.hpp"

#include "support/test_support.hpp"

namespace mimir::ingester {
namespace {

class View final : public ring::RingView {
  public:
    explicit View(ring::RingOptions options) : options_(std::move(options)) {}
    ring::Instance& add(std::string zone) {
        auto instance = std::make_shared<ring::Instance>();
        instance->id = fmt::format("ingester-{}", members_.size());
        instance->zone = std::move(zone);
        instance->state = ring::InstanceState::active;
        members_.push_back({instance, nullptr});
        return *instance;
    }
    [[nodiscard]] std::span<const ring::Member> members() const override { return members_; }
    [[nodiscard]] const ring::RingOptions& options() const override { return options_; }
    [[nodiscard]] std::uint64_t revision() const override { return 1; }
    [[nodiscard]] bool is_healthy(ring::MemberIndex, ring::Operation, ring::SteadyTime)
        const override {
        return true;
    }
    [[nodiscard]] ring::ReplicationSet replicas(Token, ring::Operation, ring::SteadyTime)
        const override {
        return {};
    }
    [[nodiscard]] Result<ring::ReadSet> read_set(ring::SteadyTime) const override {
        return ring::ReadSet{};
    }

  private:
    ring::RingOptions options_;
    std::vector<ring::Member> members_;
};

TEST_SUITE_BEGIN("ingester/local_share");

TEST_CASE("a global limit is divided among the ingesters") {
    const struct {
        const char* name;
        std::uint64_t global;
        RingShape shape;
        std::size_t shard_size;
        std::uint64_t share;
    } cases[] = {
        {"none", 0, {3, 1, 10}, 0, 0},
        {"alone", 1000, {1, 1, 1}, 0, 1000},
        {"alone of three copies", 1000, {3, 1, 1}, 0, 1000},
        {"ten", 1000, {3, 1, 10}, 0, 300},
        {"three zones of ten", 1000, {3, 3, 10}, 0, 100},
        {"a shard of six in three zones", 1000, {3, 3, 10}, 6, 500},
        {"a shard that does not divide", 1000, {3, 3, 10}, 7, 333},
        {"a shard larger than the ring", 1000, {3, 1, 10}, 100, 300},
        {"less than one each", 2, {1, 1, 10}, 0, 1},
    };
    for (const auto& c : cases) {
        CAPTURE(c.name);
        CHECK(local_share(c.global, c.shape, c.shard_size) == c.share);
    }
}

TEST_CASE("ingesters that take no new series do not count") {
    View view({.replication_factor = 3, .zone_awareness_enabled = true});
    CHECK(shape_of(view, "a") == RingShape{3, 1, 1});
    for (const char* zone : {"a", "a", "b", "c", "a", "a"}) view.add(zone);
    CHECK(shape_of(view, "a") == RingShape{3, 3, 4});
    view.add("a").state = ring::InstanceState::leaving;
    view.add("a").read_only = true;
    CHECK(shape_of(view, "a") == RingShape{3, 3, 4});
    CHECK(shape_of(view, "b") == RingShape{3, 3, 1});
}

TEST_CASE("without zone awareness all zones are one") {
    View view({.replication_factor = 2});
    for (const char* zone : {"a", "b", "b"}) view.add(zone);
    CHECK(shape_of(view, "a") == RingShape{2, 1, 3});
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::ingester
