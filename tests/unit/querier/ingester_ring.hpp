#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kv/inmemory.hpp"
#include "ring/ring.hpp"
#include "rpc/ingester_directory.hpp"
#include "support/test_support.hpp"

namespace mimir::test {

/// A ring of ingesters that a test puts there, and how they are reached.
class IngesterRing final : public rpc::IngesterDirectory {
  public:
    explicit IngesterRing(Clock& clock, ring::RingOptions options = {.replication_factor = 1})
        : clock_(clock),
          store_(clock),
          ring_("ingester", "collectors/", std::move(options), {store_, {}, registry_, clock}) {
        REQUIRE_OK(ring_.wait_until_read(std::chrono::seconds(1)));
    }

    void join(
        const std::string& id,
        std::shared_ptr<rpc::IngesterClient> client,
        std::string zone = {},
        ring::InstanceState state = ring::InstanceState::active
    ) {
        clients_[id] = std::move(client);
        const ring::Instance instance{
            .id = id,
            .address = id + ":9095",
            .zone = std::move(zone),
            .state = state,
            .heartbeat = clock_.now(),
            .tokens = {Token{static_cast<std::uint32_t>(clients_.size()) << 24}}
        };
        REQUIRE_OK(store_.compare_and_swap(key(id), version_of(id), ring::encode(instance), {}));
        settle([&](const ring::RingStatus& status) {
            return std::ranges::any_of(status.members, [&](const ring::MemberStatus& member) {
                return member.instance == instance;
            });
        });
    }
    /// As the ingester of this process.
    void run_locally(
        const std::string& id, std::shared_ptr<rpc::IngesterClient> client, std::string zone = {}
    ) {
        local_id_ = id;
        join(id, std::move(client), std::move(zone));
    }
    void stop_local() { clients_.erase(local_id_); }
    void leave(const std::string& id) {
        REQUIRE_OK(store_.remove(key(id), version_of(id)));
        settle([&](const ring::RingStatus& status) {
            return std::ranges::none_of(status.members, [&](const ring::MemberStatus& member) {
                return member.instance.id == id;
            });
        });
    }

    [[nodiscard]] const ring::Ring& ring() const { return ring_; }

    [[nodiscard]] std::shared_ptr<rpc::IngesterClient> of(const ring::Instance& instance) override {
        return clients_.at(instance.id);
    }
    [[nodiscard]] std::shared_ptr<rpc::IngesterClient> local() override {
        const auto at = clients_.find(local_id_);
        return at == clients_.end() ? nullptr : at->second;
    }
    [[nodiscard]] bool is_local(const ring::Instance& instance) const override {
        return instance.id == local_id_;
    }

  private:
    static std::string key(const std::string& id) { return "collectors/ingester/" + id; }
    std::uint64_t version_of(const std::string& id) {
        const auto entry = store_.get(key(id));
        REQUIRE_OK(entry);
        return *entry ? (*entry)->version : kv::kAbsent;
    }
    void settle(const std::function<bool(const ring::RingStatus&)>& condition) {
        REQUIRE(eventually(std::chrono::seconds(5), [&] { return condition(ring_.status()); }));
    }

    Clock& clock_;
    kv::InMemoryKvStore store_;
    telemetry::Registry registry_;
    ring::Ring ring_;
    std::map<std::string, std::shared_ptr<rpc::IngesterClient>> clients_;
    std::string local_id_;
};

}  // namespace mimir::test
