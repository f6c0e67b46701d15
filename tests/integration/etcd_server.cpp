#include "etcd_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

namespace mimir::test {
namespace {

using namespace std::chrono_literals;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

bool is_bound(int fd, std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

std::string peers_of(const std::vector<EtcdServer::Member>& cluster) {
    std::string text;
    for (const auto& [name, client_port, peer_port] : cluster) {
        text += fmt::format("{}{}=http://127.0.0.1:{}", text.empty() ? "" : ",", name, peer_port);
    }
    return text;
}

}  // namespace

std::uint16_t free_port() {
    std::random_device random;
    for (;;) {
        // Below the range that the kernel gives to outgoing connections.
        const auto port = static_cast<std::uint16_t>(20'000 + random() % 12'000);
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const bool is_free = is_bound(fd, port);
        ::close(fd);
        if (is_free) return port;
    }
}

EtcdServer::EtcdServer(const std::filesystem::path& dir, std::optional<Tls> tls)
    : member_({.name = "alone"}),
      cluster_(peers_of({member_})),
      dir_(dir / "alone"),
      tls_(std::move(tls)) {}

EtcdServer::EtcdServer(
    const std::filesystem::path& dir, Member member, const std::vector<Member>& cluster
)
    : member_(std::move(member)), cluster_(peers_of(cluster)), dir_(dir / member_.name) {}

EtcdServer::~EtcdServer() { kill(); }

void EtcdServer::start() {
    const std::string peer = fmt::format("http://127.0.0.1:{}", member_.peer_port);
    std::vector<std::string> words = {
        "etcd",
        "--name",
        member_.name,
        "--data-dir",
        dir_.native(),
        "--listen-client-urls",
        url(),
        "--advertise-client-urls",
        url(),
        "--listen-peer-urls",
        peer,
        "--initial-advertise-peer-urls",
        peer,
        "--initial-cluster",
        cluster_,
        "--unsafe-no-fsync",
    };
    if (tls_) {
        words.insert(
            words.end(),
            {"--cert-file",
             tls_->certificate.native(),
             "--key-file",
             tls_->key.native(),
             "--client-cert-auth",
             "--trusted-ca-file",
             tls_->client_ca.native()}
        );
    }
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const std::string log = dir_.native() + ".log";
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(out, 1);
        ::dup2(out, 2);
        ::execvp("etcd", arguments.data());
        ::_exit(127);  // tools/fetch-peers.sh etcd-server brings it
    }
}

void EtcdServer::kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

void EtcdServer::signal(int number) const { ::kill(pid_, number); }

bool EtcdServer::is_healthy() const {
    if (tls_) return true;  // asked by those who have a certificate
    http::BlockingClient client({.host = "127.0.0.1", .port = port()});
    const auto answer = client.send({.target = "/health", .headers = {}, .body = ""});
    return answer && answer->body.find("true") != std::string::npos;
}

Result<std::string> EtcdServer::call(std::string path, std::string body) const {
    http::BlockingClient client({.host = "127.0.0.1", .port = port()});
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    auto answer = client.send(
        {.method = http::Method::post,
         .target = std::move(path),
         .headers = {},
         .body = std::move(body)},
        CancellationToken::create(deadline)
    );
    if (!answer) return tl::unexpected(std::move(answer).error());
    if (answer->status != 200)
        return fail(ErrorKind::internal, "{}: {}", answer->status, answer->body);
    return std::move(answer->body);
}

bool EtcdServer::is_leader() const {
    const auto body = call("/v3/maintenance/status", "{}");
    if (!body) return false;
    const auto value_of = [&](std::string_view name) {
        const std::string field = fmt::format("\"{}\":\"", name);
        const auto at = body->find(field);
        if (at == std::string::npos) return std::string();
        const auto begin = at + field.size();
        return body->substr(begin, body->find('"', begin) - begin);
    };
    return !value_of("leader").empty() && value_of("leader") == value_of("member_id");
}

std::string EtcdServer::url() const {
    return fmt::format("{}://127.0.0.1:{}", tls_ ? "https" : "http", port());
}

/// A connection and the one that it leads to.
struct Proxy::Pair {
    ~Pair() {
        over = true;
        if (thread.joinable()) thread.join();
        for (const int fd : fds) ::close(fd);
    }
    int fds[2] = {-1, -1};
    std::atomic<bool> frozen = false;
    std::atomic<bool> over = false;
    std::thread thread;
};

Proxy::Proxy(std::uint16_t to)
    : to_(to), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), port_(free_port()) {
    REQUIRE(is_bound(listener_, port_));
    REQUIRE(::listen(listener_, 64) == 0);
    thread_ = std::thread([this] { accept_all(); });
}

Proxy::~Proxy() {
    over_ = true;
    thread_.join();
    ::close(listener_);
}

void Proxy::cut() {
    mode_ = Mode::cut;
    const std::lock_guard lock(mutex_);
    pairs_.clear();
}

void Proxy::freeze() {
    mode_ = Mode::frozen;
    freeze_present();
}

void Proxy::freeze_present() {
    const std::lock_guard lock(mutex_);
    for (Pair& pair : pairs_) pair.frozen = true;
}

void Proxy::mend() { mode_ = Mode::forward; }

std::size_t Proxy::connections() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(pairs_, [](const Pair& pair) {
        return !pair.over;
    }));
}

void Proxy::accept_all() {
    while (!over_) {
        pollfd ready{listener_, POLLIN, 0};
        if (::poll(&ready, 1, 20) <= 0) continue;
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in address = loopback(to_);
        const std::lock_guard lock(mutex_);
        const bool connected =
            ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
        if (mode_ == Mode::cut || !connected) {
            ::close(client);
            ::close(server);
            continue;
        }
        Pair& pair = pairs_.emplace_back();
        pair.fds[0] = client;
        pair.fds[1] = server;
        pair.frozen = mode_ == Mode::frozen;
        pair.thread = std::thread([&pair] { pump(pair); });
    }
}

void Proxy::pump(Pair& pair) {
    std::vector<char> buffer(64 << 10);
    while (!pair.over) {
        pollfd ready[2] = {{pair.fds[0], POLLIN, 0}, {pair.fds[1], POLLIN, 0}};
        if (pair.frozen) {
            ::poll(nullptr, 0, 20);
            continue;
        }
        if (::poll(ready, 2, 20) <= 0 || pair.frozen) continue;
        for (int i = 0; i < 2; ++i) {
            if (ready[i].revents == 0) continue;
            const auto size = ::recv(pair.fds[i], buffer.data(), buffer.size(), 0);
            const auto sent = size <= 0 ? 0
                                        : ::send(
                                              pair.fds[1 - i],
                                              buffer.data(),
                                              static_cast<std::size_t>(size),
                                              MSG_NOSIGNAL
                                          );
            if (sent > 0 && sent == size) continue;
            for (const int fd : pair.fds) ::shutdown(fd, SHUT_RDWR);
            pair.over = true;
        }
    }
}

}  // namespace mimir::test
