#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace mimir::config {

/// Everything that is wrong with a configuration, so that a person mends it in one go.
class Findings {
  public:
    /// `where` is what to look at: "mimird.yaml:12", "-server.http-listen-port",
    /// "limits.ingestion_rate".
    void add(std::string where, std::string what) {
        findings_.push_back({std::move(where), std::move(what)});
    }

    [[nodiscard]] bool empty() const { return findings_.empty(); }
    [[nodiscard]] std::size_t size() const { return findings_.size(); }

    /// One line each, "where: what"; an error when there are any.
    [[nodiscard]] Result<void> result() const;

  private:
    struct Finding {
        std::string where;
        std::string what;
    };
    std::vector<Finding> findings_;
};

}  // namespace mimir::config
