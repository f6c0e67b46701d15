#include "app/notifier.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cstdlib>
#include <future>

#include "support/test_support.hpp"

using namespace std::chrono_literals;

namespace mimir::app {
namespace {

modules::ModuleStatus module(std::string name, modules::State state, std::string error = "") {
    return {.name = std::move(name), .state = state, .since = {}, .error = std::move(error)};
}

/// A service manager that listens.
class Manager {
  public:
    explicit Manager(std::chrono::microseconds watchdog) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = folder_.path() / "notify";
        path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
        socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
        ::setenv("WATCHDOG_USEC", std::to_string(watchdog.count()).c_str(), 1);
        ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    }
    ~Manager() {
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
            ::unsetenv(name);
        ::close(socket_);
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    /// The next message; empty when none comes in time.
    std::string next(std::chrono::milliseconds at_most = 5s) {
        pollfd wait{socket_, POLLIN, 0};
        if (::poll(&wait, 1, static_cast<int>(at_most.count())) != 1) return "";
        std::string text(4096, '\0');
        const auto size = ::recv(socket_, text.data(), text.size(), 0);
        text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return text;
    }
    /// The next that is no sign of life.
    std::string next_news() {
        for (;;) {
            std::string text = next();
            if (!text.starts_with("WATCHDOG=1")) return text;
        }
    }

  private:
    test::TempDir folder_;
    int socket_ = -1;
};

}  // namespace

TEST_SUITE("app/notifier") {
    TEST_CASE("the line says what a start waits for, what failed, and what has not stopped") {
        using enum modules::State;
        CHECK(
            describe(
                {.phase = Phase::starting,
                 .target = "all",
                 .modules = {module("server", running), module("ingester", starting)},
                 .progress = "replaying"}
            ) == "starting all: 1 modules run, waiting for ingester: replaying"
        );
        CHECK(
            describe(
                {.phase = Phase::running,
                 .target = "ingester",
                 .modules = {module("server", running), module("ingester", failed, "no space left")}
                }
            ) == "running ingester: 1 modules; ingester failed: no space left"
        );
        CHECK(
            describe(
                {.phase = Phase::stopping,
                 .target = "all",
                 .modules = {module("server", stopping), module("ingester", terminated)}}
            ) == "stopping: server"
        );
    }

    TEST_CASE("a start asks for more time, and a change of the phase is told with its line") {
        Manager manager(30s);
        runtime::IoThreads io(1);
        Notifier notifier(io, [](Phase phase) {
            return phase == Phase::running ? "running" : "stopping";
        });
        CHECK(manager.next() == "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000");
        notifier.enter(Phase::running);
        CHECK(manager.next_news() == "READY=1");
        CHECK(manager.next_news() == "STATUS=running");
        notifier.refresh();  // nothing new
        notifier.reload_begins();
        CHECK(manager.next_news() == "RELOADING=1");
        notifier.reload_ended();
        CHECK(manager.next_news() == "READY=1");
        notifier.enter(Phase::stopping);
        CHECK(manager.next_news() == "STOPPING=1");
        CHECK(manager.next_news() == "STATUS=stopping");
    }

    TEST_CASE("signs of life come from the event loop: one that hangs gives none") {
        Manager manager(15ms);
        std::promise<void> release;
        runtime::IoThreads io(1);
        Notifier notifier(io, [](Phase) { return ""; });
        notifier.enter(Phase::running);
        for (int i = 0; i < 3; ++i) CHECK(!manager.next().empty());
        std::promise<void> hangs;
        asio::post(io.executor(), [&] {
            hangs.set_value();
            release.get_future().wait();
        });
        hangs.get_future().wait();
        while (!manager.next(0ms).empty()) {
        }
        CHECK(manager.next(100ms).empty());
        release.set_value();
        CHECK(manager.next() == "WATCHDOG=1");
    }

    TEST_CASE("without a manager nothing is done") {
        ::unsetenv("NOTIFY_SOCKET");
        runtime::IoThreads io(1);
        Notifier notifier(io, [](Phase) -> std::string {
            FAIL("nobody listens");
            return "";
        });
        notifier.enter(Phase::running);
        notifier.refresh();
    }
}

}  // namespace mimir::app
