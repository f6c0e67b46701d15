// Head::append: from a request to the shards, the log, and the shards again.

#include <numeric>
#include <vector>

#include "tsdb/head/detail/head_state.hpp"
#include "tsdb/head/head.hpp"

namespace mimir::tsdb {
namespace {

/// Memory of one append, kept by its thread for the next.
struct AppendMemory {
    detail::LogBuffer log;
    std::vector<std::uint32_t> indices;  // of the request's series, shard by shard
    std::vector<std::uint32_t> begins;   // of each shard in indices, and the end
    std::vector<std::vector<detail::StagedSeries>> staged;  // by shard
    std::vector<std::uint32_t> deferred;
    std::vector<std::uint32_t> todo;
};

/// Sorts the series to do by shard (counting sort): those of shard i are from begins[i] to begins[i + 1].
void order_by_shard(
    const detail::HeadState& state, const model::WriteRequest& request, AppendMemory& memory
) {
    const std::size_t shard_count = state.shards.size();
    memory.begins.assign(shard_count + 2, 0);
    for (const std::uint32_t index : memory.todo) {
        ++memory.begins[state.shard_of(request.series[index].hash) + 2];
    }
    std::partial_sum(memory.begins.begin(), memory.begins.end(), memory.begins.begin());
    memory.indices.resize(memory.todo.size());
    for (const std::uint32_t index : memory.todo) {
        memory.indices[memory.begins[state.shard_of(request.series[index].hash) + 1]++] = index;
    }
}

/// Judges the exemplars of staged series, and puts the good ones into the log buffer.
void check_exemplars(
    detail::HeadState& state, detail::Admission& admission, const AppendMemory& memory
) {
    state.exemplars.with([&](const detail::ExemplarRing& ring) {
        for (const auto& staged : memory.staged) {
            for (const detail::StagedSeries& one : staged) {
                const model::WriteSeries& series = admission.request.series[one.index];
                const model::Exemplar* newest = ring.newest(series.hash);
                for (const model::Exemplar& exemplar : admission.request.exemplars_of(series)) {
                    if (newest != nullptr && exemplar.time < newest->time) {
                        admission.refusals.add(
                            Refusal::exemplar_out_of_order, exemplar.time, series.labels
                        );
                        continue;
                    }
                    ++admission.outcome.exemplars;
                    if (newest != nullptr && exemplar == *newest) continue;
                    admission.log.exemplars.add(one.ref, exemplar);
                    newest = &exemplar;
                }
            }
        }
    });
}

void apply_exemplars(
    detail::HeadState& state, const detail::Admission& admission, const AppendMemory& memory
) {
    state.exemplars.with([&](detail::ExemplarRing& ring) {
        for (const auto& staged : memory.staged) {
            for (const detail::StagedSeries& one : staged) {
                const model::WriteSeries& series = admission.request.series[one.index];
                for (const model::Exemplar& exemplar : admission.request.exemplars_of(series)) {
                    ring.add(series.labels, series.hash, exemplar);
                }
            }
        }
    });
}

/// Checks, logs and applies the series in memory.todo that no other request holds; the others are in memory.deferred
/// then.
Result<void> append_round(
    detail::HeadState& state, detail::Admission& admission, AppendMemory& memory
) {
    order_by_shard(state, admission.request, memory);
    admission.log.clear();
    memory.deferred.clear();
    memory.staged.resize(state.shards.size());
    const auto shard_indices = [&](std::size_t shard) {
        const std::size_t begin = memory.begins[shard];
        return std::span(memory.indices).subspan(begin, memory.begins[shard + 1] - begin);
    };
    for (std::size_t i = 0; i < state.shards.size(); ++i) {
        memory.staged[i].clear();
        if (shard_indices(i).empty()) continue;
        state.shards[i]->with([&](detail::HeadShard& shard) {
            shard.check(admission, shard_indices(i), memory.staged[i], memory.deferred);
        });
    }
    if (admission.with_exemplars) check_exemplars(state, admission, memory);

    const auto records = admission.log.records();
    const Result<void> logged = records.empty() ? Result<void>() : state.wal->log(records);
    bool any_staged = false;
    for (std::size_t i = 0; i < state.shards.size(); ++i) {
        if (memory.staged[i].empty()) continue;
        any_staged = true;
        state.shards[i]->with([&](detail::HeadShard& shard) {
            if (logged) {
                shard.apply(admission, memory.staged[i]);
            } else {
                shard.release(memory.staged[i]);
            }
        });
    }
    if (logged) state.cover(admission.times);
    if (logged && admission.with_exemplars) apply_exemplars(state, admission, memory);
    if (any_staged) {
        state.rounds.fetch_add(1);
        state.rounds.notify_all();
    }
    return logged;
}

}  // namespace

Result<AppendOutcome> Head::append(const model::WriteRequest& request, const AppendLimits& limits) {
    static thread_local AppendMemory memory;
    const detail::TimePins::Pin pin(state_->appends, state_->oldest_wanted());
    AppendOutcome outcome;
    detail::Admission admission{
        .request = request,
        .floor = pin.time(),
        .max_series = limits.max_series,
        .with_exemplars = state_->options.max_exemplars > 0 && !request.exemplars.empty(),
        .counters = state_->counters,
        .log = memory.log,
        .outcome = outcome,
    };
    memory.todo.resize(request.series.size());
    std::iota(memory.todo.begin(), memory.todo.end(), 0U);
    while (!memory.todo.empty()) {
        const std::uint32_t rounds = state_->rounds.load();
        MIMIR_TRY(append_round(*state_, admission, memory));
        memory.todo.swap(memory.deferred);
        // Who holds the series says when it is done. Our own round counts: the series may be in the request twice.
        if (!memory.todo.empty()) state_->rounds.wait(rounds);
    }
    if (state_->chunk_files->wants_flush()) {
        // A failure is counted, and the chunks stay in memory for the next attempt.
        static_cast<void>(state_->chunk_files->flush(detail::ChunkFiles::Flush::full_blocks));
    }
    return outcome;
}

}  // namespace mimir::tsdb
