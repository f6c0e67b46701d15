#include "components/distributor/quorum.hpp"

namespace mimir::distributor {

bool is_client_error(const Error& error) {
    switch (error.kind) {
        case ErrorKind::invalid:
        case ErrorKind::limit:
        case ErrorKind::conflict: return true;
        default: return false;
    }
}

Quorum::Quorum(std::span<const ring::ReplicationSet> groups) : undecided_(groups.size()) {
    groups_.reserve(groups.size());
    for (const ring::ReplicationSet& set : groups) {
        groups_.push_back(
            {.needed = set.needed, .failures_max = set.failures_max, .awaited = set.count}
        );
        if (set.has_quorum()) continue;
        server_error_ = Error{
            ErrorKind::unavailable,
            {},
            fmt::format(
                "at least {} live replicas required, could only find {}: too few ingesters are running", set.needed, set.count
            )
        };
        groups_.back().decided = true;
        --undecided_;
    }
    // Those that have their quorum are stored all the same.
    if (server_error_) verdict_ = tl::unexpected(*server_error_);
}

void Quorum::count(std::span<const std::uint32_t> groups, const Result<void>& answer) {
    if (verdict_) return;
    const bool client = !answer && is_client_error(answer.error());
    if (!answer) (client ? client_error_ : server_error_) = answer.error();
    for (const std::uint32_t index : groups) {
        Group& group = groups_[index];
        --group.awaited;
        if (answer) {
            ++group.succeeded;
        } else {
            ++(client ? group.client_errors : group.server_errors);
        }
        if (!group.decided) decide(group);
    }
    if (verdict_ || undecided_ > 0) return;
    if (lost_to_client_) {
        verdict_ = tl::unexpected(*client_error_);
    } else {
        verdict_.emplace();
    }
}

void Quorum::decide(Group& group) {
    const bool stored = group.succeeded >= group.needed;
    const bool failed = group.client_errors > group.failures_max ||
                        group.server_errors > group.failures_max || group.awaited == 0;
    if (!stored && !failed) return;
    group.decided = true;
    --undecided_;
    if (!stored) lose(group);
}

void Quorum::lose(Group& group) {
    // When neither family alone was too many, what can be mended by sending again comes first.
    if (group.client_errors > group.failures_max || group.server_errors == 0) {
        lost_to_client_ = true;
    } else {
        verdict_ = tl::unexpected(*server_error_);
    }
}

}  // namespace mimir::distributor
