#include "ring/cluster.hpp"

#include <barrier>
#include <thread>

#include "fs/memory_file_system.hpp"
#include "kv/inmemory.hpp"
#include "support/test_support.hpp"

using namespace mimir;
using ring::ClusterOptions;

namespace {

struct Node {
    Result<ring::Cluster> join(kv::KvStore& store) {
        return ring::join_cluster(options, store, files, {}, random);
    }

    ClusterOptions options{
        .prefix = "collectors/",
        .name = "blue",
        .replication_factor = 3,
        .id_file = "/state/cluster"
    };
    fs::MemoryFileSystem files;
    SeededRandom random{1};
};

}  // namespace

TEST_SUITE("ring/cluster") {
    // They had one temporary file together: one gave it its name while another had just emptied it.
    TEST_CASE("the processes of a node that start at once all find a whole file") {
        for (int round = 0; round < 5; ++round) {
            kv::InMemoryKvStore store;
            const test::TempDir folder;
            fs::FileSystem& files = fs::real_file_system();
            std::vector<Result<ring::Cluster>> joined(6, fail(ErrorKind::internal, "not run"));
            std::barrier all_are_there(6);
            std::vector<std::thread> processes;
            for (std::size_t i = 0; i < joined.size(); ++i) {
                processes.emplace_back([&, i] {
                    SeededRandom random(i);
                    ClusterOptions options = Node().options;
                    options.id_file = folder.path() / "cluster";
                    all_are_there.arrive_and_wait();
                    joined[i] = ring::join_cluster(options, store, files, {}, random);
                });
            }
            for (std::thread& process : processes) process.join();
            for (const auto& one : joined) {
                REQUIRE_OK(one);
                CHECK(*one == *joined.front());
            }
        }
    }
    TEST_CASE("the first makes the record, others are of the same cluster") {
        kv::InMemoryKvStore store;
        Node first;
        Node second;
        second.random = SeededRandom(2);
        const auto made = first.join(store);
        REQUIRE_OK(made);
        CHECK(made->id.size() == 32);
        CHECK(*second.join(store) == *made);
        CHECK(*first.join(store) == *made);
        CHECK(*second.files.read_file("/state/cluster") == made->id + "\n");

        SUBCASE("a store that lost it gets the same one back") {
            kv::InMemoryKvStore empty;
            CHECK(*second.join(empty) == *made);
        }
        SUBCASE("another name is refused") {
            Node third;
            third.options.name = "green";
            const auto refused = third.join(store);
            REQUIRE_FALSE(refused);
            CHECK(refused.error().kind == ErrorKind::conflict);
            CHECK(refused.error().message.find("common.cluster_name") != std::string::npos);
            CHECK_FALSE(third.files.exists("/state/cluster"));
        }
        SUBCASE("another number of copies is refused") {
            second.options.replication_factor = 1;
            const auto refused = second.join(store);
            REQUIRE_FALSE(refused);
            CHECK(refused.error().message.find("replication_factor to 3") != std::string::npos);
        }
        SUBCASE("a node of another cluster is refused, whatever the names") {
            kv::InMemoryKvStore elsewhere;
            Node stranger;
            stranger.random = SeededRandom(3);
            REQUIRE_OK(stranger.join(elsewhere));
            const auto refused = stranger.join(store);
            REQUIRE_FALSE(refused);
            CHECK(refused.error().kind == ErrorKind::conflict);
            CHECK(refused.error().message.find("remove /state/cluster") != std::string::npos);
        }
        SUBCASE("what can't be read is never overwritten") {
            REQUIRE_OK(fs::write_file_atomically(first.files, "/state/cluster", "?\n"));
            CHECK(first.join(store).error().kind == ErrorKind::corrupt);
            const auto entry = *store.get("collectors/cluster");
            REQUIRE_OK(store.compare_and_swap("collectors/cluster", entry->version, "\xFF"));
            CHECK(second.join(store).error().kind == ErrorKind::corrupt);
        }
    }
}
