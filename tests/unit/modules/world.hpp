#pragma once

// Modules that do as they are told, under a manager: what the manager's tests share.

#include <atomic>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/guarded.hpp"
#include "modules/manager.hpp"
#include "support/test_support.hpp"

namespace mimir::modules {

using namespace std::chrono_literals;

/// What the test's services do; set before they do it.
struct Script {
    std::atomic<bool> start_fails = false;
    std::atomic<bool> start_waits = false;  ///< until it is canceled
    std::atomic<bool> run_fails = false;    ///< as soon as it is set
    std::atomic<bool> run_ends = false;
    std::atomic<bool> stop_fails = false;
    std::atomic<bool> stop_waits = false;  ///< until it is set to false
    std::atomic<bool> throws = false;
};

/// Tries nothing again.
inline ManagerOptions unsupervised() { return {.stop_grace = 1s, .restart = {.attempts_max = 0}}; }

/// Modules a <- b <- c and a <- d, which note what happens to them.
class World {
  public:
    enum class With { four_modules, admin };

    /// With admin there is another module, of this name, which always runs.
    explicit World(ManagerOptions options = unsupervised(), With with = With::four_modules)
        : grace_(options.stop_grace),
          table_(rows(with)),
          manager_(
              table_,
              std::move(options),
              telemetry::Logger::to_stream(
                  log_, telemetry::LogFormat::logfmt, telemetry::LogLevel::warn
              ),
              registry_
          ) {}

    Manager& manager() { return manager_; }
    Script& script(const std::string& name) { return scripts_[name]; }

    /// What happened since the last call: "start a", "stop a", "gone a".
    std::string history() {
        return history_.with([](std::string& text) { return std::exchange(text, {}); });
    }
    void note(std::string_view what, const std::string& name) {
        history_.with([&](std::string& text) {
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", what, name);
        });
    }
    /// Whether this sample is exposed, with this value.
    [[nodiscard]] bool has_metric(std::string_view line) const {
        return telemetry::expose(registry_.collect()).find(fmt::format("\n{}\n", line)) !=
               std::string::npos;
    }
    /// What was logged at warn and above; ends the manager's life.
    std::string log() {
        manager_.shut_down();
        return log_.str();
    }
    ModuleStatus status(std::string_view name) {
        for (const auto& status : manager_.statuses()) {
            if (status.name == name) return status;
        }
        return {};
    }
    bool eventually(std::string_view name, State state) {
        return test::eventually(5s, [&] { return manager_.state(name) == state; });
    }

  private:
    class Scripted final : public Service {
      public:
        Scripted(World& world, std::string name) : world_(world), name_(std::move(name)) {}
        ~Scripted() override { world_.note("gone", name_); }

        Result<void> start(const CancellationToken& cancel) override {
            world_.note("start", name_);
            Script& script = world_.script(name_);
            if (script.throws) throw std::runtime_error("thrown");
            while (script.start_waits) {
                MIMIR_TRY(cancel.check());
                std::this_thread::yield();
            }
            if (script.start_fails) return fail(ErrorKind::unavailable, "port taken");
            return {};
        }
        Result<void> run(std::stop_token stop) override {
            Script& script = world_.script(name_);
            while (sleep(stop, 1ms)) {
                if (script.run_fails) return fail(ErrorKind::internal, "disk broke");
                if (script.run_ends) return {};
            }
            return {};
        }
        Result<void> stop(std::chrono::milliseconds grace) override {
            CHECK(grace == world_.grace_);
            world_.note("stop", name_);
            while (world_.script(name_).stop_waits) std::this_thread::yield();
            if (world_.script(name_).stop_fails) return fail(ErrorKind::timeout, "still busy");
            return {};
        }

      private:
        World& world_;
        std::string name_;
    };

    std::vector<Module> rows(With with) {
        std::vector<Module> rows;
        const auto add = [&](const std::string& name, Names dependencies) {
            rows.push_back({
                .name = name,
                .targetable = true,
                .in_all = name != "admin",
                .always = name == "admin",
                .dependencies = std::move(dependencies),
                .factory = [this, name]() -> Result<std::unique_ptr<Service>> {
                    return std::make_unique<Scripted>(*this, name);
                },
            });
            scripts_[name];
        };
        add("a", {});
        add("b", {"a"});
        add("c", {"b"});
        add("d", {"a"});
        if (with == With::admin) add("admin", {});
        return rows;
    }

    const std::chrono::milliseconds grace_;
    std::ostringstream log_;
    telemetry::Registry registry_;
    std::map<std::string, Script> scripts_;
    Guarded<std::string> history_;
    ModuleTable table_;
    Manager manager_;
};

inline Change change(Change::Kind kind, Names names) {
    return {.kind = kind, .modules = std::move(names)};
}

}  // namespace mimir::modules
