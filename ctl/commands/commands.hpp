#pragma once

// The handlers of the command table; each file of this folder has those of one family.

#include "ctl/command.hpp"

namespace mimir::ctl {

// state.cpp
Outcome<ExitCode> run_status(Context& context);
Outcome<ExitCode> run_modules(Context& context);
Outcome<ExitCode> run_targets(Context& context);
Outcome<ExitCode> run_version(Context& context);

// change.cpp
Outcome<ExitCode> run_set_target(Context& context);
Outcome<ExitCode> run_start(Context& context);
Outcome<ExitCode> run_stop(Context& context);
Outcome<ExitCode> run_restart(Context& context);

// operations.cpp
Outcome<ExitCode> run_operations(Context& context);
Outcome<ExitCode> run_operations_list(Context& context);
Outcome<ExitCode> run_operations_watch(Context& context);
Outcome<ExitCode> run_operations_cancel(Context& context);

// history.cpp
Outcome<ExitCode> run_events(Context& context);
Outcome<ExitCode> run_audit(Context& context);

// config.cpp
Outcome<ExitCode> run_config_check(Context& context);
Outcome<ExitCode> run_config_show(Context& context);
Outcome<ExitCode> run_config_diff(Context& context);
Outcome<ExitCode> run_config_reload(Context& context);

// daemon.cpp
Outcome<ExitCode> run_log_level(Context& context);
Outcome<ExitCode> run_shutdown(Context& context);

// explain.cpp, doctor.cpp
Outcome<ExitCode> run_explain(Context& context);
Outcome<ExitCode> run_doctor(Context& context);

// migrate.cpp
Outcome<ExitCode> run_migrate_plan(Context& context);
Outcome<ExitCode> run_migrate_apply(Context& context);
Outcome<ExitCode> run_migrate_microservices(Context& context);
Outcome<ExitCode> run_migrate_monolithic(Context& context);
Outcome<ExitCode> run_migrate_status(Context& context);
Outcome<ExitCode> run_migrate_report(Context& context);
Outcome<ExitCode> run_migrate_pause(Context& context);
Outcome<ExitCode> run_migrate_resume(Context& context);
Outcome<ExitCode> run_migrate_rollback(Context& context);
Outcome<ExitCode> run_processes(Context& context);

// ring.cpp
Outcome<ExitCode> run_ring(Context& context);
Outcome<ExitCode> run_ring_forget(Context& context);

// query.cpp, push.cpp: the public API
Outcome<ExitCode> run_query(Context& context);
Outcome<ExitCode> run_push(Context& context);

// continuous_test.cpp: the same
Outcome<ExitCode> run_continuous_test(Context& context);

// completion.cpp
Outcome<ExitCode> run_completion(Context& context);
Outcome<ExitCode> run_complete(Context& context);

}  // namespace mimir::ctl
