#include "rpc/gather.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/assert.hpp"
#include "base/turn.hpp"

namespace mimir::rpc {
namespace {

/// A token can only be asked: how long a cancellation may go unnoticed.
constexpr std::chrono::milliseconds kTokenPoll{50};
/// Failures that an error tells of.
constexpr std::size_t kNamed = 5;

/// Whether every member would answer so.
bool is_of_request(ErrorKind kind) {
    return kind == ErrorKind::invalid || kind == ErrorKind::limit;
}

}  // namespace

GatherPlan GatherPlan::of(
    const ring::RingView& view,
    const ring::ReadSet& set,
    const std::function<bool(const ring::Instance&)>& is_local
) {
    GatherPlan plan;
    std::map<std::string_view, std::size_t> zones;
    for (const ring::MemberIndex index : set.members) {
        const ring::Instance& instance = *view.members()[index].instance;
        const std::size_t group = set.by_zone
                                      ? zones.try_emplace(instance.zone, zones.size()).first->second
                                      : plan.members.size();
        plan.members.push_back({instance.id, group, is_local(instance)});
    }
    plan.groups = set.by_zone ? zones.size() : plan.members.size();
    const std::size_t failures_max = set.by_zone ? set.failed_zones_max : set.failures_max;
    MIMIR_ASSERT(failures_max < plan.groups, "a read set has a quorum");
    plan.groups_needed = plan.groups - failures_max;
    return plan;
}

namespace detail {

Gathering::Gathering(GatherPlan plan, const GatherOptions& options, Random& random)
    : plan_(std::move(plan)), options_(options), groups_(plan_.groups), order_(plan_.groups) {
    std::vector<bool> local(plan_.groups);
    for (std::size_t member = 0; member < plan_.members.size(); ++member) {
        Group& group = groups_[plan_.members[member].group];
        group.members.push_back(member);
        ++group.missing;
        if (plan_.members[member].is_local) local[plan_.members[member].group] = true;
    }
    std::iota(order_.begin(), order_.end(), 0);
    // Any order is as good as another; at random, so that the load is even.
    for (std::size_t i = order_.size(); i > 1; --i)
        std::swap(order_[i - 1], order_[random.below(i)]);
    std::ranges::partition(order_, [&](std::size_t group) { return local[group]; });
}

Gathering::Members Gathering::start() {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    hedge_at_ = now + options_.hedging_delay;
    return ask_more(now);
}

Result<Gathering::Members> Gathering::wait(const CancellationToken& token) {
    const Turn::Away away;
    std::unique_lock lock(mutex_);
    for (;;) {
        if (answered_.size() >= plan_.groups_needed) return Members();
        if (fault_) return tl::unexpected(*fault_);
        MIMIR_TRY(token.check());
        if (failed_groups_ > plan_.groups - plan_.groups_needed) {
            return tl::unexpected(quorum_lost());
        }
        const auto now = std::chrono::steady_clock::now();
        if (Members more = ask_more(now); !more.empty()) return more;
        auto until = now + kTokenPoll;
        if (token.deadline()) until = std::min(until, *token.deadline());
        if (hedge_at_ > now) until = std::min(until, hedge_at_);
        changed_.wait_until(lock, until);
    }
}

Gathering::Members Gathering::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    Members members;
    for (const std::size_t group :
         std::span(answered_).first(std::min(answered_.size(), plan_.groups_needed))) {
        const Members& own = groups_[group].members;
        members.insert(members.end(), own.begin(), own.end());
    }
    std::ranges::sort(members);
    return members;
}

void Gathering::failed(std::size_t member, Error error) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (is_of_request(error.kind) && !fault_) fault_ = error;
    failures_.push_back({member, std::move(error)});
    Group& group = groups_[plan_.members[member].group];
    if (!std::exchange(group.failed, true)) ++failed_groups_;
    changed_.notify_all();
}

void Gathering::count_answer(std::size_t member) {
    const std::size_t at = plan_.members[member].group;
    Group& group = groups_[at];
    if (--group.missing > 0 || group.failed) return;
    answered_.push_back(at);
    changed_.notify_all();
}

/// The members of the groups that are due now. Called with mutex_ held.
Gathering::Members Gathering::ask_more(TimePoint now) {
    if (asked_ > 0 && options_.hedging_delay.count() > 0 && now >= hedge_at_) {
        ++hedges_;
        hedge_at_ = now + options_.hedging_delay;
    }
    std::size_t due = plan_.groups;
    if (options_.minimize_requests) {
        due = std::min(due, plan_.groups_needed + failed_groups_ + hedges_);
    }
    Members members;
    for (; asked_ < due; ++asked_) {
        const Members& own = groups_[order_[asked_]].members;
        members.insert(members.end(), own.begin(), own.end());
    }
    std::ranges::partition(members, [&](std::size_t member) {
        return !plan_.members[member].is_local;
    });
    return members;
}

Error Gathering::quorum_lost() const {
    std::string named;
    for (const Failure& failure : std::span(failures_).first(std::min(failures_.size(), kNamed))) {
        if (!named.empty()) named += "; ";
        named += failure.error.with_context(plan_.members[failure.member].name).message;
    }
    if (failures_.size() > kNamed) {
        named += fmt::format("; and {} more", failures_.size() - kNamed);
    }
    const bool all_late = std::ranges::all_of(failures_, [](const Failure& failure) {
        return failure.error.kind == ErrorKind::timeout;
    });
    return {
        all_late ? ErrorKind::timeout : ErrorKind::unavailable,
        {},
        fmt::format("too many instances failed: {}", named)
    };
}

CallTokens::~CallTokens() {
    for (auto& token : tokens_) {
        if (token) token->cancel();
    }
}

RequestContext CallTokens::begin(std::size_t member, const RequestContext& context) {
    RequestContext own = context;
    own.cancellation = context.cancellation.child();
    tokens_[member] = own.cancellation;
    return own;
}

}  // namespace detail
}  // namespace mimir::rpc
