#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "support/test_support.hpp"
#include "test_server.hpp"

namespace mimir::http::test {
namespace {

asio::awaitable<Response> who(Request& request) {
    const auto& peer = request.peer;
    if (!peer.credentials) co_return Response::text(200, "unknown");
    co_return Response::text(
        200,
        fmt::format("{} uid={} pid={}", peer.address, peer.credentials->uid, peer.credentials->pid)
    );
}

ServerOptions on_unix(std::string path, std::uint32_t mode = 0660) {
    return {.listen = {UnixAddress{.path = std::move(path), .mode = mode}}};
}

/// Leaves a socket file behind, as a killed process does.
void leave_stale_socket(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
}

TEST_SUITE("http/unix socket") {
    TEST_CASE("the peer's credentials reach the handler") {
        const mimir::test::TempDir dir;
        const std::string path = dir.path() / "admin.sock";
        TestServer server(on_unix(path));
        const auto route = server.router.add(
            {.methods = {Method::get}, .pattern = "/who", .module = "test", .handler = who}
        );
        BlockingClient client({.unix_path = path});
        for (int i = 0; i < 3; ++i) {
            const auto response = client.send({.target = "/who"});
            REQUIRE_OK(response);
            CHECK(response->body == fmt::format("@ uid={} pid={}", ::getuid(), ::getpid()));
        }
        CHECK(server.port() == 0);
    }

    TEST_CASE("the file has its mode while the server lives, and is gone afterwards") {
        const mimir::test::TempDir dir;
        const std::string path = dir.path() / "admin.sock";
        {
            TestServer server(on_unix(path, 0640));
            struct stat info{};
            REQUIRE(::stat(path.c_str(), &info) == 0);
            CHECK((info.st_mode & 0777) == 0640);
        }
        CHECK(!std::filesystem::exists(path));
    }

    TEST_CASE("a stale file is replaced") {
        const mimir::test::TempDir dir;
        const std::string path = dir.path() / "admin.sock";
        leave_stale_socket(path);
        TestServer server(on_unix(path));
        BlockingClient client({.unix_path = path});
        REQUIRE_OK(client.send({.target = "/hello"}));
    }

    TEST_CASE("another's socket and a file that is none are left alone") {
        const mimir::test::TempDir dir;
        const std::string path = dir.path() / "admin.sock";
        runtime::Executors executors({});
        Router router;
        SUBCASE("socket") {
            TestServer server(on_unix(path));
            const auto second =
                Server::start({executors.io, executors.query}, router, on_unix(path));
            REQUIRE(!second);
            CHECK(second.error().kind == ErrorKind::conflict);
            BlockingClient client({.unix_path = path});
            REQUIRE_OK(client.send({.target = "/hello"}));
        }
        SUBCASE("file") {
            std::ofstream(path) << "precious";
            const auto refused =
                Server::start({executors.io, executors.query}, router, on_unix(path));
            REQUIRE(!refused);
            CHECK(refused.error().kind == ErrorKind::conflict);
            CHECK(std::filesystem::file_size(path) == 8);
        }
    }

    TEST_CASE("a server takes over a socket that listens already") {
        const mimir::test::TempDir dir;
        const std::string path = dir.path() / "handed-over.sock";
        const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        {
            runtime::Executors executors({});
            Router router;
            const auto refused = Server::start(
                {executors.io, executors.query}, router, {.listen = {InheritedSocket{::dup(fd)}}}
            );
            REQUIRE(!refused);
            CHECK(refused.error().kind == ErrorKind::invalid);
        }
        REQUIRE(::listen(fd, 10) == 0);
        TestServer server({.listen = {InheritedSocket{fd}}});
        BlockingClient client({.unix_path = path});
        REQUIRE_OK(client.send({.target = "/hello"}));
    }

    TEST_CASE("addresses that cannot be are refused") {
        runtime::Executors executors({});
        Router router;
        const auto long_path =
            Server::start({executors.io, executors.query}, router, on_unix(std::string(200, 'x')));
        REQUIRE(!long_path);
        CHECK(long_path.error().kind == ErrorKind::invalid);
        const auto bad_host = Server::start(
            {executors.io, executors.query}, router, {.listen = {TcpAddress{"256.1.1.1", 0}}}
        );
        REQUIRE(!bad_host);
        CHECK(bad_host.error().kind == ErrorKind::invalid);
        TestServer server;
        const auto taken = Server::start(
            {executors.io, executors.query},
            router,
            {.listen = {TcpAddress{"127.0.0.1", server.port()}}}
        );
        REQUIRE(!taken);
        CHECK(taken.error().kind == ErrorKind::conflict);
    }

    TEST_CASE("one server listens on several addresses") {
        const mimir::test::TempDir dir;
        const std::string path = dir.path() / "s.sock";
        TestServer server(
            {.listen = {TcpAddress{"", 0}, UnixAddress{.path = path}, TcpAddress{"localhost", 0}}}
        );
        CHECK(server.server->addresses().size() == 3);
        for (const Endpoint& endpoint :
             {Endpoint{.host = "127.0.0.1", .port = server.port()},
              Endpoint{.unix_path = path},
              Endpoint{
                  .host = "localhost",
                  .port = std::get<TcpAddress>(server.server->addresses()[2]).port
              }}) {
            CAPTURE(endpoint.to_string());
            BlockingClient client(endpoint);
            REQUIRE_OK(client.send({.target = "/hello"}));
        }
    }
}

}  // namespace
}  // namespace mimir::http::test
