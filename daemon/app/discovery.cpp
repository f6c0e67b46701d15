#include "app/discovery.hpp"

namespace mimir::app {

namespace {

/// The primary's name: that of a process beside it is followed by what it runs.
std::string node_id(const Wiring& wiring) {
    std::string id = wiring.identity->identity.id;
    const std::string& name = wiring.settings()->node.name;
    if (!name.empty() && id.ends_with("-" + name)) id.resize(id.size() - name.size() - 1);
    return id;
}

}  // namespace

std::vector<gateway::Upstream> discover(Wiring& wiring, std::string_view module) {
    std::vector<gateway::Upstream> upstreams;
    const auto read = wiring.ring_slot(module).get();
    if (!read) return upstreams;
    const std::string self = wiring.identity_in(module).id;
    const std::string beside = fmt::format("{}-{}", node_id(wiring), module);
    const auto view = read->view();
    const auto now = wiring.clock.steady_now();
    for (ring::MemberIndex i = 0; i < view->members().size(); ++i) {
        const ring::Instance& instance = *view->members()[i].instance;
        upstreams.push_back({
            .instance = instance.id,
            .address = instance.address,
            .local = instance.id == self,
            .near = instance.id == self || instance.id.starts_with(beside),
            .healthy = instance.state == ring::InstanceState::active &&
                       view->is_healthy(i, ring::Operation::read, now),
        });
    }
    return upstreams;
}

}  // namespace mimir::app
