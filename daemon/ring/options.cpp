#include "ring/options.hpp"

#include <fmt/format.h>

namespace mimir::ring {
namespace {

using config::Category;
using namespace std::chrono_literals;

constexpr std::size_t kTokensMax = 65536;

/// Declares options of one section; their names are put together here.
class Section {
  public:
    Section(config::Declarer& d, std::string_view section, std::string_view flag_prefix)
        : d_(d), section_(section), flag_prefix_(flag_prefix) {}

    template <class T>
    void option(T& field, std::string_view name, config::OptionSpec<T> spec) {
        const std::string key = fmt::format("{}.{}", section_, name);
        std::string flag = fmt::format("{}.{}", flag_prefix_, name);
        for (char& c : flag) {
            if (c == '_') c = '-';
        }
        spec.key = key;
        spec.flag = flag;
        d_.option(field, std::move(spec));
    }

  private:
    config::Declarer& d_;
    std::string_view section_;
    std::string_view flag_prefix_;
};

void declare_member(Section& s, RingSettings& o) {
    s.option(
        o.heartbeat_period,
        "heartbeat_period",
        {
            .help = "How often this instance tells the ring that it is there.",
            .category = Category::advanced,
            .min = 100ms,
        }
    );
    s.option(
        o.heartbeat_timeout,
        "heartbeat_timeout",
        {
            .help =
                "A member of which no heartbeat was seen for so long is taken for dead. Several "
                "heartbeat periods.",
            .category = Category::advanced,
            .min = 300ms,
        }
    );
    s.option(
        o.instance_id,
        "instance_id",
        {.help = "Name of this instance, unique in its ring. Empty for the host's name.",
         .category = Category::advanced}
    );
    s.option(
        o.instance_addr,
        "instance_addr",
        {.help = "Address that others reach this instance at. Empty to find it out.",
         .category = Category::advanced}
    );
    s.option(
        o.instance_port,
        "instance_port",
        {.help = "Port that others reach this instance at. 0 for server.internal_listen_port.",
         .category = Category::advanced}
    );
    s.option(
        o.instance_interface_names,
        "instance_interface_names",
        {.help = "Network interfaces of which the first with a private address gives "
                 "instance_addr. Empty for all.",
         .category = Category::advanced}
    );
    s.option(
        o.instance_availability_zone,
        "instance_availability_zone",
        {.help = "Zone of this instance: what fails together."}
    );
}

void declare_tokens(Section& s, RingSettings& o) {
    s.option(
        o.replication_factor,
        "replication_factor",
        {
            .help = "Copies of each series, the same for all processes of a cluster. 0 for 3 with "
                    "etcd, else 1.",
            .min = 0,
            .max = kReplicationFactorMax,
        }
    );
    s.option(
        o.zone_awareness_enabled,
        "zone_awareness_enabled",
        {.help = "Keep the copies of a series in different zones. Every instance needs "
                 "instance_availability_zone then."}
    );
    s.option(
        o.excluded_zones,
        "excluded_zones",
        {.help = "Zones whose members get and answer nothing, as before they are taken down.",
         .category = Category::advanced}
    );
    s.option(
        o.num_tokens,
        "num_tokens",
        {
            .help = "Tokens of this instance: its share of the series is in proportion to them.",
            .category = Category::advanced,
            .min = 1,
            .max = kTokensMax,
        }
    );
    s.option(
        o.tokens_file_path,
        "tokens_file_path",
        {.help = "File that keeps the tokens over restarts. Empty for one beside the data."}
    );
    s.option(
        o.unregister_on_shutdown,
        "unregister_on_shutdown",
        {.help =
             "Leave the ring when stopping, so that others get the series at once. Off, a short "
             "restart moves none.",
         .category = Category::advanced}
    );
    s.option(
        o.min_ready_duration,
        "min_ready_duration",
        {.help = "How long after it has joined an instance says that it is ready.",
         .category = Category::advanced}
    );
    s.option(
        o.observe_period,
        "observe_period",
        {.help = "How long an instance watches for others with its tokens before it is ACTIVE.",
         .category = Category::advanced}
    );
    s.option(
        o.final_sleep,
        "final_sleep",
        {.help = "How long to go on answering after having left the ring.",
         .category = Category::advanced}
    );
}

}  // namespace

void declare(
    config::Declarer& d,
    RingSettings& o,
    std::string_view section,
    std::string_view flag_prefix,
    RingKind kind
) {
    kv::declare_own(d, o.kvstore, section, flag_prefix);
    Section s(d, section, flag_prefix);
    declare_member(s, o);
    if (kind == RingKind::tokens) declare_tokens(s, o);
}

void validate(const RingSettings& o, std::string_view section, config::Findings& findings) {
    if (o.heartbeat_timeout < 2 * o.heartbeat_period) {
        findings.add(
            fmt::format("{}.heartbeat_timeout", section),
            fmt::format(
                "{} ms is less than two heartbeat periods of {} ms: one that is late would be taken "
                "for a death",
                o.heartbeat_timeout.count(),
                o.heartbeat_period.count()
            )
        );
    }
    if (o.zone_awareness_enabled && o.instance_availability_zone.empty()) {
        findings.add(
            fmt::format("{}.instance_availability_zone", section),
            "is empty, and zone_awareness_enabled needs one"
        );
    }
    if (o.instance_id.find('/') != std::string::npos) {
        findings.add(fmt::format("{}.instance_id", section), "'/' is not for names of instances");
    }
}

std::size_t replication_factor(const RingSettings& settings, kv::StoreKind store) {
    if (settings.replication_factor != 0) return settings.replication_factor;
    return store == kv::StoreKind::etcd ? 3 : 1;
}

RingOptions ring_options(const RingSettings& settings, kv::StoreKind store) {
    return {
        .replication_factor = replication_factor(settings, store),
        .zone_awareness_enabled = settings.zone_awareness_enabled,
        .excluded_zones = settings.excluded_zones,
        .heartbeat_timeout = settings.heartbeat_timeout,
    };
}

}  // namespace mimir::ring
