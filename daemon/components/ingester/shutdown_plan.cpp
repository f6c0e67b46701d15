#include "components/ingester/shutdown_plan.hpp"

namespace mimir::ingester {
namespace {

constexpr std::string_view kMarkerName = "shutdown-requested.txt";
constexpr std::string_view kMarkerText =
    "This ingester flushes its data and leaves its ring when it stops.\n";

}  // namespace

ShutdownPlan::ShutdownPlan(fs::FileSystem& files, fs::Path marker, Defaults defaults, bool prepared)
    : files_(files), marker_(std::move(marker)), defaults_(defaults) {
    state_.with([&](State& state) { state.prepared = prepared; });
}

Result<std::unique_ptr<ShutdownPlan>> ShutdownPlan::open(
    fs::FileSystem& files, const fs::Path& dir, Defaults defaults
) {
    MIMIR_TRY(files.create_directories(dir));
    const fs::Path marker = dir / kMarkerName;
    const bool prepared = files.exists(marker);
    return std::unique_ptr<ShutdownPlan>(new ShutdownPlan(files, marker, defaults, prepared));
}

bool ShutdownPlan::flush() const {
    return state_.with([&](const State& state) {
        return state.prepared || state.for_good || defaults_.flush;
    });
}

bool ShutdownPlan::unregister() const {
    return state_.with([&](const State& state) {
        return state.prepared || state.for_good || state.unregister.value_or(defaults_.unregister);
    });
}

Result<void> ShutdownPlan::prepare() {
    MIMIR_TRY(fs::write_file_atomically(files_, marker_, kMarkerText));
    state_.with([](State& state) { state.prepared = true; });
    return {};
}

Result<void> ShutdownPlan::revert() {
    if (files_.exists(marker_)) {
        MIMIR_TRY(files_.remove_file(marker_));
        MIMIR_TRY(files_.sync_dir(marker_.parent_path()));
    }
    state_.with([](State& state) { state.prepared = false; });
    return {};
}

bool ShutdownPlan::prepared() const {
    return state_.with([](const State& state) { return state.prepared; });
}

void ShutdownPlan::stop_for_good() {
    state_.with([](State& state) { state.for_good = true; });
}

void ShutdownPlan::set_unregister(std::optional<bool> unregister) {
    state_.with([&](State& state) { state.unregister = unregister; });
}

Result<void> ShutdownPlan::carried_out() { return revert(); }

}  // namespace mimir::ingester
