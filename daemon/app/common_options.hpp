#pragma once

#include <string>
#include <vector>

#include "config/declarer.hpp"
#include "config/findings.hpp"
#include "kv/options.hpp"

namespace mimir::app {

/// TLS between the processes of a cluster, both ways. Paths of PEM files.
struct InternalTlsOptions {
    std::string cert_path;
    std::string key_path;
    std::string ca_path;
    std::string server_name;

    [[nodiscard]] bool enabled() const { return !cert_path.empty(); }
};

/// The section `common`: what a process is to others, and where they share state.
struct CommonOptions {
    std::string cluster_name = "mimird";
    kv::Options kvstore;
    /// Empty: the host's name, with node.name behind it.
    std::string instance_id;
    /// Empty: picked, see identity.hpp. "host", "host:port" or "unix:///path".
    std::string instance_addr;
    std::vector<std::string> instance_interface_names;
    std::string instance_availability_zone;
    InternalTlsOptions internal_tls;
};

void declare(config::Declarer& d, CommonOptions& options);
void validate(const CommonOptions& options, config::Findings& findings);

}  // namespace mimir::app
