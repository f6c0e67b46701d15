#include "launch/detail/service_manager.hpp"

#include <systemd/sd-bus.h>

#include <csignal>
#include <cstdlib>
#include <system_error>

namespace mimir::launch {
namespace {

constexpr const char* kService = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
constexpr const char* kServiceUnit = "org.freedesktop.systemd1.Service";
constexpr const char* kNoSuchUnit = "org.freedesktop.systemd1.NoSuchUnit";
constexpr std::uint64_t kAnswerTimeoutUs = 10'000'000;

/// Of one call; freed with it.
struct CallError {
    CallError() = default;
    ~CallError() { ::sd_bus_error_free(&error); }
    CallError(const CallError&) = delete;
    CallError& operator=(const CallError&) = delete;

    [[nodiscard]] bool is(const char* name) const {
        return ::sd_bus_error_has_name(&error, name) > 0;
    }

    sd_bus_error error{};
};

/// A method of the manager, and its arguments as D-Bus' types name them.
template <class... Arguments>
int call(
    sd_bus* bus, CallError& error, const char* method, const char* types, Arguments... arguments
) {
    return ::sd_bus_call_method(
        bus, kService, kManagerPath, kManager, method, &error.error, nullptr, types, arguments...
    );
}

/// `status` is what sd-bus returned.
tl::unexpected<Error> refused(std::string_view doing, const CallError& error, int status) {
    const bool is_forbidden = error.is(SD_BUS_ERROR_ACCESS_DENIED) ||
                              error.is(SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
    std::string why = error.error.message != nullptr ? error.error.message
                                                     : std::generic_category().message(-status);
    if (why.ends_with('.')) why.pop_back();
    return fail(
        ErrorKind::unavailable,
        "systemd refuses to {}: {}{}",
        doing,
        why,
        is_forbidden ? "; are polkitd and the package's rule for polkit installed?" : ""
    );
}

std::string path_of(const std::string& unit) {
    char* path = nullptr;
    if (::sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path) < 0) return "";
    std::string owned = path;
    std::free(path);
    return owned;
}

Result<std::string> text_of(
    sd_bus* bus, const std::string& unit, const char* interface, const char* name
) {
    CallError error;
    char* value = nullptr;
    const int status = ::sd_bus_get_property_string(
        bus, kService, path_of(unit).c_str(), interface, name, &error.error, &value
    );
    if (status < 0) return refused("say how " + unit + " is", error, status);
    std::string owned = value;
    std::free(value);
    return owned;
}

Result<std::uint32_t> number_of(sd_bus* bus, const std::string& unit, const char* name) {
    CallError error;
    std::uint32_t value = 0;
    const int status = ::sd_bus_get_property_trivial(
        bus, kService, path_of(unit).c_str(), kServiceUnit, name, &error.error, 'u', &value
    );
    if (status < 0) return refused("say how " + unit + " is", error, status);
    return value;
}

Result<bool> has_job(sd_bus* bus, const std::string& unit) {
    CallError error;
    sd_bus_message* answer = nullptr;
    std::uint32_t job = 0;
    int status = ::sd_bus_get_property(
        bus, kService, path_of(unit).c_str(), kUnit, "Job", &error.error, &answer, "(uo)"
    );
    if (status >= 0) status = ::sd_bus_message_read(answer, "(uo)", &job, nullptr);
    ::sd_bus_message_unref(answer);
    if (status < 0) return refused("say how " + unit + " is", error, status);
    return job != 0;
}

}  // namespace

void ServiceManager::Close::operator()(sd_bus* bus) const { ::sd_bus_flush_close_unref(bus); }

Result<ServiceManager> ServiceManager::connect() {
    sd_bus* bus = nullptr;
    if (const int status = ::sd_bus_open_system(&bus); status < 0) {
        return fail(
            ErrorKind::unavailable,
            "systemd cannot be asked, as the system's D-Bus is not there: {}",
            std::generic_category().message(-status)
        );
    }
    ::sd_bus_set_method_call_timeout(bus, kAnswerTimeoutUs);
    return ServiceManager(bus);
}

Result<UnitState> ServiceManager::state(const std::string& unit) {
    UnitState state;
    sd_bus* bus = bus_.get();
    MIMIR_TRY(state.load, text_of(bus, unit, kUnit, "LoadState"));
    MIMIR_TRY(state.has_job, has_job(bus, unit));
    MIMIR_TRY(state.active, text_of(bus, unit, kUnit, "ActiveState"));
    MIMIR_TRY(state.sub, text_of(bus, unit, kUnit, "SubState"));
    MIMIR_TRY(state.result, text_of(bus, unit, kServiceUnit, "Result"));
    MIMIR_TRY(const std::uint32_t pid, number_of(bus, unit, "MainPID"));
    MIMIR_TRY(state.restarts, number_of(bus, unit, "NRestarts"));
    state.pid = static_cast<int>(pid);
    return state;
}

Result<void> ServiceManager::start(const std::string& unit) {
    CallError error;
    const int status = call(bus_.get(), error, "StartUnit", "ss", unit.c_str(), "fail");
    if (status < 0) return refused("start " + unit, error, status);
    return {};
}

Result<void> ServiceManager::stop(const std::string& unit) {
    CallError error;
    const int status = call(bus_.get(), error, "StopUnit", "ss", unit.c_str(), "replace");
    if (status < 0 && !error.is(kNoSuchUnit)) return refused("stop " + unit, error, status);
    return {};
}

Result<void> ServiceManager::kill(const std::string& unit) {
    CallError error;
    const int status = call(bus_.get(), error, "KillUnit", "ssi", unit.c_str(), "all", SIGKILL);
    if (status < 0 && !error.is(kNoSuchUnit)) return refused("kill " + unit, error, status);
    return {};
}

Result<void> ServiceManager::reset_failed(const std::string& unit) {
    CallError error;
    const int status = call(bus_.get(), error, "ResetFailedUnit", "s", unit.c_str());
    if (status < 0 && !error.is(kNoSuchUnit)) return refused("reset " + unit, error, status);
    return {};
}

}  // namespace mimir::launch
