#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.hpp"
#include "http/front.hpp"
#include "http/message.hpp"
#include "http/method_set.hpp"
#include "http/refusal.hpp"

namespace mimir::http {

inline constexpr std::size_t kBodyBytesLimitDefault = 10 << 20;

struct Route {
    MethodSet methods;
    /// "/ready", "/api/v1/label/{name}/values"; a last "{path...}" takes the rest, slashes and all.
    /// A literal wins over a {name}, which wins over a {name...}. Paths are matched segment by
    /// segment before decoding.
    std::string pattern;
    /// The module that serves it, for errors and logs.
    std::string module;
    Handler handler;
    /// A longer body is answered with 413, unread.
    std::size_t body_bytes_limit = kBodyBytesLimitDefault;
    /// The handler gets the body as Request::body_reader while it comes, and not at all before it
    /// reads. When reading fails, the server answers as if it had read the body itself, whatever the
    /// handler returns.
    bool streams_body = false;
    /// The text of that answer, where the protocol has its own.
    std::string body_too_large = {};
    /// Only for other processes of ours: served by servers with ServerOptions::serves_internal; for
    /// all others it does not exist.
    bool internal = false;
};

/// Who asks: which routes exist depends on it.
enum class Audience : std::uint8_t { clients, processes };

namespace detail {
class Pattern;
class RouteState;
struct RouteEntry;
struct RouteTable;
}  // namespace detail

/// A route that is served as long as this lives.
class RouteRegistration {
  public:
    RouteRegistration() = default;
    explicit RouteRegistration(std::shared_ptr<detail::RouteState> state);
    RouteRegistration(RouteRegistration&&) noexcept = default;
    RouteRegistration& operator=(RouteRegistration&& other) noexcept;
    /// close() without grace.
    ~RouteRegistration();

    /// Takes no more requests, and returns when none is in flight: after `grace` those that are
    /// left get canceled, and are awaited. What the handler refers to may be destroyed then.
    /// Threads: any but the event loop's.
    void close(std::chrono::milliseconds grace);

  private:
    std::shared_ptr<detail::RouteState> state_;
};

/// Finds the handler for a request.
/// Threads: any. Registrations must not outlive the router.
class Router {
  public:
    /// Its refusals have the words of word_refusal().
    Router();
    explicit Router(RefusalWording wording);
    ~Router();
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    /// Two routes with one pattern and a method in common are a mistake of ours.
    [[nodiscard]] RouteRegistration add(Route route);

    /// Says whose pattern this is while nobody serves it: requests get 503 naming the module, with
    /// Retry-After.
    void reserve(std::string_view pattern, std::string module);

    /// As long as the registration lives, `front` sees the requests of clients first; those of
    /// processes pass it by. There is one at most. Of the bodies that it streams, it gets so many
    /// bytes. Closing the registration waits for the requests that it serves. `module` is whose it
    /// is.
    [[nodiscard]] RouteRegistration set_front(
        Front& front, std::string module, std::size_t body_bytes_limit
    );

    [[nodiscard]] PathOwner owner(std::string_view path) const;

    /// What the server does with a request head.
    struct Match {
        /// When set, it is asked first, and told the owner.
        std::shared_ptr<detail::RouteState> front;
        PathOwner owner;
        /// Null when `refusal` answers the request.
        std::shared_ptr<detail::RouteState> route;
        Parameters path_parameters;
        Refusal refusal;
    };
    [[nodiscard]] Match match(
        Method method, std::string_view path, Audience audience = Audience::clients
    ) const;

    /// The answer to a request that no handler gets, in this router's words. `request` is empty
    /// when its head could not be read.
    [[nodiscard]] Response refuse(const Refusal& refusal, const Request& request) const;

    struct Listed {
        std::string pattern;
        MethodSet methods;
        std::string module;
    };
    /// Every served route, sorted by pattern.
    [[nodiscard]] std::vector<Listed> list() const;

  private:
    friend class detail::RouteState;
    void remove(const detail::RouteState& state);
    void change(
        const detail::Pattern& pattern, const std::function<void(detail::RouteEntry&)>& edit
    );

    const RefusalWording wording_;
    std::mutex changing_;  // held while a new table is made from the old one
    Snapshot<detail::RouteTable> table_;
};

}  // namespace mimir::http
