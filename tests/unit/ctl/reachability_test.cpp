#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "api/problems.hpp"
#include "canned_daemon.hpp"

namespace mimir::ctl::test {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

int bound_socket(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return fd;
}

/// Answers each connection with these bytes and closes it.
class RawServer {
  public:
    RawServer(const std::string& path, std::string answer) : fd_(bound_socket(path)) {
        REQUIRE(::listen(fd_, 8) == 0);
        thread_ = std::thread([this, answer = std::move(answer)] {
            for (;;) {
                const int peer = ::accept(fd_, nullptr, nullptr);
                if (peer < 0) return;
                char request[4096];
                if (::recv(peer, request, sizeof request, 0) > 0) {
                    (void)::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
                }
                ::close(peer);
            }
        });
    }
    ~RawServer() {
        ::shutdown(fd_, SHUT_RDWR);
        thread_.join();
        ::close(fd_);
    }
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;

  private:
    const int fd_;
    std::thread thread_;
};

TEST_SUITE("ctl/reachability") {
    TEST_CASE("without a socket file it says where it looked") {
        const mimir::test::TempDir dir;
        const Setup setup{
            .variables = {{"XDG_RUNTIME_DIR", dir.path().string()}},
            .system_socket = dir.path() / "system.sock"
        };
        const Ran ran = run_ctl({"modules"}, setup);
        CHECK(ran.code == 7);
        CHECK(ran.out == "");
        CHECK(contains(
            ran.err,
            "there is no socket at " + setup.system_socket + ", nor at " + dir.path().string() +
                "/mimird/admin.sock"
        ));
        CHECK(contains(ran.err, "is mimird running?"));

        Setup root = setup;
        root.uid = 0;
        CHECK_FALSE(contains(run_ctl({"modules"}, root).err, "nor at"));
        CHECK(contains(
            run_ctl({"modules", "--socket", "/nonexistent/x"}).err,
            "there is no socket at /nonexistent/x\n"
        ));
    }

    TEST_CASE("the system's socket comes before the user's own where it is there") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/modules", "[]");
        CHECK(run_ctl({"modules", "-o", "json"}, {.system_socket = daemon.socket()}).out == "[]\n");

        const mimir::test::TempDir dir;
        std::filesystem::create_directory(dir.path() / "mimird");
        std::filesystem::create_symlink(daemon.socket(), dir.path() / "mimird/admin.sock");
        const Setup own{.variables = {{"XDG_RUNTIME_DIR", dir.path().string()}}};
        CHECK(run_ctl({"modules", "-o", "json"}, own).out == "[]\n");
    }

    TEST_CASE("a file that a dead daemon left behind is told apart") {
        const mimir::test::TempDir dir;
        const std::string path = dir.path() / "admin.sock";
        ::close(bound_socket(path));
        const Ran ran = run_ctl({"modules", "--socket", path});
        CHECK(ran.code == 7);
        CHECK(contains(ran.err, "nobody listens at"));
    }

    TEST_CASE("a file that is no socket is told apart") {
        const mimir::test::TempDir dir;
        const std::string path = dir.path() / "admin.sock";
        {
            std::ofstream(path) << "text";
        }
        const Ran ran = run_ctl({"modules", "--socket", path});
        CHECK(ran.code == 7);
        CHECK(contains(ran.err, "is not a socket"));
    }

    TEST_CASE(
        "who may not open the socket is told which group may" * doctest::skip(::geteuid() == 0)
    ) {
        const mimir::test::TempDir dir;
        const std::string path = dir.path() / "admin.sock";
        const int fd = bound_socket(path);
        REQUIRE(::listen(fd, 1) == 0);
        REQUIRE(::chmod(path.c_str(), 0) == 0);
        const Ran ran = run_ctl({"modules", "--socket", path});
        ::close(fd);
        CHECK(ran.code == 4);
        CHECK(contains(ran.err, "as a member of group"));
    }

    TEST_CASE("what is not HTTP is not mimird") {
        const mimir::test::TempDir dir;
        const std::string path = dir.path() / "admin.sock";
        const RawServer server(path, "220 mail.example.org ESMTP\r\n");
        const Ran ran = run_ctl({"modules", "--socket", path});
        CHECK(ran.code == 7);
        CHECK(contains(ran.err, "is not mimird"));
    }

    TEST_CASE("a connection that is closed without an answer is said to be that") {
        const mimir::test::TempDir dir;
        const std::string path = dir.path() / "admin.sock";
        const RawServer server(path, "");
        const Ran ran = run_ctl({"modules", "--socket", path});
        CHECK(ran.code == 7);
        CHECK(contains(ran.err, "closed the connection without an answer"));
    }

    TEST_CASE("HTTP that is not mimird's is told apart by asking for the version") {
        CannedDaemon daemon;
        daemon.on_get("/admin/v1/status", "<html>");
        const Ran missing = run_ctl(daemon, {"modules"});
        CHECK(missing.code == 7);
        CHECK(contains(missing.err, "is not mimird (HTTP status 404)"));
        CHECK(run_ctl(daemon, {"status", "-o", "json"}).code == 7);
        CHECK(run_ctl(daemon, {"status"}).code == 7);
    }

    TEST_CASE("a daemon that speaks other versions of the API is named") {
        CannedDaemon daemon;
        daemon.on_get(
            "/admin/version", R"({"version":"7.0.0","api_min":3,"api_max":5,"new":true})"
        );
        const Ran ran = run_ctl(daemon, {"modules"});
        CHECK(ran.code == 7);
        CHECK(contains(ran.err, "mimird 7.0.0 serves versions 3 to 5, this mimirctl speaks 1 to 1")
        );
    }

    TEST_CASE("a daemon of this version that answers otherwise is a failure of its own") {
        CannedDaemon daemon;
        daemon.on_get("/admin/version", R"({"version":"0.1.0","api_min":1,"api_max":1})");
        daemon.on_get("/admin/v1/modules", R"([{"name":7}])");
        const Ran ran = run_ctl(daemon, {"modules"});
        CHECK(ran.code == 1);
        CHECK(contains(ran.err, "want a string"));
    }

    TEST_CASE("503 without a problem is a daemon with too many connections") {
        CannedDaemon daemon;
        daemon.on(http::Method::get, "/admin/v1/modules", [](const http::Request&) {
            return http::Response::text(503, "too many connections");
        });
        const Ran ran = run_ctl(daemon, {"modules"});
        CHECK(ran.code == 7);
        CHECK(contains(ran.err, "too many connections"));
    }

    TEST_CASE("every problem code has its exit code, and unknown ones that of the HTTP status") {
        CannedDaemon daemon;
        std::string code;
        int status = 0;
        daemon.on(http::Method::get, "/admin/v1/modules", [&](const http::Request&) {
            return CannedDaemon::problem(code, "for a reason", status);
        });
        for (const api::ProblemKind& kind : api::problem_kinds()) {
            if (kind.code == "path-unknown") continue;  // the version is asked for then
            code = kind.code;
            CAPTURE(code);
            const Ran ran = run_ctl(daemon, {"modules"});
            CHECK(ran.code == static_cast<int>(kind.exit_code));
            CHECK(ran.out == "");
            CHECK(contains(ran.err, "it was not done: for a reason"));
            CHECK(contains(ran.err, "next: do something else"));
            CHECK(contains(ran.err, "`mimirctl explain " + code + "`"));
            CHECK(contains(ran.err, "request: r-1"));
        }
        const std::pair<int, int> statuses[] = {
            {400, 2}, {404, 3}, {403, 4}, {409, 5}, {504, 6}, {500, 1}
        };
        code = "from-the-future";
        for (const auto& [http, exit] : statuses) {
            status = http;
            CHECK(run_ctl(daemon, {"modules"}).code == exit);
        }
    }
}

}  // namespace
}  // namespace mimir::ctl::test
