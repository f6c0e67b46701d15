#pragma once

// A node in memory, with a module that no product has: what the migration's tests share.

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "migration/migration.hpp"
#include "support/test_support.hpp"

namespace mimir::migration {

inline modules::ModuleTable test_table() {
    const auto built = []() -> Result<std::unique_ptr<modules::Service>> { return nullptr; };
    const auto proven = [](const std::string&, const CancellationToken&) { return Result<void>(); };
    using modules::Moves;
    return modules::ModuleTable({
        {.name = "ring", .factory = built},
        {.name = "ingester",
         .targetable = true,
         .in_all = true,
         .moves = Moves::stays,
         .dependencies = {"ring"},
         .factory = built},
        {.name = "weigher",
         .targetable = true,
         .in_all = true,
         .moves = Moves::beside,
         .dependencies = {"ring"},
         .factory = built},
        {.name = "distributor",
         .targetable = true,
         .in_all = true,
         .moves = Moves::beside,
         .prove = proven,
         .dependencies = {"ring"},
         .factory = built},
        {.name = "extra", .targetable = true, .moves = Moves::beside, .factory = built},
        {.name = "gateway", .targetable = true, .factory = built},
    });
}

/// "start-process weigher"
inline std::vector<std::string> texts(const std::vector<Step>& steps) {
    std::vector<std::string> all;
    for (const Step& step : steps) {
        const api::Step shown = to_api(step);
        all.push_back(shown.action + " " + shown.subject);
    }
    return all;
}

/// Does what it is told, and checks after each call that every component is served.
class FakeNode final : public Node {
  public:
    explicit FakeNode(const modules::ModuleTable& table) : table_(table) { run_target({"all"}); }

    Situation observe() override {
        return {.here = {here.begin(), here.end()}, .beside = {beside.begin(), beside.end()}};
    }
    void begin() override { ++watches; }
    api::MigrationReport end() override {
        --watches;
        return {.canaries = static_cast<std::uint64_t>(calls)};
    }
    Result<void> start_module(const std::string& module, const CancellationToken&) override {
        MIMIR_TRY(call("start " + module));
        here.insert(module);
        return checked();
    }
    Result<void> stop_module(const std::string& module) override {
        MIMIR_TRY(call("stop " + module));
        here.erase(module);
        if (module == "gateway") routes.clear();
        return checked();
    }
    Result<void> start_process(const std::string& module, const CancellationToken&) override {
        MIMIR_TRY(call("start-process " + module));
        beside.insert(module);
        return checked();
    }
    Result<void> stop_process(const std::string& module) override {
        MIMIR_TRY(call("stop-process " + module));
        beside.erase(module);
        return checked();
    }
    Result<void> prove(const std::string& module, bool at_home, const CancellationToken&) override {
        MIMIR_TRY(call("prove " + module));
        CHECK((at_home ? here : beside).contains(module));
        return checked();
    }
    Result<void> route(const std::string& module, bool at_home, const CancellationToken&) override {
        MIMIR_TRY(call("route " + module));
        CHECK(here.contains("gateway"));
        routes[module] = at_home;
        return checked();
    }
    void unroute(const std::string& module) override {
        routes.erase(module);
        REQUIRE_OK(checked());
    }
    void stored(const Names& target, const Names& processes) override {
        stored_target = target;
        stored_processes = processes;
    }
    Result<void> set_target(const Names& target) override {
        MIMIR_TRY(call("set-target"));
        run_target(target);
        return checked();
    }

    std::set<std::string> here;
    std::set<std::string> beside;
    std::map<std::string, bool> routes;
    Names stored_target = {"all"};
    Names stored_processes;
    int watches = 0;
    /// The call, counted from 1, that fails; and the one at which someone cancels.
    int fails_at = 0;
    int calls = 0;
    std::function<void(int)> before_call = {};

  private:
    void run_target(const Names& target) {
        here.clear();
        for (const std::string& name : table_.needed(target)) {
            if (table_.find(name)->factory) here.insert(name);
        }
        if (!here.contains("gateway")) routes.clear();
    }
    Result<void> call(const std::string& what) {
        ++calls;
        if (before_call) before_call(calls);
        if (calls == fails_at) return fail(ErrorKind::unavailable, "{} does not work", what);
        return {};
    }
    /// Each component runs where its requests go.
    Result<void> checked() const {
        for (const std::string name : {"weigher", "distributor", "ingester"}) {
            CAPTURE(name);
            const auto at = routes.find(name);
            if (at != routes.end()) {
                CHECK((at->second ? here : beside).contains(name));
            } else {
                CHECK((here.contains(name) || (here.contains("gateway") && beside.contains(name))));
            }
        }
        return {};
    }

    const modules::ModuleTable& table_;
};

}  // namespace mimir::migration
