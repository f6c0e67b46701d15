#pragma once

// Asks several members of a ring at once, until enough have answered.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "http/request_context.hpp"
#include "ring/ring_view.hpp"
#include "rpc/done.hpp"

namespace mimir::rpc {

using http::RequestContext;

struct GatherOptions {
    /// At first only as many are asked as make a quorum; others when one fails or is slow.
    bool minimize_requests = true;
    /// How long those asked may take before one more, or with zones one more zone, is asked; and so on.
    /// 0: others are asked only when one fails.
    std::chrono::milliseconds hedging_delay = std::chrono::seconds(3);
};

/// Whom to ask, and how many must answer. What counts are groups: with zones a zone's members, else each
/// member alone. A group has answered when all its members have, and has failed when one has.
struct GatherPlan {
    struct Member {
        std::string name;
        std::size_t group = 0;
        /// It answers on the caller's thread, so it is asked last, and rather than others.
        bool is_local = false;
    };
    std::vector<Member> members;
    std::size_t groups = 0;
    std::size_t groups_needed = 0;

    /// Asks the read set; members in its order.
    static GatherPlan of(
        const ring::RingView& view,
        const ring::ReadSet& set,
        const std::function<bool(const ring::Instance&)>& is_local
    );
};

/// One member's answer.
template <class T>
struct Gathered {
    std::size_t member;  ///< Position in GatherPlan::members.
    T answer;
};

namespace detail {

/// Who was asked, and what became of it.
/// Threads: any; start() and wait() are for the one who gathers.
class Gathering {
  public:
    using Members = std::vector<std::size_t>;

    Gathering(GatherPlan plan, const GatherOptions& options, Random& random);

    /// Whom to ask first, local ones last.
    Members start();
    /// Blocks until enough have answered, then nobody is left to ask; or until others are to be asked.
    /// Errors: as gather().
    Result<Members> wait(const CancellationToken& token);
    /// The members whose answers count; from now on no answer is kept.
    Members close();

    /// A member's answer; `keep` is called only when it is still wanted.
    template <class Keep>
    void answered(std::size_t member, Keep keep) {
        const std::lock_guard lock(mutex_);
        if (closed_) return;
        keep();
        count_answer(member);
    }
    void failed(std::size_t member, Error error);

  private:
    using TimePoint = std::chrono::steady_clock::time_point;

    struct Group {
        Members members;
        std::size_t missing = 0;
        bool failed = false;
    };
    struct Failure {
        std::size_t member;
        Error error;
    };

    void count_answer(std::size_t member);
    [[nodiscard]] Members ask_more(TimePoint now);
    [[nodiscard]] Error quorum_lost() const;

    const GatherPlan plan_;
    const GatherOptions options_;

    std::mutex mutex_;
    std::condition_variable changed_;
    // Guarded by mutex_.
    std::vector<Group> groups_;
    std::vector<std::size_t> order_;  // of the groups, as they are asked
    std::size_t asked_ = 0;           // so many of order_
    std::size_t hedges_ = 0;
    TimePoint hedge_at_;
    std::vector<std::size_t> answered_;  // groups, the first ones first
    std::size_t failed_groups_ = 0;
    std::vector<Failure> failures_;
    std::optional<Error> fault_;  // of the request itself
    bool closed_ = false;
};

template <class T>
struct Answers {
    Answers(GatherPlan plan, const GatherOptions& options, Random& random)
        : kept(plan.members.size()), gathering(std::move(plan), options, random) {}

    void told(std::size_t member, Result<T> result) {
        if (!result) return gathering.failed(member, std::move(result).error());
        gathering.answered(member, [&] { kept[member].emplace(*std::move(result)); });
    }

    std::vector<std::optional<T>> kept;  // guarded by the gathering
    Gathering gathering;
};

/// A token for each member's call. Those that are not released are canceled in the end.
class CallTokens {
  public:
    explicit CallTokens(std::size_t count) : tokens_(count) {}
    ~CallTokens();
    CallTokens(const CallTokens&) = delete;
    CallTokens& operator=(const CallTokens&) = delete;

    /// The context for one member's call.
    RequestContext begin(std::size_t member, const RequestContext& context);
    void release(std::size_t member) { tokens_[member].reset(); }

  private:
    std::vector<std::optional<CancellationToken>> tokens_;
};

}  // namespace detail

/// Calls `call(member, context, done)` for the members of a plan, remote ones first, and blocks until enough
/// have answered; by member. Calls whose answers are not needed are canceled, and what they still give
/// is dropped. The context that a call is given stays in force for what its answer reads later.
/// Errors: invalid and limit, as the first member that says so: others would say the same;
///         canceled and timeout, as the context says; otherwise, when too many failed, unavailable, or
///         timeout when that is what all of them say, naming them and their errors.
/// Threads: those that may block. Local calls are made on the caller's.
template <class T, class Call>
Result<std::vector<Gathered<T>>> gather(
    GatherPlan plan,
    const RequestContext& context,
    const GatherOptions& options,
    Random& random,
    Call call
) {
    detail::CallTokens tokens(plan.members.size());
    // Shared with calls that are still under way when this returns.
    const auto answers = std::make_shared<detail::Answers<T>>(std::move(plan), options, random);
    auto& gathering = answers->gathering;
    auto next = Result<detail::Gathering::Members>(gathering.start());
    while (next && !next->empty()) {
        for (const std::size_t member : *next) {
            const RequestContext own = tokens.begin(member, context);
            call(member, own, Done<T>([answers, member](Result<T> result) {
                     answers->told(member, std::move(result));
                 }));
        }
        next = gathering.wait(context.cancellation);
    }
    const auto members = gathering.close();
    // Nobody else touches what is kept from here on.
    auto kept = std::move(answers->kept);
    MIMIR_TRY(std::move(next));
    std::vector<Gathered<T>> gathered;
    gathered.reserve(members.size());
    for (const std::size_t member : members) {
        tokens.release(member);
        gathered.push_back({member, *std::move(kept[member])});
    }
    return gathered;
}

}  // namespace mimir::rpc
