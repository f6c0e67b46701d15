#include "rpc/querier_directory.hpp"

namespace mimir::rpc {

bool QuerierPool::is_local(const Assignment& assignment) const {
    return assignment.querier_id == environment_.local_id;
}

Result<std::shared_ptr<QueryRunner>> QuerierPool::runner(const Assignment& assignment) {
    if (!is_local(assignment)) {
        return environment_.remote(environment_.peers.at(assignment.address), assignment.ticket);
    }
    const auto querier = environment_.local.get();
    if (!querier) return fail(ErrorKind::unavailable, "module querier is not running");
    return querier->runner(assignment.ticket);
}

}  // namespace mimir::rpc
