#include "app/common_options.hpp"

namespace mimir::app {

void declare(config::Declarer& d, CommonOptions& o) {
    using config::Category;
    d.option(
        o.cluster_name,
        {
            .key = "common.cluster_name",
            .help = "Name of the cluster. Processes whose name differs do not join one another's "
                    "rings, and refuse one another's calls.",
            .needs_process = true,
        }
    );
    kv::declare_common(d, o.kvstore);
    d.option(
        o.instance_id,
        {
            .key = "common.instance_id",
            .help = "This process' name in the rings. Empty for the host's name, followed by "
                    "node.name when that is set.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.instance_addr,
        {
            .key = "common.instance_addr",
            .help = "Where other processes reach this one: HOST, HOST:PORT or unix:///PATH. Empty "
                    "for the unix socket of the node's state folder, or, when a ring is shared "
                    "over etcd, the first private address of this host.",
            .needs_process = true,
        }
    );
    d.option(
        o.instance_interface_names,
        {
            .key = "common.instance_interface_names",
            .help = "Network interfaces of which that address is taken, in this order. Empty for "
                    "every interface that is up, but for the loopback.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.instance_availability_zone,
        {
            .key = "common.instance_availability_zone",
            .help = "Zone of this process, for rings that spread replicas over zones.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.internal_tls.cert_path,
        {
            .key = "common.internal_tls.cert_path",
            .help = "Certificate chain of this process for calls between processes over TCP, PEM. "
                    "When set, such calls are encrypted, and both sides show a certificate.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.internal_tls.key_path,
        {
            .key = "common.internal_tls.key_path",
            .help = "Key of that certificate, PEM.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.internal_tls.ca_path,
        {
            .key = "common.internal_tls.ca_path",
            .help = "Authorities that the other processes' certificates must come from, PEM.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
    d.option(
        o.internal_tls.server_name,
        {
            .key = "common.internal_tls.server_name",
            .help = "Name that their certificates must be for. Empty for the address that is "
                    "called.",
            .category = Category::advanced,
            .needs_process = true,
        }
    );
}

void validate(const CommonOptions& o, config::Findings& findings) {
    if (o.cluster_name.empty()) findings.add("common.cluster_name", "must not be empty");
    kv::validate(o.kvstore, "common.kvstore", findings);
    const InternalTlsOptions& tls = o.internal_tls;
    const bool any = !tls.cert_path.empty() || !tls.key_path.empty() || !tls.ca_path.empty();
    const auto require = [&](std::string_view key, const std::string& value) {
        if (!any || !value.empty()) return;
        findings.add(
            std::string(key),
            "must be set: common.internal_tls wants cert_path, key_path and ca_path together"
        );
    };
    require("common.internal_tls.cert_path", tls.cert_path);
    require("common.internal_tls.key_path", tls.key_path);
    require("common.internal_tls.ca_path", tls.ca_path);
}

}  // namespace mimir::app
