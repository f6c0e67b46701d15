#include "app/discovery.hpp"

namespace mimir::app {

std::vector<gateway::Upstream> discover(Wiring& wiring, std::string_view module) {
    std::vector<gateway::Upstream> upstreams;
    const auto read = wiring.ring_slot(module).get();
    if (!read) return upstreams;
    const std::string self = wiring.identity_in(module).id;
    const auto view = read->view();
    const auto now = wiring.clock.steady_now();
    for (ring::MemberIndex i = 0; i < view->members().size(); ++i) {
        const ring::Instance& instance = *view->members()[i].instance;
        upstreams.push_back({
            .instance = instance.id,
            .address = instance.address,
            .local = instance.id == self,
            .healthy = instance.state == ring::InstanceState::active &&
                       view->is_healthy(i, ring::Operation::read, now),
        });
    }
    return upstreams;
}

}  // namespace mimir::app
