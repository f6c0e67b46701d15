#pragma once

// A ring of ingesters that answer as the test says, now or later.

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "ring/ring_view.hpp"
#include "ring/token.hpp"
#include "rpc/ingester_directory.hpp"
#include "support/push_only_ingester.hpp"
#include "support/test_support.hpp"
#include "wire/remote_write.hpp"

namespace mimir::distributor::test {

/// Tokens belong to the member at (token modulo count) and to those after it; of a zone one at most
/// when zones matter.
class TestView final : public ring::RingView {
  public:
    explicit TestView(ring::RingOptions options) : options_(std::move(options)) {}

    ring::Instance& add(std::string id, std::string zone = "") {
        auto instance = std::make_shared<ring::Instance>();
        instance->id = instance->address = std::move(id);
        instance->zone = std::move(zone);
        instance->state = ring::InstanceState::active;
        members_.push_back({instance, std::make_shared<std::atomic<ring::SteadyTime>>()});
        return *instance;
    }

    [[nodiscard]] std::span<const ring::Member> members() const override { return members_; }
    [[nodiscard]] const ring::RingOptions& options() const override { return options_; }
    [[nodiscard]] std::uint64_t revision() const override { return 1; }
    [[nodiscard]] bool is_healthy(
        ring::MemberIndex member, ring::Operation operation, ring::SteadyTime
    ) const override {
        const ring::Instance& instance = *members_[member].instance;
        return instance.state == ring::InstanceState::active &&
               !(operation == ring::Operation::write && instance.read_only);
    }
    [[nodiscard]] ring::ReplicationSet replicas(
        Token token, ring::Operation operation, ring::SteadyTime now
    ) const override {
        ++lookups;
        ring::ReplicationSet set;
        std::set<std::string> zones;
        std::size_t found = 0;
        for (std::size_t i = 0; i < members_.size() && found < options_.replication_factor; ++i) {
            const auto at = static_cast<ring::MemberIndex>(
                (static_cast<std::uint32_t>(token) + i) % members_.size()
            );
            const bool new_zone = zones.insert(members_[at].instance->zone).second;
            if (options_.zone_awareness_enabled && !new_zone) continue;
            ++found;
            if (is_healthy(at, operation, now)) set.members[set.count++] = at;
        }
        set.needed = static_cast<std::uint8_t>(options_.replication_factor / 2 + 1);
        if (set.count >= set.needed) {
            set.failures_max = static_cast<std::uint8_t>(set.count - set.needed);
        }
        return set;
    }
    [[nodiscard]] Result<ring::ReadSet> read_set(ring::SteadyTime) const override {
        return ring::ReadSet{};
    }

    mutable std::size_t lookups = 0;

  private:
    ring::RingOptions options_;
    std::vector<ring::Member> members_;
};

/// Remembers what it was sent, and answers at once with `answer`, or later when told to.
class TestIngester final : public mimir::test::PushOnlyIngester {
  public:
    void push(
        const rpc::RequestContext& context,
        std::shared_ptr<const rpc::PushBatch> batch,
        rpc::Done<void> done
    ) override {
        rpc::Done<void> now;
        Result<void> with;
        {
            const std::lock_guard lock(mutex_);
            ++pushes;
            tenant = context.tenant->str();
            deadline = context.cancellation.deadline();
            batches.push_back(batch);
            if (late) {
                waiting_.push_back(std::move(done));
            } else {
                now = std::move(done);
                with = answer;
            }
        }
        if (now) now(std::move(with));
    }
    /// Answers all that wait.
    void answer_late(const Result<void>& with) {
        std::vector<rpc::Done<void>> waiting;
        {
            const std::lock_guard lock(mutex_);
            waiting.swap(waiting_);
        }
        for (const auto& done : waiting) done(with);
    }
    [[nodiscard]] std::size_t waiting() const {
        const std::lock_guard lock(mutex_);
        return waiting_.size();
    }
    /// The series that it was sent, as a remote one decodes them.
    [[nodiscard]] std::multiset<std::string> sent() const {
        std::multiset<std::string> all;
        const std::lock_guard lock(mutex_);
        for (const auto& batch : batches) {
            model::WriteRequest request;
            request.body = batch->encoded();
            REQUIRE_OK(wire::decode_write_request(request));
            REQUIRE(request.series.size() == batch->request().series.size());
            for (std::size_t i = 0; i < request.series.size(); ++i) {
                const auto& series = request.series[i];
                const auto& same = batch->request().series[i];
                CHECK(same.canonical);
                CHECK(same.labels == series.labels);
                CHECK(std::ranges::equal(
                    request.samples_of(series), batch->request().samples_of(same)
                ));
                all.insert(series.labels.to_string());
            }
        }
        return all;
    }

    bool late = false;
    Result<void> answer;
    std::size_t pushes = 0;
    std::string tenant;
    std::optional<std::chrono::steady_clock::time_point> deadline;
    std::vector<std::shared_ptr<const rpc::PushBatch>> batches;

  private:
    mutable std::mutex mutex_;
    std::vector<rpc::Done<void>> waiting_;
};

class TestDirectory final : public rpc::IngesterDirectory {
  public:
    std::shared_ptr<rpc::IngesterClient> of(const ring::Instance& instance) override {
        asked.push_back(instance.id);
        return {std::shared_ptr<void>(), &ingesters.at(instance.id)};
    }
    std::shared_ptr<rpc::IngesterClient> local() override {
        if (local_id.empty()) return nullptr;
        return {std::shared_ptr<void>(), &ingesters.at(local_id)};
    }
    [[nodiscard]] bool is_local(const ring::Instance& instance) const override {
        return instance.id == member_here;
    }

    std::map<std::string, TestIngester> ingesters;
    std::vector<std::string> asked;
    std::string member_here;  ///< The member that is of this process,
    std::string local_id;     ///< and its ingester; empty while it does not run.
};

}  // namespace mimir::distributor::test
