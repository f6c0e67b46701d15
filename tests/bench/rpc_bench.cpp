// What calls between processes cost the caller, in CPU time: the servers run in a child process.
//     bench_rpc [CALLS]

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "http/server.hpp"
#include "model/write_request.hpp"
#include "rpc/detail/selection_writer.hpp"
#include "rpc/remote_ingester.hpp"
#include "rpc/series_order.hpp"
#include "wire/labels.hpp"
#include "wire/remote_write.hpp"

using namespace mimir;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kPeers = 3;
constexpr std::size_t kSeries = 1000;

std::string socket_path(std::size_t peer) {
    return fmt::format(
        "{}/bench_rpc.{}.sock", std::filesystem::temp_directory_path().string(), peer
    );
}

http::asio::awaitable<Result<std::string>> drop(http::Request&) { co_return std::string(); }

/// Never returns.
[[noreturn]] void serve() {
    runtime::Executors executors({.io_threads = 1});
    http::Router router;
    const rpc::InternalRoutes internal{.router = router, .cluster = "bench"};
    const auto hello = rpc::add_hello(internal);
    const auto push = rpc::add_call(internal, "ingester/push", "bench", 256 << 20, drop);
    http::ServerOptions options{.serves_internal = true};
    for (std::size_t i = 0; i < kPeers; ++i) {
        options.listen.emplace_back(http::UnixAddress{.path = socket_path(i)});
    }
    const auto server = http::Server::start({executors.io, executors.query}, router, options);
    if (!server) std::puts(server.error().message.c_str());
    for (;;) pause();
}

model::Labels series_labels(std::size_t number) {
    const std::string pod = fmt::format("pod-{}-abcdef", number);
    return model::Labels{
        {"__name__", "http_request_duration_seconds_bucket"},
        {"cluster", "eu-west-1"},
        {"container", "api"},
        {"instance", "10.0.12.34:9090"},
        {"job", "kubernetes-pods"},
        {"le", "0.25"},
        {"method", "GET"},
        {"namespace", "production"},
        {"pod", pod},
        {"status", "200"}
    };
}

std::shared_ptr<model::WriteRequest> make_request() {
    auto request = std::make_shared<model::WriteRequest>();
    for (std::size_t i = 0; i < kSeries; ++i) {
        request->add(series_labels(i), {{1'700'000'000'000}, static_cast<double>(i)});
    }
    return request;
}

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

template <class F>
void measure(const char* what, std::size_t times, F f) {
    const double cpu = cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < times; ++i) f();
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    const auto count = static_cast<double>(times);
    std::printf(
        "%-48s %9.1f us CPU %9.1f us\n",
        what,
        (cpu_seconds() - cpu) / count * 1e6,
        wall.count() / count * 1e6
    );
}

void push_to_all(
    const std::vector<std::unique_ptr<rpc::RemoteIngester>>& peers,
    const std::shared_ptr<const rpc::PushBatch>& batch
) {
    static const rpc::RequestContext context{
        .tenant = *model::TenantId::parse("tenant"), .cancellation = CancellationToken::create()
    };
    const auto pushed = rpc::wait_for<void>([&](const rpc::Done<void>& done) {
        const auto left = std::make_shared<std::atomic<std::size_t>>(peers.size());
        for (const auto& peer : peers) {
            peer->push(context, batch, [left, done](const Result<void>& result) {
                if (!result) std::puts(result.error().message.c_str());
                if (--*left == 0) done({});
            });
        }
    });
    static_cast<void>(pushed);
}

/// Series of two chunks each, in memory.
class MemorySet final : public chunkenc::SeriesSet {
  public:
    explicit MemorySet(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) labels_.push_back(series_labels(i));
    }
    [[nodiscard]] std::size_t count() const override { return labels_.size(); }
    [[nodiscard]] model::LabelsView labels(std::size_t index) const override {
        return labels_[index];
    }
    Result<void> load(std::size_t, std::size_t count, chunkenc::ChunkBatch& batch) override {
        batch.clear();
        for (std::size_t i = 0; i < count; ++i) {
            batch.begin_series();
            for (int chunk = 0; chunk < 2; ++chunk) {
                batch.add({.encoding = chunkenc::Encoding::xor_float, .data = batch.copy(data_)});
            }
        }
        return {};
    }

  private:
    std::vector<model::Labels> labels_;
    std::string data_ = std::string(300, 'x');
};

void selections() {
    static constexpr std::size_t kCount = 100'000;
    const auto load_all = [](chunkenc::SeriesSet& set) {
        chunkenc::ChunkBatch batch;
        for (std::size_t first = 0; first < set.count(); first += 250) {
            static_cast<void>(set.load(first, 250, batch));
        }
    };
    MemorySet plain(kCount);
    measure("sort 100000 series", 5, [&] { static_cast<void>(rpc::series_order(plain)); });
    rpc::OrderedSeriesSet ordered(std::make_unique<MemorySet>(kCount));
    measure("load 100000 series as they are", 5, [&] { load_all(plain); });
    measure("load 100000 series in order", 5, [&] { load_all(ordered); });
    rpc::detail::SelectionWriter writer(std::make_unique<MemorySet>(kCount));
    measure("write a selection of 100000 series as frames", 1, [&] {
        std::string frame;
        do {
            static_cast<void>(writer.next(frame));
        } while (!frame.empty());
    });
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t calls = 3000;
    if (argc > 1) calls = std::strtoul(argv[1], nullptr, 10);
    const pid_t servers = fork();
    if (servers == 0) serve();

    {
        runtime::IoThreads io(1);
        telemetry::Registry registry;
        rpc::PeerPool pool({.cluster = "bench"}, {.io = io, .log = {}, .registry = registry});
        std::vector<std::unique_ptr<rpc::RemoteIngester>> peers;
        for (std::size_t i = 0; i < kPeers; ++i) {
            const std::string address = "unix://" + socket_path(i);
            while (!std::filesystem::exists(socket_path(i))) std::this_thread::sleep_for(10ms);
            peers.push_back(std::make_unique<rpc::RemoteIngester>(pool.at(address)));
        }
        const auto request = make_request();
        const auto nothing =
            std::make_shared<const rpc::PushBatch>(std::make_shared<model::WriteRequest>());
        const auto encoded = std::make_shared<const rpc::PushBatch>(request);
        std::printf("a push of %zu series has %zu bytes\n", kSeries, encoded->encoded().size());
        push_to_all(peers, nothing);
        measure("push nothing to 3 peers", calls, [&] { push_to_all(peers, nothing); });
        measure("push 1000 encoded series to 3 peers", calls, [&] { push_to_all(peers, encoded); });
        measure("encode and push 1000 series to 3 peers", calls, [&] {
            push_to_all(peers, std::make_shared<const rpc::PushBatch>(request));
        });
        const std::string& body = encoded->encoded();
        measure("receive: decode 1000 series", calls, [&] {
            model::WriteRequest received{.body = body};
            static_cast<void>(wire::decode_write_request(received));
        });
        measure("receive: check 1000 label sets", calls, [&] {
            for (const auto& series : request->series) {
                if (!wire::is_canonical(series.labels.bytes())) std::abort();
            }
        });
    }
    kill(servers, SIGKILL);
    waitpid(servers, nullptr, 0);
    for (std::size_t i = 0; i < kPeers; ++i) std::filesystem::remove(socket_path(i));
    selections();
    return 0;
}
