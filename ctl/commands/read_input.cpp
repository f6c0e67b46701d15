#include "ctl/commands/read_input.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <istream>

namespace mimir::ctl {
namespace {

constexpr std::size_t kBytesLimit = 64 << 20;

}  // namespace

Outcome<std::string> read_all(std::istream& in, std::string_view name) {
    std::string text;
    char buffer[64 << 10];
    while (in.read(buffer, sizeof(buffer)) || in.gcount() > 0) {
        text.append(buffer, static_cast<std::size_t>(in.gcount()));
        if (text.size() > kBytesLimit)
            return usage(fmt::format("{} is larger than {} MiB", name, kBytesLimit >> 20));
    }
    if (in.bad()) return usage(fmt::format("{} cannot be read to its end", name));
    return text;
}

Outcome<std::string> read_file(const std::string& path) {
    struct stat seen{};
    const int error =
        ::stat(path.c_str(), &seen) == 0 ? (S_ISDIR(seen.st_mode) ? EISDIR : 0) : errno;
    std::ifstream file(error == 0 ? path : std::string(), std::ios::binary);
    if (file) return read_all(file, path);
    return tl::unexpected(Failure{
        .exit_code = error == ENOENT ? ExitCode::not_found : ExitCode::usage,
        .what = fmt::format("{} cannot be read", path),
        .why = std::strerror(error == 0 ? errno : error),
    });
}

}  // namespace mimir::ctl
