#include "canned_daemon.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>
#include <sstream>

#include "api/json.hpp"
#include "api/problems.hpp"
#include "ctl/run.hpp"

namespace mimir::ctl::test {
namespace {

asio::awaitable<http::Response> reply(http::Response response) { co_return response; }

asio::awaitable<Result<void>> write_lines(
    http::BodyWriter& writer, std::vector<std::string> lines, bool breaks
) {
    for (const std::string& line : lines) {
        const std::string piece = line + "\n";
        MIMIR_CO_TRY(co_await writer.write(piece));
    }
    if (breaks) co_return fail(ErrorKind::internal, "broken on purpose");
    co_return Result<void>();
}

asio::awaitable<Result<void>> write_and_wait(
    http::BodyWriter& writer,
    std::vector<std::string> lines,
    std::shared_ptr<std::atomic<bool>> waits
) {
    MIMIR_CO_TRY(co_await write_lines(writer, std::move(lines), false));
    asio::steady_timer timer(co_await asio::this_coro::executor);
    while (*waits) {
        timer.expires_after(5ms);
        co_await timer.async_wait(asio::use_awaitable);
        MIMIR_CO_TRY(co_await writer.write("\n"));
    }
    co_return Result<void>();
}

http::Response stream_of(std::function<asio::awaitable<Result<void>>(http::BodyWriter&)> stream) {
    http::Response response;
    response.headers.add("Content-Type", "application/x-ndjson");
    response.stream = std::move(stream);
    return response;
}

class FixedClock final : public Clock {
  public:
    [[nodiscard]] TimestampMs now() const override { return kNow; }
    [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const override {
        return std::chrono::steady_clock::now();
    }
};

}  // namespace

CannedDaemon::CannedDaemon()
    : executors_({.io_threads = 1, .ingest = {.threads = 1}, .query = {.threads = 1}}) {
    start();
}

CannedDaemon::~CannedDaemon() { stop(); }

void CannedDaemon::start() {
    http::ServerOptions options;
    options.listen = {
        http::UnixAddress{.path = socket()}, http::TcpAddress{.host = "127.0.0.1", .port = 0}
    };
    auto server =
        http::Server::start({executors_.io, executors_.query}, router_, std::move(options));
    REQUIRE_OK(server);
    server_ = *std::move(server);
}

void CannedDaemon::stop() {
    stop_waiting();
    server_.reset();
}

void CannedDaemon::on(http::Method method, std::string pattern, Make make) {
    auto handler = [this, make = std::move(make)](http::Request& request) {
        {
            const std::scoped_lock lock(mutex_);
            seen_.push_back(
                {request.method, request.target, request.path, request.headers, request.body}
            );
        }
        return reply(make(request));
    };
    routes_.push_back(router_.add(
        {.methods = {method},
         .pattern = std::move(pattern),
         .module = "admin",
         .handler = std::move(handler)}
    ));
}

void CannedDaemon::on_get(std::string pattern, std::string json) {
    on(http::Method::get, std::move(pattern), [json = std::move(json)](const http::Request&) {
        return http::Response::json(200, json);
    });
}

http::Response CannedDaemon::lines(std::vector<std::string> lines, bool breaks) {
    return stream_of([lines = std::move(lines), breaks](http::BodyWriter& writer) {
        return write_lines(writer, lines, breaks);
    });
}

http::Response CannedDaemon::waiting_stream(std::vector<std::string> lines) {
    return stream_of([lines = std::move(lines), waits = waits_](http::BodyWriter& writer) {
        return write_and_wait(writer, lines, waits);
    });
}

http::Response CannedDaemon::problem(std::string_view code, std::string why, int status) {
    const api::ProblemKind* kind = api::find_problem_kind(code);
    const api::Problem problem{
        .status = kind != nullptr ? kind->status : static_cast<std::uint32_t>(status),
        .code = std::string(code),
        .what = "it was not done",
        .why = std::move(why),
        .next_steps = {"do something else"},
        .request_id = "r-1",
    };
    auto response = http::Response::json(static_cast<int>(problem.status), api::to_json(problem));
    response.headers.set("Content-Type", "application/problem+json");
    return response;
}

std::vector<CannedDaemon::Seen> CannedDaemon::seen() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
}

Ran run_ctl(const std::vector<std::string>& arguments, const Setup& setup) {
    std::istringstream in(setup.in);
    std::ostringstream out;
    std::ostringstream err;
    FixedClock clock;
    const Environment environment{
        .variable = [&](std::string_view name) -> std::optional<std::string> {
            const auto at = setup.variables.find(name);
            return at == setup.variables.end() ? std::nullopt : std::optional(at->second);
        },
        .in_is_terminal = setup.in_is_terminal,
        .out_is_terminal = setup.out_is_terminal,
        .err_is_terminal = setup.err_is_terminal,
        .uid = setup.uid,
        .system_socket = setup.system_socket,
        .clock = &clock,
        .catch_interrupt = [&] { return setup.interrupt; },
    };
    std::ofstream full("/dev/full");
    std::ostream& chosen = setup.out_is_full ? static_cast<std::ostream&>(full) : out;
    const int code = run(arguments, {in, chosen, err}, environment);
    return {code, out.str(), err.str()};
}

Ran run_ctl(const CannedDaemon& daemon, const std::vector<std::string>& arguments, Setup setup) {
    setup.variables.emplace("MIMIRCTL_SOCKET", daemon.socket());
    return run_ctl(arguments, setup);
}

}  // namespace mimir::ctl::test
