// The server's side of rpc/peer.hpp.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <future>

#include "base/assert.hpp"
#include "http/error_status.hpp"
#include "rpc/detail/frames.hpp"
#include "rpc/detail/protocol.hpp"
#include "rpc/peer.hpp"
#include "wire/internal.hpp"

namespace mimir::rpc {
namespace {

using http::Request;
using http::Response;
using namespace detail;

/// A longer one is as good as none.
constexpr std::uint64_t kTimeoutMsMax = 24ULL * 3600 * 1000;
/// Frames that were added wait together for a write up to this size.
constexpr std::size_t kGatheredBytesMax = 256 << 10;

/// Where all internal routes are registered: clients do not see them.
http::RouteRegistration add_internal(const InternalRoutes& routes, http::Route route) {
    route.internal = true;
    return routes.router.add(std::move(route));
}

/// What every answer of these routes is made with.
struct Service {
    std::string cluster;
    ProtocolRange protocol;

    [[nodiscard]] Response answer(std::string_view content_type, std::string body) const {
        Response response{.body = std::move(body)};
        response.headers.add("Content-Type", content_type);
        response.headers.add(header::kProtocol, to_string(protocol));
        return response;
    }
    [[nodiscard]] Response refusal(const Error& error) const {
        std::string message;
        write_error(error, message);
        Response response = answer(content::kError, std::move(message));
        response.status = http::error_status(error.kind).status;
        http::advise_retry(error.kind, response);
        return response;
    }
};

Error unavailable(std::string message) { return {ErrorKind::unavailable, {}, std::move(message)}; }

/// Why the call must not reach its handler, for what it says of itself.
std::optional<Response> check_caller(const Service& service, const Request& request) {
    const auto refuse = [&](std::string_view why, const Error& error) {
        Response response = service.refusal(error);
        response.headers.add(header::kRefused, why);
        return response;
    };
    const auto spoken = request.headers.get(header::kProtocol);
    const auto version = parse_protocol_range(spoken.value_or(""));
    if (!version || !newest_common(service.protocol, {version->max, version->max})) {
        return refuse(
            refused::kProtocol,
            unavailable(fmt::format(
                "the call is made in version \"{}\" of the internal protocol ({}), this process "
                "speaks versions {}",
                spoken.value_or(""),
                header::kProtocol,
                to_string(service.protocol)
            ))
        );
    }
    const auto cluster = request.headers.get(header::kCluster);
    if (cluster != service.cluster) {
        return refuse(
            refused::kCluster,
            unavailable(fmt::format(
                "the call comes from the cluster \"{}\" ({}), this process is of \"{}\"",
                cluster.value_or(""),
                header::kCluster,
                service.cluster
            ))
        );
    }
    return std::nullopt;
}

/// Tenant and deadline from the call's head.
Result<void> read_context(Request& request) {
    if (const auto tenant = request.headers.get(header::kTenant)) {
        MIMIR_TRY(request.context.tenant, model::TenantId::parse(*tenant));
    }
    const auto timeout = request.headers.get(header::kTimeout);
    if (!timeout) return {};
    std::uint64_t ms = 0;
    const auto [end, error] = std::from_chars(timeout->begin(), timeout->end(), ms);
    if (error != std::errc() || end != timeout->end()) {
        return fail(ErrorKind::invalid, "{}: \"{}\" is no number", header::kTimeout, *timeout);
    }
    const std::chrono::milliseconds left(std::min(ms, kTimeoutMsMax));
    CancellationToken& token = request.context.cancellation;
    token = token.with_deadline(std::chrono::steady_clock::now() + left);
    return {};
}

std::optional<Response> receive(const Service& service, Request& request) {
    if (auto refused = check_caller(service, request)) return refused;
    if (auto read = read_context(request); !read) return service.refusal(read.error());
    return std::nullopt;
}

struct CallService {
    Service service;
    CallHandler handler;
};

http::asio::awaitable<Response> answer_call(const CallService& call, Request& request) {
    if (auto refused = receive(call.service, request)) co_return *std::move(refused);
    auto answer = co_await call.handler(request);
    if (!answer) co_return call.service.refusal(answer.error());
    co_return call.service.answer(content::kMessage, *std::move(answer));
}

class BodyFrameWriter final : public FrameWriter {
  public:
    BodyFrameWriter(http::BodyWriter& body, http::asio::any_io_executor executor)
        : body_(body), executor_(std::move(executor)) {}

    void add(std::string_view frame) override { append_frame(frame, buffer_); }

    http::asio::awaitable<Result<void>> write(std::string_view frame) override {
        append_frame(frame, buffer_);
        return flush();
    }

    Result<void> wait_write(std::string_view frame) override {
        MIMIR_ASSERT(!runtime::on_io_thread(), "the frame goes out over this loop");
        append_frame(frame, buffer_);
        std::promise<Result<void>> written;
        auto on_end = [&written](const std::exception_ptr& error, Result<void> result) {
            MIMIR_ASSERT(error == nullptr, "coroutines return their errors");
            written.set_value(std::move(result));
        };
        http::asio::co_spawn(executor_, flush(), std::move(on_end));
        return written.get_future().get();
    }

    http::asio::awaitable<Result<void>> finish(Result<void> how) {
        append_end(how, buffer_);
        return flush();
    }
    [[nodiscard]] bool is_broken() const { return broken_; }

  private:
    http::asio::awaitable<Result<void>> flush() {
        auto written = co_await body_.write(buffer_);
        broken_ = broken_ || !written;
        buffer_.clear();
        if (buffer_.capacity() > kGatheredBytesMax) buffer_.shrink_to_fit();
        co_return written;
    }

    http::BodyWriter& body_;
    const http::asio::any_io_executor executor_;
    std::string buffer_;
    bool broken_ = false;
};

struct FrameService {
    Service service;
    FrameHandler handler;
};

http::asio::awaitable<Result<void>> stream_frames(
    const FrameService& call, Request& request, http::BodyWriter& body
) {
    BodyFrameWriter frames(body, co_await http::asio::this_coro::executor);
    auto how = co_await call.handler(request, frames);
    // A caller that is gone gets no end.
    if (frames.is_broken()) co_return fail(ErrorKind::canceled, "the caller is gone");
    co_return co_await frames.finish(std::move(how));
}

Response answer_frames(const std::shared_ptr<const FrameService>& call, Request& request) {
    if (auto refused = receive(call->service, request)) return *std::move(refused);
    Response response = call->service.answer(content::kFrames, "");
    response.stream = [call, &request](http::BodyWriter& body) {
        return stream_frames(*call, request, body);
    };
    return response;
}

http::asio::awaitable<Response> ready(Response response) { co_return response; }

std::string path_of(std::string_view call) { return std::string(kPathPrefix).append(call); }

}  // namespace

http::RouteRegistration add_hello(const InternalRoutes& routes) {
    const Service service{.cluster = routes.cluster, .protocol = routes.protocol};
    std::string hello;
    wire::encode_hello(
        {.protocol_min = routes.protocol.min,
         .protocol_max = routes.protocol.max,
         .cluster = routes.cluster,
         .instance = routes.instance,
         .version = routes.version},
        hello
    );
    return add_internal(
        routes,
        {.methods = {http::Method::get},
         .pattern = std::string(kHelloPath),
         .module = "api",
         .handler = [service,
                     hello](Request&) { return ready(service.answer(content::kMessage, hello)); }}
    );
}

http::RouteRegistration add_call(
    const InternalRoutes& routes,
    std::string_view call,
    std::string module,
    std::size_t body_bytes_limit,
    CallHandler handler
) {
    auto service = std::make_shared<const CallService>(
        Service{.cluster = routes.cluster, .protocol = routes.protocol}, std::move(handler)
    );
    return add_internal(
        routes,
        {.methods = {http::Method::post},
         .pattern = path_of(call),
         .module = std::move(module),
         .handler = [service](Request& request) { return answer_call(*service, request); },
         .body_bytes_limit = body_bytes_limit}
    );
}

http::RouteRegistration add_frames(
    const InternalRoutes& routes,
    std::string_view call,
    std::string module,
    std::size_t body_bytes_limit,
    FrameHandler handler
) {
    auto service = std::make_shared<const FrameService>(
        Service{.cluster = routes.cluster, .protocol = routes.protocol}, std::move(handler)
    );
    return add_internal(
        routes,
        {.methods = {http::Method::post},
         .pattern = path_of(call),
         .module = std::move(module),
         .handler = [service](Request& request) { return ready(answer_frames(service, request)); },
         .body_bytes_limit = body_bytes_limit}
    );
}

}  // namespace mimir::rpc
