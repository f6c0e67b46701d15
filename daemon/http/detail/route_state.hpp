#pragma once

#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/cancellation.hpp"
#include "http/detail/pattern.hpp"
#include "http/router.hpp"

namespace mimir::http::detail {

/// A served route and the requests that are in its handler.
class RouteState : public std::enable_shared_from_this<RouteState> {
  public:
    /// `front`: of the front's registration, which has no pattern of its own; else null.
    RouteState(Router& router, Route route, Front* front = nullptr);

    /// A request's stay in the handler; the route waits for its end before it is gone.
    class Lease {
      public:
        Lease(std::shared_ptr<RouteState> route, std::list<CancellationToken>::iterator entry);
        ~Lease();
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;

      private:
        std::shared_ptr<RouteState> route_;
        std::list<CancellationToken>::iterator entry_;
    };
    /// Leaves `lease` empty when the route is closed.
    void enter(const CancellationToken& token, std::optional<Lease>& lease);
    void close(std::chrono::milliseconds grace);

    const Route route;
    Front* const front;
    const Pattern pattern;
    const std::string label;

  private:
    Router& router_;

    std::mutex mutex_;
    std::condition_variable left_;
    std::list<CancellationToken> active_;
    bool open_ = true;
};

/// What one pattern stands for.
struct RouteEntry {
    Pattern pattern;
    std::vector<std::shared_ptr<RouteState>> routes;  // with disjoint methods
    std::string reserved_for;                         // a module; empty when not reserved
    std::string label;                                // of the pattern

    [[nodiscard]] bool exists_for(Audience audience) const;
    [[nodiscard]] PathOwner owner() const;  // for clients
};

/// False for a route that is none of theirs.
bool is_for(Audience audience, const RouteState& route);

/// Immutable; each change of the routes makes a new one.
struct RouteTable {
    std::map<Pattern, std::shared_ptr<const RouteEntry>> entries;  // the most specific first
    std::unordered_map<std::string_view, const RouteEntry*>
        literals;                       // keys are the patterns' texts
    std::shared_ptr<RouteState> front;  // null: none

    void put(RouteEntry entry);
    [[nodiscard]] const RouteEntry* find(
        std::string_view path, Audience audience, Parameters& parameters
    ) const;
};

}  // namespace mimir::http::detail
