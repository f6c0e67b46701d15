#pragma once

#include <functional>
#include <string>
#include <vector>

#include "admin/host.hpp"
#include "app/wiring.hpp"

namespace mimir::app {

/// What the process offers the admin API.
class Host final : public admin::Host {
  public:
    /// `arguments` are the process' own: a reload applies them on top of the file again. `end` begins the end of the
    /// process.
    Host(Wiring& wiring, std::vector<std::string> arguments, std::function<void()> end);

    void describe(api::Status& status) const override;
    [[nodiscard]] std::string data_dir() const override;
    [[nodiscard]] ConfiguredTarget configured_target() const override;
    [[nodiscard]] std::string settings(admin::Shown shown) const override;
    [[nodiscard]] Result<std::shared_ptr<admin::NewSettings>> read_settings() const override;
    [[nodiscard]] std::vector<std::string> check_settings(
        const std::string& yaml, const std::string& name
    ) const override;
    [[nodiscard]] std::vector<api::Ring> rings() const override;
    Result<void> forget(const std::string& ring, const std::string& member) override;
    [[nodiscard]] std::vector<api::Process> processes() const override;
    [[nodiscard]] std::vector<std::string> reload_processes() const override;

    Result<api::StopAdvice> ok_to_stop(bool release) override;

    [[nodiscard]] std::string log_level() const override;
    Result<void> set_log_level(const std::string& level) override;
    void shut_down() override { end_(); }

  private:
    Wiring& wiring_;
    const std::vector<std::string> arguments_;
    const std::function<void()> end_;
};

}  // namespace mimir::app
