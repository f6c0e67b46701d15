// The distributor's own work for a push, up to handing it to the ingesters' clients: decompress,
// decode, validate, token, group, encode. Nanoseconds a sample, one sample a series, ten labels.
//   copies/ingesters   1/1: the ingester of this process, as in the monolith
//                      3/3: all get the body as it came; 3/6, 3/60: each gets a part

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>

#include "base/random.hpp"
#include "components/distributor/distributor.hpp"
#include "encoding/compression.hpp"
#include "support/push_only_ingester.hpp"
#include "wire/remote_write.hpp"

namespace mimir::distributor {
namespace {

constexpr std::size_t kSeriesARequest = 2000;
constexpr std::size_t kTokensAMember = 512;

/// A ring with its tokens in one sorted array.
class BenchView final : public ring::RingView {
  public:
    BenchView(std::size_t copies, std::size_t members) {
        options_.replication_factor = copies;
        SeededRandom random(1);
        for (ring::MemberIndex i = 0; i < members; ++i) {
            auto instance = std::make_shared<ring::Instance>();
            instance->id = instance->address = fmt::format("ingester-{}", i);
            instance->state = ring::InstanceState::active;
            members_.push_back({instance, nullptr});
            for (std::size_t t = 0; t < kTokensAMember; ++t) {
                tokens_.emplace_back(static_cast<std::uint32_t>(random.next()), i);
            }
        }
        std::ranges::sort(tokens_);
    }
    [[nodiscard]] std::span<const ring::Member> members() const override { return members_; }
    [[nodiscard]] const ring::RingOptions& options() const override { return options_; }
    [[nodiscard]] std::uint64_t revision() const override { return 1; }
    [[nodiscard]] bool is_healthy(ring::MemberIndex, ring::Operation, ring::SteadyTime)
        const override {
        return true;
    }
    [[nodiscard]] ring::ReplicationSet replicas(Token token, ring::Operation, ring::SteadyTime)
        const override {
        ring::ReplicationSet set;
        auto at = std::ranges::upper_bound(
            tokens_,
            static_cast<std::uint32_t>(token),
            {},
            &std::pair<std::uint32_t, ring::MemberIndex>::first
        );
        while (set.count < options_.replication_factor) {
            if (at == tokens_.end()) at = tokens_.begin();
            const auto end = set.members.begin() + set.count;
            if (std::find(set.members.begin(), end, at->second) == end) {
                set.members[set.count++] = at->second;
            }
            ++at;
        }
        set.needed = static_cast<std::uint8_t>(set.count / 2 + 1);
        set.failures_max = static_cast<std::uint8_t>(set.count - set.needed);
        return set;
    }
    [[nodiscard]] Result<ring::ReadSet> read_set(ring::SteadyTime) const override {
        return ring::ReadSet{};
    }

  private:
    ring::RingOptions options_;
    std::vector<ring::Member> members_;
    std::vector<std::pair<std::uint32_t, ring::MemberIndex>> tokens_;
};

/// Takes the bytes that it would send, and succeeds.
class BenchIngester final : public mimir::test::PushOnlyIngester {
  public:
    explicit BenchIngester(bool remote) : remote_(remote) {}
    void push(
        const rpc::RequestContext&,
        std::shared_ptr<const rpc::PushBatch> batch,
        rpc::Done<void> done
    ) override {
        if (remote_) {
            bytes += batch->encoded().size();
        } else {
            bytes += batch->request().series.size();
        }
        done({});
    }

    std::size_t bytes = 0;

  private:
    const bool remote_;
};

class BenchDirectory final : public rpc::IngesterDirectory {
  public:
    explicit BenchDirectory(bool remote) : remote_(remote), ingester_(remote) {}
    std::shared_ptr<rpc::IngesterClient> of(const ring::Instance&) override { return local(); }
    std::shared_ptr<rpc::IngesterClient> local() override {
        return {std::shared_ptr<void>(), &ingester_};
    }
    [[nodiscard]] bool is_local(const ring::Instance&) const override { return !remote_; }
    [[nodiscard]] std::size_t bytes() const { return ingester_.bytes; }

  private:
    const bool remote_;
    BenchIngester ingester_;
};

/// Compressed requests over so many series, as an agent of a cluster sends them.
std::vector<std::string> bodies(std::size_t series) {
    std::vector<std::string> all;
    model::WriteRequest request;
    const TimestampMs now = system_clock().now();
    for (std::size_t i = 0; i < series; ++i) {
        const auto number = [&](std::size_t of) { return fmt::format("{:05}", i % of); };
        request.add(
            model::Labels{
                {"__name__", "container_network_receive_bytes_" + number(100) + "_total"},
                {"cluster", "prod-eu-central-1"},
                {"container", "container-" + number(10)},
                {"endpoint", "https-metrics"},
                {"id", "/kubepods/burstable/pod" + number(1'000'000)},
                {"instance", "10.0.0." + number(250) + ":10250"},
                {"job", "kubernetes-nodes-cadvisor"},
                {"namespace", "namespace-" + number(50)},
                {"node", "node-" + number(500) + ".example.internal"},
                {"pod", "deployment-" + number(1'000'000) + "-5d8c7b9f6d"},
            },
            {now, static_cast<double>(i)}
        );
        if (request.series.size() < kSeriesARequest) continue;
        std::string message;
        wire::encode_write_request(request, message);
        encoding::snappy_compress(message, all.emplace_back());
        request.clear();
    }
    return all;
}

void bm_push(benchmark::State& state) {
    const auto copies = static_cast<std::size_t>(state.range(0));
    const auto view = std::make_shared<BenchView>(copies, static_cast<std::size_t>(state.range(1)));
    BenchDirectory directory(copies > 1);
    const config::LimitsProvider limits(
        config::Limits{.ingestion_rate = 1e12, .ingestion_burst_size = 1'000'000'000}
    );
    telemetry::Registry registry;
    telemetry::MetricScope scope(registry);
    Metrics metrics(scope);
    Distributor distributor(
        {}, {limits, [&](std::string_view, std::size_t) { return view; }, directory, metrics}
    );
    const rpc::RequestContext context{.tenant = *model::TenantId::parse("tenant")};
    const auto push = [&](const std::string& body) {
        distributor.push_remote_write(context, body, [](const Result<void>& pushed) {
            if (!pushed) std::abort();
        });
    };
    const auto all = bodies(200'000);
    for (const std::string& body : all) push(body);
    std::size_t next = 0;
    const std::size_t before = directory.bytes();
    for (auto _ : state) push(all[next++ % all.size()]);
    const auto samples = static_cast<double>(state.iterations() * kSeriesARequest);
    state.counters["ns/sample"] = benchmark::Counter(
        samples * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert
    );
    state.counters["bytes/sample"] = static_cast<double>(directory.bytes() - before) / samples;
}

BENCHMARK(bm_push)->Args({1, 1})->Args({3, 3})->Args({3, 6})->Args({3, 60});

}  // namespace
}  // namespace mimir::distributor
