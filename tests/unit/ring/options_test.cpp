#include "ring/options.hpp"

#include "support/test_support.hpp"

using namespace mimir;
using ring::RingKind;
using ring::RingSettings;

TEST_SUITE("ring/options") {
    TEST_CASE("a ring with tokens has Mimir's keys and flags") {
        RingSettings settings;
        config::Declarer d;
        ring::declare(d, settings, "ingester.ring", "ingester.ring", RingKind::tokens);
        for (const char* name :
             {"kvstore.store",
              "kvstore.prefix",
              "heartbeat_period",
              "heartbeat_timeout",
              "instance_id",
              "instance_addr",
              "instance_port",
              "instance_interface_names",
              "instance_availability_zone",
              "replication_factor",
              "zone_awareness_enabled",
              "excluded_zones",
              "num_tokens",
              "tokens_file_path",
              "unregister_on_shutdown",
              "min_ready_duration",
              "observe_period",
              "final_sleep"}) {
            CAPTURE(name);
            CHECK(d.find_key(std::string("ingester.ring.") + name) != nullptr);
        }
        const config::Option* factor = d.find_flag("ingester.ring.replication-factor");
        REQUIRE(factor != nullptr);
        REQUIRE_OK(factor->set("15"));
        CHECK(settings.replication_factor == 15);
        CHECK_FALSE(factor->set("16"));
        CHECK_FALSE(d.find_key("ingester.ring.num_tokens")->set("0"));
    }
    TEST_CASE("a ring that only says who is there has no tokens to set") {
        RingSettings settings;
        config::Declarer d;
        ring::declare(d, settings, "distributor.ring", "distributor.ring", RingKind::membership);
        CHECK(d.find_key("distributor.ring.heartbeat_period") != nullptr);
        CHECK(d.find_key("distributor.ring.num_tokens") == nullptr);
        CHECK(d.find_key("distributor.ring.replication_factor") == nullptr);
    }
    TEST_CASE("unset, the number of copies follows from the store") {
        RingSettings settings;
        CHECK(ring::replication_factor(settings, kv::StoreKind::etcd) == 3);
        CHECK(ring::replication_factor(settings, kv::StoreKind::sqlite) == 1);
        CHECK(ring::replication_factor(settings, kv::StoreKind::inmemory) == 1);
        settings.replication_factor = 2;
        CHECK(ring::ring_options(settings, kv::StoreKind::etcd).replication_factor == 2);
    }
    TEST_CASE("what can't work is found") {
        config::Findings findings;
        RingSettings settings;
        ring::validate(settings, "ingester.ring", findings);
        CHECK(findings.empty());
        settings.heartbeat_timeout = std::chrono::seconds(20);
        settings.zone_awareness_enabled = true;
        settings.instance_id = "a/b";
        ring::validate(settings, "ingester.ring", findings);
        CHECK(findings.size() == 3);
    }
}
