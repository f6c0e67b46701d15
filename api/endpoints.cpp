#include "api/endpoints.hpp"

namespace mimir::api {

std::span<const Endpoint* const> endpoints() {
    static constexpr const Endpoint* kEndpoints[] = {
        &kGetVersion,     &kGetStatus,       &kListModules,    &kGetModule,      &kStartModules,
        &kStopModules,    &kRestartModules,  &kListTargets,    &kGetTarget,      &kSetTarget,
        &kResetTarget,    &kListOperations,  &kGetOperation,   &kWatchOperation, &kCancelOperation,
        &kPauseOperation, &kResumeOperation, &kListMigrations, &kMigrate,        &kListProcesses,
        &kOkToStop,       &kListEvents,      &kListAudit,      &kGetConfig,      &kDiffConfig,
        &kCheckConfig,    &kReloadConfig,    &kGetLogLevel,    &kSetLogLevel,    &kListRings,
        &kGetRing,        &kForgetMember,    &kDoctor,         &kShutdown,       &kOpenApi,
    };
    return kEndpoints;
}

}  // namespace mimir::api
