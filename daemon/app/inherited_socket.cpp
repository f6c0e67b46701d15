#include "app/inherited_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>

namespace mimir::app {
namespace {

bool listens_on(int descriptor, std::uint16_t port) {
    return ::sd_is_socket_inet(descriptor, AF_UNSPEC, SOCK_STREAM, 1, port) > 0;
}

}  // namespace

std::optional<http::InheritedSocket> inherited_socket(std::string_view name, std::uint16_t port) {
    if (port == 0) return {};
    char** names = nullptr;
    const int count = ::sd_listen_fds_with_names(0, &names);
    std::optional<http::InheritedSocket> found;
    for (int i = 0; i < count; ++i) {
        const int descriptor = SD_LISTEN_FDS_START + i;
        if (!found && name == names[i] && listens_on(descriptor, port)) {
            const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
            if (copy >= 0) found = http::InheritedSocket{copy};
        }
        std::free(names[i]);
    }
    std::free(names);
    return found;
}

}  // namespace mimir::app
