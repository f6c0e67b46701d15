#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "http/client.hpp"
#include "support/test_support.hpp"

namespace mimir::test {

/// A port of the loopback on which nobody listens.
std::uint16_t free_port();

/// One member of an etcd cluster as a process, killed with this object.
class EtcdServer {
  public:
    struct Member {
        std::string name;
        std::uint16_t client_port = free_port();
        std::uint16_t peer_port = free_port();
    };
    struct Tls {
        std::filesystem::path certificate;
        std::filesystem::path key;
        std::filesystem::path client_ca;
    };

    /// Of a cluster of its own.
    explicit EtcdServer(const std::filesystem::path& dir, std::optional<Tls> tls = std::nullopt);
    EtcdServer(const std::filesystem::path& dir, Member member, const std::vector<Member>& cluster);
    ~EtcdServer();
    EtcdServer(const EtcdServer&) = delete;
    EtcdServer& operator=(const EtcdServer&) = delete;

    void start();
    /// kill -9
    void kill();
    void signal(int number) const;
    [[nodiscard]] bool is_healthy() const;

    /// One call of the JSON gateway; returns the body of a good answer.
    Result<std::string> call(std::string path, std::string body) const;
    [[nodiscard]] bool is_leader() const;

    [[nodiscard]] std::uint16_t port() const { return member_.client_port; }
    [[nodiscard]] std::string url() const;

  private:
    const Member member_;
    const std::string cluster_;
    const std::filesystem::path dir_;
    const std::optional<Tls> tls_;
    ::pid_t pid_ = 0;
};

/// A TCP port that leads to another one, for as long as the test says.
class Proxy {
  public:
    explicit Proxy(std::uint16_t to);
    ~Proxy();
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// Closes all connections, and new ones at once.
    void cut();
    /// Forwards nothing any more, on connections that are there and on new ones, without closing them.
    void freeze();
    /// The same for those that are there only.
    void freeze_present();
    /// New connections are as they should be; those that were frozen stay so.
    void mend();
    [[nodiscard]] std::size_t connections() const;

  private:
    struct Pair;
    enum class Mode : std::uint8_t { forward, cut, frozen };

    void accept_all();
    static void pump(Pair& pair);

    const std::uint16_t to_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<Mode> mode_ = Mode::forward;
    std::atomic<bool> over_ = false;
    mutable std::mutex mutex_;
    std::list<Pair> pairs_;
    std::thread thread_;
};

}  // namespace mimir::test
