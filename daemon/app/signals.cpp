#include "app/signals.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

namespace mimir::app {
namespace {

sigset_t terminating() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

sigset_t awaited() {
    sigset_t set = terminating();
    sigaddset(&set, SIGHUP);
    return set;
}

}  // namespace

Result<Signals> Signals::create() {
    const sigset_t set = awaited();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);  // a client that went away is an error of its write
    const int signals = ::signalfd(-1, &set, SFD_CLOEXEC);
    const int wake = ::eventfd(0, EFD_CLOEXEC);
    if (signals < 0 || wake < 0) {
        return fail(ErrorKind::internal, "cannot wait for signals: {}", std::strerror(errno));
    }
    return Signals(signals, wake);
}

Signals::Signals(Signals&& other) noexcept
    : signal_fd_(std::exchange(other.signal_fd_, -1)),
      wake_fd_(std::exchange(other.wake_fd_, -1)) {}

Signals::~Signals() {
    if (signal_fd_ >= 0) ::close(signal_fd_);
    if (wake_fd_ >= 0) ::close(wake_fd_);
}

Signals::Event Signals::wait() {
    std::array<pollfd, 2> fds = {{{signal_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}}};
    while (::poll(fds.data(), fds.size(), -1) < 0) {
    }
    if ((fds[0].revents & POLLIN) != 0) {
        signalfd_siginfo signal{};
        (void)!::read(signal_fd_, &signal, sizeof signal);
        return signal.ssi_signo == SIGHUP ? Event::reload : Event::terminate;
    }
    std::uint64_t ignored = 0;
    (void)!::read(wake_fd_, &ignored, sizeof ignored);
    return Event::woken;
}

void Signals::wake() {
    const std::uint64_t one = 1;
    (void)!::write(wake_fd_, &one, sizeof one);
}

void Signals::terminate() {
    // A second one would end the process at once, as a second signal of an operator is meant to.
    static std::atomic<bool> asked = false;
    if (!asked.exchange(true)) ::kill(::getpid(), SIGTERM);
}

void Signals::restore() {
    const sigset_t set = terminating();
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace mimir::app
