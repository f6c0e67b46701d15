#include "telemetry/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace mimir::telemetry {
namespace {

std::string read_file(const char* path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Field `number` of /proc/self/stat, counted from 1 as in proc(5). Counted from behind the
/// command's name in parentheses, which may hold spaces.
double stat_field(std::size_t number) {
    const std::string stat = read_file("/proc/self/stat");
    std::string_view rest(stat);
    rest.remove_prefix(std::min(rest.rfind(')') + 2, rest.size()));
    for (std::size_t field = 3; field < number; ++field) {
        rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
    }
    double value = 0;
    std::from_chars(rest.data(), rest.data() + rest.size(), value);
    return value;
}

double ticks_to_seconds(double ticks) {
    return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Seconds since 1970 at which the machine started.
double boot_time() {
    const std::string stat = read_file("/proc/stat");
    const std::size_t at = stat.find("btime ");
    double seconds = 0;
    if (at != std::string::npos) {
        std::from_chars(stat.data() + at + 6, stat.data() + stat.size(), seconds);
    }
    return seconds;
}

double soft_limit(int resource) {
    rlimit limit{};
    if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) return 0;
    return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                           : static_cast<double>(limit.rlim_cur);
}

double entry_count(const char* directory) {
    std::error_code error;
    double count = 0;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
        ++count;
    }
    return count;
}

double line_count(const char* path) {
    const std::string text = read_file(path);
    return static_cast<double>(std::ranges::count(text, '\n'));
}

double number_in(const char* path) {
    const std::string text = read_file(path);
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

double resident_bytes() { return stat_field(24) * static_cast<double>(::sysconf(_SC_PAGESIZE)); }
double thread_count() { return stat_field(20); }
/// Without the one that lists them.
double descriptor_count() { return entry_count("/proc/self/fd") - 1; }

}  // namespace

ProcessUsage process_usage() {
    return {
        .resident_bytes = static_cast<std::uint64_t>(resident_bytes()),
        .open_fds = static_cast<std::uint64_t>(descriptor_count()),
        .threads = static_cast<std::uint64_t>(thread_count()),
    };
}

void declare_process_metrics(MetricScope& scope) {
    // Field numbers are those of proc(5).
    const auto counter = [&](std::string_view name, std::string_view help, auto read) {
        scope.callback(MetricType::counter, name, help, read);
    };
    const auto gauge = [&](std::string_view name, std::string_view help, auto read) {
        scope.callback(MetricType::gauge, name, help, read);
    };
    counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", [] {
        return ticks_to_seconds(stat_field(14) + stat_field(15));
    });
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.", resident_bytes);
    gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", [] {
        return stat_field(23);
    });
    gauge("process_threads", "Number of threads.", thread_count);
    gauge(
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
        [] { return boot_time() + ticks_to_seconds(stat_field(22)); }
    );
    gauge("process_open_fds", "Number of open file descriptors.", descriptor_count);
    gauge("process_max_fds", "Maximum number of open file descriptors.", [] {
        return soft_limit(RLIMIT_NOFILE);
    });
    gauge("process_memory_map_areas", "Number of memory map areas.", [] {
        return line_count("/proc/self/maps");
    });
    gauge("process_memory_map_areas_limit", "Maximum number of memory map areas.", [] {
        return number_in("/proc/sys/vm/max_map_count");
    });
}

}  // namespace mimir::telemetry
