#include "admin/doctor.hpp"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>

#include "base/units.hpp"

namespace mimir::admin {
namespace {

using api::CheckState;
using api::DoctorCheck;

/// Free space where the folder is or will be.
DoctorCheck check_disk(std::string name, const std::string& folder) {
    constexpr std::uint64_t kFreeMin = 1 << 30;
    constexpr std::uint64_t kFreeTight = 64 << 20;
    std::error_code error;
    std::filesystem::path path = std::filesystem::absolute(folder, error);
    if (error) path = "/";
    struct statvfs disk{};
    while (::statvfs(path.c_str(), &disk) != 0 && path != path.root_path())
        path = path.parent_path();
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    DoctorCheck check{
        .name = std::move(name),
        .what = fmt::format("{} has {} free", folder, format_bytes(free)),
    };
    if (free >= kFreeMin) return check;
    check.state = free < kFreeTight ? CheckState::failure : CheckState::warning;
    check.fix = "free some space, or shorten blocks_storage.tsdb.retention_period";
    return check;
}

DoctorCheck check_descriptors(const api::Status& status) {
    constexpr rlim_t kWanted = 65536;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    DoctorCheck check{
        .name = "file-descriptors",
        .what = fmt::format("{} of {} are in use", status.open_fds, limit.rlim_cur),
    };
    if (limit.rlim_cur < kWanted) {
        check.state = CheckState::warning;
        check.fix = "raise the limit: LimitNOFILE=1048576 in the unit, or ulimit -n";
    }
    if (status.open_fds * 10 > limit.rlim_cur * 9) check.state = CheckState::failure;
    return check;
}

DoctorCheck check_modules(const Control& control) {
    std::vector<std::string> failed;
    for (const api::Module& module : control.modules()) {
        if (module.state != api::ModuleState::failed) continue;
        failed.push_back(fmt::format("{}: {}", module.name, module.error));
    }
    if (failed.empty()) return {.name = "modules", .what = "none has failed"};
    return {
        .name = "modules",
        .state = CheckState::failure,
        .what = fmt::format("{}", fmt::join(failed, "; ")),
        .fix =
            "mend the cause, then `mimirctl restart MODULE`; `mimirctl explain MODULE` says more",
    };
}

DoctorCheck check_processes(const Control& control) {
    DoctorCheck check{.name = "processes", .what = "all that are kept beside this one run"};
    std::vector<std::string> words;
    for (const api::Process& process : control.environment().host.processes()) {
        if (process.state == api::ProcessState::running) continue;
        const bool has_failed = process.state == api::ProcessState::failed;
        if (check.state != CheckState::failure) {
            check.state = has_failed ? CheckState::failure : CheckState::warning;
        }
        words.push_back(
            fmt::format("{} is {}: {}", process.name, api::to_string(process.state), process.error)
        );
    }
    if (words.empty()) return check;
    check.what = fmt::format("{}", fmt::join(words, "; "));
    check.fix =
        "`mimirctl processes` shows them, and their logs say more; `mimirctl migrate monolithic` takes "
        "all components back into this process";
    return check;
}

DoctorCheck check_ready(const api::Status& status) {
    if (status.ready) return {.name = "ready", .what = "/ready answers 200"};
    return {
        .name = "ready",
        .state = CheckState::warning,
        .what = fmt::format("not ready: {}", fmt::join(status.not_ready, "; ")),
        .fix = "wait for what is starting; `mimirctl modules` shows it",
    };
}

DoctorCheck check_journal(const Control& control, const api::Status& status) {
    if (status.journal != "ok") {
        return {
            .name = "journal",
            .state = CheckState::failure,
            .what = status.journal,
            .fix = "changes are refused until it can be written: mend " + status.state_dir,
        };
    }
    const auto verified = control.environment().journal.verify_audit();
    if (!verified) {
        return {
            .name = "journal",
            .state = CheckState::failure,
            .what = verified.error().message,
            .fix =
                "someone or something changed the audit log: find out who could, and keep the file",
        };
    }
    return {
        .name = "journal",
        .what = fmt::format(
            "it can be written; the {} audit entries are as they were written", *verified
        )
    };
}

DoctorCheck check_target(const Control& control) {
    const api::TargetView target = control.target();
    DoctorCheck check{
        .name = "target", .what = fmt::format("runs {}, and would after a restart", target.target)
    };
    if (target.after_restart == target.target) return check;
    check.state = CheckState::warning;
    check.what =
        fmt::format("runs {}, but a restart would run {}", target.target, target.after_restart);
    check.fix = "take -target from the command line, or `mimirctl set-target --reset`";
    return check;
}

DoctorCheck check_clock(const Control& control) {
    // A clock that was never set is the usual mistake of fresh machines; no release is older than this.
    constexpr TimestampMs kEarliest{1'767'225'600'000};  // 2026-01-01
    const TimestampMs now = control.environment().clock.now();
    if (now > kEarliest) return {.name = "clock", .what = "the time is plausible"};
    return {
        .name = "clock",
        .state = CheckState::failure,
        .what = "the clock is years behind",
        .fix = "set it, for instance with systemd-timesyncd or chrony",
    };
}

}  // namespace

std::vector<DoctorCheck> run_checks(const Control& control) {
    const api::Status status = control.status();
    return {
        check_ready(status),
        check_modules(control),
        check_processes(control),
        check_journal(control, status),
        check_target(control),
        check_disk("disk-state", status.state_dir),
        check_disk("disk-data", control.environment().host.data_dir()),
        check_descriptors(status),
        check_clock(control),
    };
}

}  // namespace mimir::admin
