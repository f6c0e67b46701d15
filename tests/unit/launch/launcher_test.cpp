#include "launch/launcher.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "support/test_support.hpp"

namespace mimir::launch {
namespace {

using namespace std::chrono_literals;
using test::eventually;

struct World {
    test::TempDir dir;
    std::unique_ptr<Launcher> launcher = make();

    static std::unique_ptr<Launcher> make() {
        return create_supervisor(
            {.program = FAKE_PROCESS, .backoff_min = 10ms, .backoff_max = 40ms, .restarts_max = 3},
            {}
        );
    }
    [[nodiscard]] ProcessSpec spec(const std::string& how, const std::string& name = "querier")
        const {
        const auto socket = dir.path() / (name + ".sock");
        return {.name = name, .arguments = {socket.string(), how}, .admin_socket = socket};
    }
    [[nodiscard]] ProcessStatus status() const {
        const auto all = launcher->list();
        return all.size() == 1 ? all.front() : ProcessStatus{.name = "none or many"};
    }
    [[nodiscard]] bool becomes(ProcessState state) const {
        return eventually(20s, [&] {
            const auto now = status();
            return now.name == "querier" && now.state == state;
        });
    }
    ~World() { CHECK(launcher->stop(spec("ready"), 10s).has_value()); }
};

TEST_SUITE("launch/supervisor") {
    TEST_CASE("a process is started, found ready, and stopped") {
        World world;
        const int open = ::open("/dev/null", O_RDONLY);  // not for children
        world.launcher->start(world.spec("ready"));
        CHECK(world.becomes(ProcessState::running));
        const auto status = world.status();
        CHECK(status.pid > 0);
        CHECK(status.error.empty());
        world.launcher->start(world.spec("ready"));
        CHECK(world.status().pid == status.pid);
        REQUIRE_OK(world.launcher->stop(world.spec("ready"), 10s));
        CHECK(world.launcher->list().empty());
        CHECK(::kill(status.pid, 0) != 0);
        ::close(open);
    }

    TEST_CASE("one that is killed comes back") {
        World world;
        world.launcher->start(world.spec("ready"));
        REQUIRE(world.becomes(ProcessState::running));
        const int pid = world.status().pid;
        ::kill(pid, SIGKILL);
        CHECK(eventually(20s, [&] {
            const auto now = world.status();
            return now.state == ProcessState::running && now.pid != pid;
        }));
        CHECK(world.status().restarts == 1);
    }

    TEST_CASE("one that ends again and again is given up, and may be started anew") {
        World world;
        world.launcher->start(world.spec("ends"));
        CHECK(world.becomes(ProcessState::failed));
        CHECK(world.status().error == "exit status 7");
        CHECK(world.status().restarts == 3);
        world.launcher->start(world.spec("ready"));
        CHECK(world.becomes(ProcessState::running));
    }

    TEST_CASE("a program that is not there is an end like others") {
        World world;
        world.launcher = create_supervisor(
            {.program = "/no/such/program", .backoff_min = 1ms, .restarts_max = 1}, {}
        );
        world.launcher->start(world.spec("ready"));
        CHECK(world.becomes(ProcessState::failed));
        CHECK(world.status().error.find("/no/such/program") != std::string::npos);
    }

    TEST_CASE("why one is not ready is known") {
        World world;
        world.launcher->start(world.spec("starting"));
        CHECK(eventually(20s, [&] {
            return world.status().error.find("the soup is not done") != std::string::npos;
        }));
        CHECK(world.status().state == ProcessState::starting);
    }

    TEST_CASE("what a former launcher left is taken over, and not doubled") {
        World world;
        world.launcher->start(world.spec("ready"));
        REQUIRE(world.becomes(ProcessState::running));
        const int pid = world.status().pid;
        world.launcher = World::make();
        CHECK(world.launcher->list().empty());
        SUBCASE("and kept") {
            world.launcher->start(world.spec("ready"));
            CHECK(world.becomes(ProcessState::running));
            CHECK(world.status().pid == pid);
            ::kill(pid, SIGKILL);
            CHECK(eventually(20s, [&] {
                const auto now = world.status();
                return now.state == ProcessState::running && now.pid != pid;
            }));
        }
        SUBCASE("or stopped, when nobody wants it") {
            REQUIRE_OK(world.launcher->stop(world.spec("ready"), 10s));
            CHECK(world.launcher->list().empty());
        }
    }

    TEST_CASE("one that does not listen is killed after its grace") {
        World world;
        world.launcher->start(world.spec("deaf"));
        REQUIRE(world.becomes(ProcessState::running));
        const auto stopped = world.launcher->stop(world.spec("deaf"), 50ms);
        REQUIRE(!stopped);
        CHECK(stopped.error().kind == ErrorKind::timeout);
        CHECK(world.launcher->list().empty());
    }

    TEST_CASE("stopping what is not there is nothing") {
        World world;
        REQUIRE_OK(world.launcher->stop(world.spec("ready"), 1s));
    }
}

}  // namespace
}  // namespace mimir::launch
