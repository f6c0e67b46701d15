#include "rpc/query_scheduler_directory.hpp"

#include <algorithm>

#include "rpc/remote_query_scheduler.hpp"

namespace mimir::rpc {

std::vector<QuerySchedulerEntry> QuerySchedulerPool::running() const {
    std::vector<QuerySchedulerEntry> found;
    const ring::Identity& self = environment_.identity;
    if (local()) found.push_back({.id = self.id, .address = self.address});
    const auto view = environment_.ring.view();
    const auto now = environment_.clock.steady_now();
    const auto members = view->members();
    for (ring::MemberIndex i = 0; i < members.size(); ++i) {
        const ring::Instance& instance = *members[i].instance;
        // What is to be written to is ACTIVE.
        if (instance.id == self.id || !view->is_healthy(i, ring::Operation::write, now)) continue;
        found.push_back({.id = instance.id, .address = instance.address});
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::shared_ptr<QueryScheduler> QuerySchedulerPool::at(const QuerySchedulerEntry& entry) {
    if (entry.id == environment_.identity.id) return local();
    return std::make_shared<RemoteQueryScheduler>(environment_.peers.at(entry.address));
}

}  // namespace mimir::rpc
