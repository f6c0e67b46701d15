#include "launch/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

namespace mimir::launch {
namespace {

std::string text_of(int error) { return std::generic_category().message(error); }

/// What systemd told this process only.
bool is_ours_alone(std::string_view variable) {
    for (const std::string_view prefix : {"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_"}) {
        if (variable.starts_with(prefix)) return true;
    }
    return false;
}

struct SpawnSettings {
    SpawnSettings() {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        ::posix_spawnattr_init(&attributes);
        sigset_t signals;
        sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes, &signals);
        sigfillset(&signals);
        ::posix_spawnattr_setsigdefault(&attributes, &signals);
        ::posix_spawnattr_setpgroup(&attributes, 0);
        constexpr int kFlags =
            POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
        ::posix_spawnattr_setflags(&attributes, kFlags);
    }
    ~SpawnSettings() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
};

}  // namespace

Result<Child> Child::of(pid_t pid, bool is_own) {
    const long descriptor = ::syscall(SYS_pidfd_open, pid, 0);
    if (descriptor < 0) {
        return fail(ErrorKind::unavailable, "process {} can't be watched: {}", pid, text_of(errno));
    }
    return Child(pid, static_cast<int>(descriptor), is_own);
}

Result<Child> Child::spawn(
    const std::filesystem::path& program, const std::vector<std::string>& arguments
) {
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    std::vector<char*> environment;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        if (!is_ours_alone(*variable)) environment.push_back(*variable);
    }
    environment.push_back(nullptr);

    const SpawnSettings settings;
    pid_t pid = 0;
    const int error = ::posix_spawn(
        &pid,
        program.c_str(),
        &settings.actions,
        &settings.attributes,
        argv.data(),
        environment.data()
    );
    if (error != 0) {
        return fail(
            ErrorKind::unavailable, "{} can't be started: {}", program.native(), text_of(error)
        );
    }
    return of(pid, true);
}

Result<std::optional<Child>> Child::listening_at(const std::filesystem::path& socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.native().size() >= sizeof(address.sun_path)) {
        return fail(
            ErrorKind::unavailable, "the path {} is too long for a socket", socket.native()
        );
    }
    std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
    const int connection = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0) return fail(ErrorKind::unavailable, "no socket: {}", text_of(errno));
    const auto close = [connection] { ::close(connection); };
    if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        const int error = errno;
        close();
        if (error == ENOENT || error == ECONNREFUSED) return std::optional<Child>();
        return fail(ErrorKind::unavailable, "{}: {}", socket.native(), text_of(error));
    }
    ucred peer{};
    socklen_t size = sizeof(peer);
    const bool known = ::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    // While the connection stands its other end lives: the number is its own.
    auto child = known ? of(peer.pid, false)
                       : fail(ErrorKind::unavailable, "{}: {}", socket.native(), text_of(errno));
    close();
    if (!child) return tl::unexpected(std::move(child).error());
    return std::optional<Child>(*std::move(child));
}

Child::Child(Child&& other) noexcept
    : pid_(other.pid_), descriptor_(std::exchange(other.descriptor_, -1)), is_own_(other.is_own_) {}

Child& Child::operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(is_own_, other.is_own_);
    return *this;
}

Child::~Child() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

std::optional<std::string> Child::ended() const {
    if (!is_own_) {
        pollfd waited{.fd = descriptor_, .events = POLLIN, .revents = 0};
        if (::poll(&waited, 1, 0) == 0) return {};
        return "ended";
    }
    siginfo_t how{};
    const auto descriptor = static_cast<id_t>(descriptor_);
    if (::waitid(P_PIDFD, descriptor, &how, WEXITED | WNOHANG) != 0) return "ended";
    if (how.si_pid == 0) return {};
    return fmt::format(
        "{} {}", how.si_code == CLD_EXITED ? "exit status" : "killed by signal", how.si_status
    );
}

void Child::signal(int number) const {
    ::syscall(SYS_pidfd_send_signal, descriptor_, number, nullptr, 0);
}

}  // namespace mimir::launch
