#include "http/router.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "http/detail/route_state.hpp"
#include "http/error_status.hpp"
#include "runtime/executors.hpp"

namespace mimir::http {

using detail::RouteEntry;
using detail::RouteState;
using detail::RouteTable;

namespace {

MethodSet methods_of(const RouteEntry& entry, Audience audience) {
    MethodSet methods({});
    for (const auto& route : entry.routes) {
        if (is_for(audience, *route)) methods |= route->route.methods;
    }
    return methods;
}

Refusal not_running(std::string_view module) {
    return {
        .status = 503,
        .module = std::string(module),
        .message = fmt::format("module {} is not running", module),
        .retry_after = kRetryAfter
    };
}

Refusal method_not_allowed(const RouteEntry& entry, Audience audience) {
    return {
        .status = 405,
        .module = entry.routes.front()->route.module,
        .message = "method not allowed",
        .allow = methods_of(entry, audience)
    };
}

}  // namespace

Router::Router() : Router(word_refusal) {}
Router::Router(RefusalWording wording)
    : wording_(std::move(wording)), table_(std::make_shared<const RouteTable>()) {}
Router::~Router() = default;

RouteRegistration Router::add(Route route) {
    auto state = std::make_shared<RouteState>(*this, std::move(route));
    change(state->pattern, [&](RouteEntry& entry) {
        for (const auto& other : entry.routes) {
            MIMIR_ASSERT(
                !other->route.methods.intersects(state->route.methods), "a route has one handler"
            );
        }
        entry.routes.push_back(state);
    });
    return RouteRegistration(std::move(state));
}

void Router::reserve(std::string_view pattern, std::string module) {
    change(detail::Pattern(pattern), [&](RouteEntry& entry) {
        entry.reserved_for = std::move(module);
    });
}

RouteRegistration Router::set_front(
    Front& front, std::string module, std::size_t body_bytes_limit
) {
    Route route{
        .methods = MethodSet::any(),
        .pattern = "/{path...}",
        .module = std::move(module),
        .handler = {},
        .body_bytes_limit = body_bytes_limit,
        .streams_body = true
    };
    auto state = std::make_shared<RouteState>(*this, std::move(route), &front);
    std::lock_guard lock(changing_);
    auto table = std::make_shared<RouteTable>(*table_.load());
    MIMIR_ASSERT(table->front == nullptr, "a router has one front");
    table->front = state;
    table_.store(std::move(table));
    return RouteRegistration(std::move(state));
}

PathOwner Router::owner(std::string_view path) const {
    Parameters ignored;
    const auto table = table_.load();
    const RouteEntry* entry = table->find(path, Audience::clients, ignored);
    return entry == nullptr ? PathOwner() : entry->owner();
}

void Router::remove(const RouteState& state) {
    if (state.front != nullptr) {
        std::lock_guard lock(changing_);
        auto table = std::make_shared<RouteTable>(*table_.load());
        table->front.reset();
        table_.store(std::move(table));
        return;
    }
    change(state.pattern, [&](RouteEntry& entry) {
        std::erase_if(entry.routes, [&](const auto& route) { return route.get() == &state; });
    });
}

void Router::change(const detail::Pattern& pattern, const std::function<void(RouteEntry&)>& edit) {
    std::lock_guard lock(changing_);
    auto table = std::make_shared<RouteTable>(*table_.load());
    const auto old = table->entries.find(pattern);
    RouteEntry entry =
        old == table->entries.end() ? RouteEntry{pattern, {}, {}, pattern.label()} : *old->second;
    edit(entry);
    table->put(std::move(entry));
    table_.store(std::move(table));
}

Router::Match Router::match(Method method, std::string_view path, Audience audience) const {
    Match match;
    const auto table = table_.load();
    const RouteEntry* entry = table->find(path, audience, match.path_parameters);
    if (table->front && audience == Audience::clients) {
        match.front = table->front;
        if (entry != nullptr) match.owner = entry->owner();
    }
    if (entry == nullptr) {
        match.refusal = {.status = 404, .message = "404 page not found"};
        return match;
    }
    for (const auto& route : entry->routes) {
        if (is_for(audience, *route) && route->route.methods.contains(method)) {
            match.route = route;
            return match;
        }
    }
    const bool served = std::ranges::any_of(entry->routes, [&](const auto& route) {
        return is_for(audience, *route);
    });
    match.refusal =
        served ? method_not_allowed(*entry, audience) : not_running(entry->reserved_for);
    return match;
}

Response Router::refuse(const Refusal& refusal, const Request& request) const {
    Response response = wording_(refusal, request);
    if (refusal.status == 405) response.headers.set("Allow", refusal.allow.to_string());
    if (refusal.retry_after) {
        response.headers.set("Retry-After", std::to_string(refusal.retry_after->count()));
    }
    return response;
}

std::vector<Router::Listed> Router::list() const {
    const auto table = table_.load();
    std::vector<Listed> listed;
    for (const auto& [pattern, entry] : table->entries) {
        for (const auto& state : entry->routes) {
            listed.push_back({pattern.text(), state->route.methods, state->route.module});
        }
    }
    std::ranges::sort(listed, {}, &Listed::pattern);
    return listed;
}

RouteRegistration::RouteRegistration(std::shared_ptr<RouteState> state)
    : state_(std::move(state)) {}

RouteRegistration& RouteRegistration::operator=(RouteRegistration&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
}

RouteRegistration::~RouteRegistration() { close(std::chrono::milliseconds(0)); }

void RouteRegistration::close(std::chrono::milliseconds grace) {
    if (state_) state_->close(grace);
    state_.reset();
}

namespace detail {

RouteState::RouteState(Router& router, Route r, Front* f)
    : route(std::move(r)),
      front(f),
      pattern(route.pattern),
      label(pattern.label()),
      router_(router) {}

void RouteState::enter(const CancellationToken& token, std::optional<Lease>& lease) {
    std::lock_guard lock(mutex_);
    if (open_) lease.emplace(shared_from_this(), active_.insert(active_.end(), token));
}

void RouteState::close(std::chrono::milliseconds grace) {
    router_.remove(*this);
    std::unique_lock lock(mutex_);
    open_ = false;
    if (active_.empty()) return;
    MIMIR_ASSERT(!runtime::on_io_thread(), "the handlers that are waited for run on this loop");
    left_.wait_for(lock, grace, [this] { return active_.empty(); });
    for (CancellationToken& token : active_) token.cancel();
    left_.wait(lock, [this] { return active_.empty(); });
}

RouteState::Lease::Lease(
    std::shared_ptr<RouteState> route, std::list<CancellationToken>::iterator entry
)
    : route_(std::move(route)), entry_(entry) {}

RouteState::Lease::~Lease() {
    std::lock_guard lock(route_->mutex_);
    route_->active_.erase(entry_);
    if (route_->active_.empty()) route_->left_.notify_all();
}

void RouteTable::put(RouteEntry entry) {
    if (const auto old = entries.find(entry.pattern); old != entries.end()) {
        literals.erase(old->second->pattern.text());
        entries.erase(old);
    }
    if (entry.routes.empty() && entry.reserved_for.empty()) return;
    auto shared = std::make_shared<const RouteEntry>(std::move(entry));
    entries.emplace(shared->pattern, shared);
    if (shared->pattern.is_literal()) literals.emplace(shared->pattern.text(), shared.get());
}

const RouteEntry* RouteTable::find(std::string_view path, Audience audience, Parameters& parameters)
    const {
    const auto literal = literals.find(path);
    if (literal != literals.end() && literal->second->exists_for(audience)) return literal->second;
    for (const auto& [pattern, entry] : entries) {
        if (entry->exists_for(audience) && pattern.match(path, parameters)) return entry.get();
    }
    return nullptr;
}

bool is_for(Audience audience, const RouteState& route) {
    return audience == Audience::processes || !route.route.internal;
}

PathOwner RouteEntry::owner() const {
    const auto route = std::ranges::find_if(routes, [](const auto& candidate) {
        return is_for(Audience::clients, *candidate);
    });
    const bool served = route != routes.end();
    return {
        .module = served ? (*route)->route.module : reserved_for, .label = label, .served = served
    };
}

bool RouteEntry::exists_for(Audience audience) const {
    return !reserved_for.empty() ||
           std::ranges::any_of(routes, [&](const auto& route) { return is_for(audience, *route); });
}

}  // namespace detail
}  // namespace mimir::http
