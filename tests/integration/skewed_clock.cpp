// Preloaded into a process, moves its wall clock by the whole seconds of SKEWED_CLOCK_S; steady clocks stay right.
// It asks the kernel itself and allocates nothing, so that it can be called from within the start of an allocator.

#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

namespace {

time_t skew() {
    const char* const seconds = std::getenv("SKEWED_CLOCK_S");
    return seconds == nullptr ? 0 : std::atoi(seconds);
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    const auto status = static_cast<int>(syscall(SYS_clock_gettime, clock, now));
    const bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    if (status == 0 && is_wall) now->tv_sec += skew();
    return status;
}

extern "C" int gettimeofday(timeval* now, void* /*zone*/) noexcept {
    timespec exact{};
    const int status = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return status;
}

extern "C" time_t time(time_t* out) noexcept {
    timespec exact{};
    clock_gettime(CLOCK_REALTIME, &exact);
    if (out != nullptr) *out = exact.tv_sec;
    return exact.tv_sec;
}
