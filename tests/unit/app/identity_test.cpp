#include "app/identity.hpp"

#include "app/rings.hpp"
#include "support/test_support.hpp"

namespace mimir::app {
namespace {

const std::vector<InterfaceAddress> kAddresses{
    {.interface = "eth0", .address = "10.0.0.1", .is_private = true},
    {.interface = "eth1", .address = "10.1.0.1", .is_private = true},
};

Settings over_etcd() {
    Settings settings;
    settings.common.kvstore.store = kv::StoreKind::etcd;
    settings.server.internal_listen_port = 9095;
    return settings;
}

RingIdentity in_ring(const Settings& settings, std::string_view component) {
    const auto process = identify(settings, kAddresses);
    REQUIRE_OK(process);
    return ring_identity(settings, ring_row(component), *process);
}

}  // namespace

TEST_SUITE("app/identity") {
    TEST_CASE("a ring that names interfaces is joined with an address of theirs, the others are not"
    ) {
        Settings settings = over_etcd();
        settings.ingester.ring.instance_interface_names = {"eth1", "eth0"};
        const RingIdentity ingester = in_ring(settings, "ingester");
        CHECK(ingester.identity.address == "10.1.0.1:9095");
        CHECK(ingester.address_from.find("eth1") != std::string::npos);
        CHECK(ingester.address_from.find("ingester.ring.instance_addr") != std::string::npos);
        const RingIdentity querier = in_ring(settings, "querier");
        CHECK(querier.identity.address == "10.0.0.1:9095");
        CHECK(querier.address_from.find("common.instance_addr") != std::string::npos);
    }
    TEST_CASE("a ring's own address and port win over its interfaces") {
        Settings settings = over_etcd();
        settings.ingester.ring.instance_interface_names = {"eth1"};
        settings.ingester.ring.instance_port = 7000;
        CHECK(in_ring(settings, "ingester").identity.address == "10.1.0.1:7000");
        settings.ingester.ring.instance_addr = "10.2.0.1";
        const RingIdentity ingester = in_ring(settings, "ingester");
        CHECK(ingester.identity.address == "10.2.0.1:7000");
        CHECK(ingester.address_from == "ingester.ring.instance_addr");
    }
    TEST_CASE("a ring's port alone goes with the address of the process") {
        Settings settings = over_etcd();
        settings.ingester.ring.instance_port = 7000;
        CHECK(in_ring(settings, "ingester").identity.address == "10.0.0.1:7000");
        settings.common.kvstore.store = kv::StoreKind::sqlite;
        CHECK(in_ring(settings, "ingester").identity.address.starts_with("unix://"));
    }
    TEST_CASE("interfaces that are not there are an error that names the setting") {
        Settings settings = over_etcd();
        settings.querier.ring.instance_interface_names = {"wg0"};
        const auto process = identify(settings, kAddresses);
        REQUIRE_FALSE(process.has_value());
        CHECK(process.error().message.find("wg0") != std::string::npos);
        CHECK(process.error().message.find("querier.ring.instance_addr") != std::string::npos);
    }
    TEST_CASE("a ring that is kept on this host has no use for the interfaces that it names") {
        Settings settings = over_etcd();
        settings.ingester.ring.kvstore.store = "etcd";
        settings.common.kvstore.store = kv::StoreKind::sqlite;
        settings.querier.ring.instance_interface_names = {"wg0"};
        CHECK(in_ring(settings, "querier").identity.address == "10.0.0.1:9095");
    }
}

}  // namespace mimir::app
