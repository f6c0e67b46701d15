#include "rpc/scheduler_dispatch.hpp"

#include <utility>

#include "rpc/peer.hpp"
#include "runtime/task_scope.hpp"

namespace mimir::rpc {
namespace {

/// So many void assignments in a row, and queriers come and go faster than queries reach them.
constexpr int kAssignmentsMax = 5;
/// Between two looks for a scheduler.
constexpr std::chrono::milliseconds kLookInterval(25);

/// A querier that died may have offered more slots than one; a scheduler needs a moment to notice.
constexpr int kUnreachableMax = 3;

/// Before anything was asked.
bool is_void(const Error& error) {
    return error.kind == ErrorKind::unavailable || error.id == TicketedQuerier::kUnknownTicket;
}

tl::unexpected<Error> no_luck(const Error& last) {
    return fail(
        ErrorKind::unavailable,
        "no querier took the query, of {}: {}",
        kAssignmentsMax,
        last.message
    );
}

}  // namespace

/// A runner at another process, exchanged for another one when its ticket is not known there; and a few times when it
/// can't be reached or died meanwhile. What a querier answers goes to those who ask, whatever it is: how often it is
/// worth another evaluation is theirs to say.
class SchedulerDispatch::ReplacedRunner final : public QueryRunner {
  public:
    ReplacedRunner(SchedulerDispatch& dispatch, std::shared_ptr<QueryRunner> runner)
        : dispatch_(dispatch), runner_(std::move(runner)) {}

    Answer<promql::QueryResult> query(
        RequestContext context, promql::Query query, promql::ExprPtr expr
    ) override {
        return replaced<promql::QueryResult>(context, [=](QueryRunner& runner) {
            return runner.query(context, query, expr);
        });
    }
    Answer<Selection<model::Labels>> series(RequestContext context, SelectionQuery query) override {
        return replaced<Selection<model::Labels>>(context, [=](QueryRunner& runner) {
            return runner.series(context, query);
        });
    }
    Answer<Selection<std::string>> label_names(RequestContext context, SelectionQuery query)
        override {
        return replaced<Selection<std::string>>(context, [=](QueryRunner& runner) {
            return runner.label_names(context, query);
        });
    }
    Answer<Selection<std::string>> label_values(
        RequestContext context, std::string name, SelectionQuery query
    ) override {
        return replaced<Selection<std::string>>(context, [=](QueryRunner& runner) {
            return runner.label_values(context, name, query);
        });
    }
    Answer<std::vector<model::SeriesExemplars>> exemplars(
        RequestContext context, SelectionQuery query
    ) override {
        return replaced<std::vector<model::SeriesExemplars>>(context, [=](QueryRunner& runner) {
            return runner.exemplars(context, query);
        });
    }
    Answer<std::vector<model::MetricMetadata>> metadata(RequestContext context, MetadataQuery query)
        override {
        return replaced<std::vector<model::MetricMetadata>>(context, [=](QueryRunner& runner) {
            return runner.metadata(context, query);
        });
    }
    Answer<std::unique_ptr<chunkenc::SeriesSet>> select(
        RequestContext context, model::Matchers matchers, TimeRange range
    ) override {
        return replaced<std::unique_ptr<chunkenc::SeriesSet>>(context, [=](QueryRunner& runner) {
            return runner.select(context, matchers, range);
        });
    }

  private:
    template <class T, class Call>
    Answer<T> replaced(RequestContext context, Call call) {
        int unreachable = 0;
        for (int assignments = 1;; ++assignments) {
            auto answer = co_await call(*runner_);
            if (answer) co_return answer;
            const bool died = answer.error().id == kPeerUnreachable;
            if (!died && answer.error().id != TicketedQuerier::kUnknownTicket) co_return answer;
            if (died && ++unreachable > kUnreachableMax) {
                co_return tl::unexpected(without_peer(std::move(answer).error()));
            }
            if (assignments == kAssignmentsMax) co_return no_luck(answer.error());
            runner_.reset();  // the slot is free while it waits for another
            MIMIR_CO_TRY(auto taken, co_await dispatch_.take(context));
            runner_ = std::move(taken.runner);
        }
    }

    SchedulerDispatch& dispatch_;
    std::shared_ptr<QueryRunner> runner_;
};

SchedulerDispatch::Awaitable<std::shared_ptr<QueryRunner>> SchedulerDispatch::acquire(
    RequestContext context
) {
    MIMIR_CO_TRY(auto taken, co_await take(std::move(context)));
    if (taken.is_local) co_return std::move(taken.runner);
    co_return std::make_shared<ReplacedRunner>(*this, std::move(taken.runner));
}

SchedulerDispatch::Awaitable<SchedulerDispatch::Taken> SchedulerDispatch::take(
    RequestContext context
) {
    for (int assignments = 1;; ++assignments) {
        MIMIR_CO_TRY(const Assignment assigned, co_await assignment(context));
        auto runner = queriers_.runner(assigned);
        if (runner) {
            co_return Taken{.runner = *std::move(runner), .is_local = queriers_.is_local(assigned)};
        }
        if (!is_void(runner.error())) co_return tl::unexpected(std::move(runner).error());
        if (assignments == kAssignmentsMax) co_return no_luck(runner.error());
    }
}

SchedulerDispatch::Awaitable<Assignment> SchedulerDispatch::assignment(RequestContext context) {
    using Clock = std::chrono::steady_clock;
    const auto give_up = Clock::now() + options_.not_running_timeout;
    for (;;) {
        Result<Assignment> assigned = fail(ErrorKind::unavailable, "no query-scheduler is running");
        if (const auto local = schedulers_.local()) {
            assigned = co_await local->acquire(context);
        }
        const auto is_final = [&] {
            return assigned || assigned.error().kind != ErrorKind::unavailable;
        };
        if (is_final()) co_return assigned;
        if (auto entries = schedulers_.running(); !entries.empty() && Clock::now() < give_up) {
            const std::size_t first = next_.fetch_add(1, std::memory_order_relaxed);
            assigned = co_await ask_each(context, std::move(entries), first);
            if (is_final()) co_return assigned;
        }
        if (Clock::now() >= give_up) co_return assigned;
        co_await runtime::sleep_for(kLookInterval);
        MIMIR_CO_TRY(context.cancellation.check());
    }
}

SchedulerDispatch::Awaitable<Assignment> SchedulerDispatch::ask_each(
    RequestContext context, std::vector<QuerySchedulerEntry> entries, std::size_t first
) {
    Result<Assignment> assigned = fail(ErrorKind::unavailable, "no query-scheduler is running");
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto scheduler = schedulers_.at(entries[(first + i) % entries.size()]);
        if (!scheduler) continue;
        assigned = co_await scheduler->acquire(context);
        if (assigned) break;
        assigned.error() = without_peer(std::move(assigned).error());
        if (assigned.error().kind != ErrorKind::unavailable) break;
    }
    co_return assigned;
}

}  // namespace mimir::rpc
