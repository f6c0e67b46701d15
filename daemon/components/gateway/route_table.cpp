#include "components/gateway/route_table.hpp"

#include <algorithm>
#include <tuple>

namespace mimir::gateway {
namespace {

Target::Reach reach_of(const Upstream& upstream) {
    if (upstream.local) return Target::Reach::in_process;
    const bool is_path = upstream.address.starts_with("unix:") || upstream.address.starts_with('/');
    return is_path ? Target::Reach::unix_socket : Target::Reach::tcp;
}

/// Everything that requests of this entry may be in flight at.
std::vector<std::shared_ptr<const Target>> targets_of(const RouteEntry& entry) {
    std::vector<std::shared_ptr<const Target>> all(entry.targets.begin(), entry.targets.end());
    if (!entry.pinned && std::ranges::find(all, entry.local) == all.end()) {
        all.push_back(entry.local);
    }
    return all;
}

Result<void> check_revision(const RouteEntry* entry, std::uint64_t expected) {
    const std::uint64_t actual = entry == nullptr ? 0 : entry->revision;
    if (actual == expected) return {};
    return fail(ErrorKind::conflict, "the route has revision {} by now, not {}", actual, expected);
}

const RouteEntry* find_own(
    const RouteSnapshot& snapshot, std::string_view module, std::string_view tenant
) {
    const auto found = snapshot.entries.find(RouteSnapshot::Key(module, tenant));
    return found == snapshot.entries.end() ? nullptr : &found->second;
}

}  // namespace

Target::Target(std::string m, Upstream upstream)
    : module(std::move(m)),
      instance(std::move(upstream.instance)),
      address(upstream.local ? std::string() : upstream.address),
      reach(reach_of(upstream)),
      near(upstream.near) {}

std::string_view to_string(Target::Reach reach) {
    switch (reach) {
        case Target::Reach::in_process: return "in-process";
        case Target::Reach::unix_socket: return "unix";
        case Target::Reach::tcp: return "tcp";
    }
    return "";
}

const RouteEntry* RouteSnapshot::find(std::string_view module, std::string_view tenant) const {
    if (!tenant.empty()) {
        if (const RouteEntry* own = find_own(*this, module, tenant)) return own;
    }
    return find_own(*this, module, "");
}

RouteTable::RouteTable(std::string instance)
    : instance_(std::move(instance)), snapshot_(std::make_shared<const RouteSnapshot>()) {}

void RouteTable::update(std::string_view module, const std::vector<Upstream>& upstreams) {
    std::lock_guard lock(changing_);
    found_.insert_or_assign(std::string(module), upstreams);
    const auto current = snapshot_.load();
    const RouteEntry* old = find_own(*current, module, "");
    if (old != nullptr && old->pinned) return;
    RouteEntry entry{.module = std::string(module), .local = target(module, {.local = true})};
    for (const Upstream& upstream : upstreams) {
        if (upstream.healthy) entry.targets.push_back(target(module, upstream));
    }
    std::ranges::sort(entry.targets, {}, [](const auto& one) {
        return std::tie(one->instance, one->address);
    });
    if (old != nullptr && old->targets == entry.targets) return;
    RouteSnapshot next = *current;
    entry.revision = next.revision + 1;
    next.entries.insert_or_assign({entry.module, ""}, std::move(entry));
    replace(std::move(next), old);
}

Result<RouteTable::Flip> RouteTable::pin(Pin pin, std::uint64_t expected) {
    std::lock_guard lock(changing_);
    const auto current = snapshot_.load();
    const RouteEntry* used = current->find(pin.module, pin.tenant);
    if (used == nullptr) {
        return fail(ErrorKind::not_found, "the gateway routes no module \"{}\"", pin.module);
    }
    MIMIR_TRY(check_revision(find_own(*current, pin.module, pin.tenant), expected));
    RouteSnapshot next = *current;
    RouteEntry entry{
        .module = pin.module,
        .tenant = pin.tenant,
        .revision = next.revision + 1,
        .pinned = true,
        .targets = {target(pin.module, pin.to)},
        .local = used->local
    };
    next.entries.insert_or_assign({pin.module, pin.tenant}, std::move(entry));
    return replace(std::move(next), used);
}

Result<RouteTable::Flip> RouteTable::unpin(
    std::string_view module, std::string_view tenant, std::uint64_t expected
) {
    std::lock_guard lock(changing_);
    const auto current = snapshot_.load();
    const RouteEntry* old = find_own(*current, module, tenant);
    if (old == nullptr || !old->pinned) {
        return fail(ErrorKind::not_found, "the route of module \"{}\" is not pinned", module);
    }
    MIMIR_TRY(check_revision(old, expected));
    RouteSnapshot next = *current;
    const auto at = next.entries.find(RouteSnapshot::Key(module, tenant));
    if (tenant.empty()) {
        RouteEntry& entry = at->second;
        entry.pinned = false;
        entry.revision = next.revision + 1;
        entry.targets.clear();
        for (const Upstream& upstream : found_[entry.module]) {
            if (upstream.healthy) entry.targets.push_back(target(module, upstream));
        }
    } else {
        next.entries.erase(at);
    }
    return replace(std::move(next), old);
}

/// With changing_. `before`: what requests used, in the snapshot that is replaced.
RouteTable::Flip RouteTable::replace(RouteSnapshot next, const RouteEntry* before) {
    Flip flip{.revision = ++next.revision, .before = {}};
    if (before != nullptr) flip.before = targets_of(*before);
    snapshot_.store(std::make_shared<const RouteSnapshot>(std::move(next)));
    std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
    return flip;
}

/// The one that is known already, with what it has in flight; with changing_.
std::shared_ptr<Target> RouteTable::target(std::string_view module, const Upstream& upstream) {
    Upstream own = upstream;
    if (own.local) own = {.instance = instance_, .local = true};
    auto& known = known_[{std::string(module), own.instance, own.address}];
    auto target = known.lock();
    if (!target) {
        target = std::make_shared<Target>(std::string(module), std::move(own));
        known = target;
    }
    return target;
}

std::optional<Lease> RouteTable::acquire(const Choice& choice) {
    for (;;) {
        const auto snapshot = snapshot_.load();
        const RouteEntry* entry = snapshot->find(choice.module, choice.tenant);
        if (entry == nullptr) return std::nullopt;
        auto target = choose(*entry, choice);
        if (!target) return std::nullopt;
        Lease lease(std::move(target));
        // Counted now. Who flips the entry reads the count afterwards: either he sees this request,
        // or the flip is seen here.
        const auto now = snapshot_.load();
        if (now == snapshot) return lease;
        const RouteEntry* entry_now = now->find(choice.module, choice.tenant);
        if (entry_now != nullptr && entry_now->revision == entry->revision) return lease;
    }
}

std::shared_ptr<Target> RouteTable::choose(const RouteEntry& entry, const Choice& choice) {
    const auto is_free = [&](const Target& target) {
        // The ring may show this process for a while after its module has stopped.
        const bool has_stopped =
            !entry.pinned && !choice.served_here && target.reach == Target::Reach::in_process;
        return !has_stopped && target.in_flight() < choice.in_flight_limit &&
               std::ranges::find(choice.tried, &target) == choice.tried.end();
    };
    if (!entry.pinned && choice.served_here) return entry.local;
    const std::size_t first = turn_.fetch_add(1, std::memory_order_relaxed);
    std::shared_ptr<Target> best;
    for (std::size_t i = 0; i < entry.targets.size(); ++i) {
        const auto& target = entry.targets[(first + i) % entry.targets.size()];
        if (!is_free(*target)) continue;
        const auto rank = [&](const Target& one) {
            return std::tuple(one.left_alone(choice.now), !one.near, one.in_flight());
        };
        if (!best || rank(*target) < rank(*best)) best = target;
    }
    return best;
}

std::vector<std::shared_ptr<const Target>> RouteTable::targets() const {
    std::vector<std::shared_ptr<const Target>> all;
    std::lock_guard lock(changing_);
    for (const auto& [key, known] : known_) {
        if (auto target = known.lock()) all.push_back(std::move(target));
    }
    return all;
}

}  // namespace mimir::gateway
