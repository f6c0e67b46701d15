#include "loadgen/sender.hpp"

#include <algorithm>
#include <thread>

#include "encoding/compression.hpp"
#include "runtime/run_on.hpp"

namespace mimir::loadgen {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kRetryPause = 50ms;

/// What the senders share.
struct Run {
    const Plan& plan;
    const SendOptions& options;
    const std::atomic<bool>& stop;
    http::Client& client;
    runtime::IoThreads& io;
    const Clock::time_point begin;
    std::atomic<std::uint64_t> samples_begun = 0;

    [[nodiscard]] bool over(std::uint64_t round) const {
        return stop || (options.rounds != 0 && round >= options.rounds) ||
               (options.duration.count() != 0 && Clock::now() - begin >= options.duration);
    }
    /// Waits until the rate allows these samples.
    void pace(std::uint64_t samples) {
        const auto before = static_cast<double>(samples_begun.fetch_add(samples));
        if (options.rate <= 0) return;
        std::this_thread::sleep_until(
            begin + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(before / options.rate)
                    )
        );
    }
};

/// One of the concurrent senders: its own requests, round after round.
class Sender {
  public:
    Sender(Run& run, std::vector<PreparedRequest> requests)
        : run_(run), requests_(std::move(requests)) {}

    void operator()() {
        for (std::uint64_t round = 0; !run_.over(round); ++round) {
            for (PreparedRequest& request : requests_) {
                if (run_.over(round)) return;
                encoding::snappy_compress(request.encode(round), compressed_);
                run_.pace(request.samples());
                push(request.samples());
            }
            report.rounds = round + 1;
        }
    }

    SendReport report;

  private:
    void push(std::uint64_t samples) {
        const auto begin = Clock::now();
        const auto give_up = begin + run_.options.retry_for;
        for (;;) {
            auto answer = post();
            const int status = answer ? answer->status : 0;
            if (status / 100 == 2) {
                ++report.requests;
                report.samples += samples;
                report.bytes += compressed_.size();
                const std::chrono::duration<float, std::milli> took = Clock::now() - begin;
                report.latencies_ms.push_back(took.count());
                return;
            }
            record_error(answer);
            const bool may_pass = status == 0 || status == 429 || status / 100 == 5;
            if (!may_pass || run_.stop || Clock::now() + kRetryPause > give_up) {
                report.samples_lost += samples;
                return;
            }
            std::this_thread::sleep_for(kRetryPause);
        }
    }

    Result<http::ClientResponse> post() {
        http::ClientRequest request{
            .method = http::Method::post,
            .target = run_.options.target,
            .headers =
                {{"Content-Type", "application/x-protobuf"},
                 {"Content-Encoding", "snappy"},
                 {"X-Prometheus-Remote-Write-Version", "0.1.0"},
                 {"User-Agent", "mimird_loadgen"}},
            .body = compressed_,
        };
        if (!run_.options.tenant.empty()) request.headers.add("X-Scope-OrgID", run_.options.tenant);
        const auto token = CancellationToken::create(Clock::now() + run_.options.retry_for);
        return runtime::wait(run_.io, run_.client.send(std::move(request), token));
    }

    void record_error(const Result<http::ClientResponse>& answer) {
        ++report.errors
              [answer ? std::to_string(answer->status)
                      : std::string(to_string(answer.error().kind))];
        if (report.first_error.empty()) {
            report.first_error = answer ? answer->body.substr(0, 300) : answer.error().message;
        }
    }

    Run& run_;
    std::vector<PreparedRequest> requests_;
    std::string compressed_;
};

/// Neighbouring requests go to different senders.
std::vector<std::vector<PreparedRequest>> prepare(
    const Catalogue& catalogue, const Plan& plan, const SendOptions& options
) {
    std::vector<std::vector<PreparedRequest>> prepared(options.concurrency);
    const std::uint64_t step = options.samples_per_request;
    for (std::uint64_t first = 0; first < plan.series; first += step) {
        const std::uint64_t count = std::min(step, plan.series - first);
        prepared[first / step % options.concurrency].emplace_back(catalogue, plan, first, count);
    }
    return prepared;
}

void merge(SendReport& all, SendReport& one) {
    all.requests += one.requests;
    all.samples += one.samples;
    all.samples_lost += one.samples_lost;
    all.bytes += one.bytes;
    all.rounds = std::max(all.rounds, one.rounds);
    for (const auto& [what, count] : one.errors) all.errors[what] += count;
    if (all.first_error.empty()) all.first_error = one.first_error;
    std::ranges::copy(one.latencies_ms, std::back_inserter(all.latencies_ms));
}

}  // namespace

double SendReport::latency_ms(double quantile) const {
    if (latencies_ms.empty()) return 0;
    const double last = static_cast<double>(latencies_ms.size() - 1);
    return static_cast<double>(latencies_ms[static_cast<std::size_t>(quantile * last)]);
}

double SendReport::samples_per_second() const {
    const double seconds = std::chrono::duration<double>(elapsed).count();
    return seconds > 0 ? static_cast<double>(samples) / seconds : 0;
}

SendReport send(const Plan& plan, const SendOptions& options, const std::atomic<bool>& stop) {
    const Catalogue catalogue;
    auto prepared = prepare(catalogue, plan, options);
    runtime::IoThreads io(1);
    http::Client client(io, options.endpoint, {.idle_connections_limit = options.concurrency});
    Run run{plan, options, stop, client, io, Clock::now()};

    std::vector<Sender> senders;
    senders.reserve(prepared.size());
    for (auto& requests : prepared) senders.emplace_back(run, std::move(requests));
    {
        std::vector<std::jthread> threads;
        for (Sender& sender : senders) threads.emplace_back([&sender] { sender(); });
    }
    SendReport report;
    report.elapsed = Clock::now() - run.begin;
    for (Sender& sender : senders) merge(report, sender.report);
    std::ranges::sort(report.latencies_ms);
    return report;
}

}  // namespace mimir::loadgen
