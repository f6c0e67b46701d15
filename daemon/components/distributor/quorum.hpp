#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "ring/ring_view.hpp"

namespace mimir::distributor {

/// Whether the sender would be wrong to send it again: the 4xx family. Others are the 5xx family.
bool is_client_error(const Error& error);

/// Counts what the ingesters answer, group by group (see spread.hpp). A group is
///   stored, when as many ingesters succeeded as it needs;
///   lost, when more failed within one family than may, or too few are left to answer.
/// Threads: one at a time.
class Quorum {
  public:
    /// Groups that have too few replicas are lost from the beginning.
    explicit Quorum(std::span<const ring::ReplicationSet> groups);

    /// One ingester answered for these groups.
    void count(std::span<const std::uint32_t> groups, const Result<void>& answer);

    /// What the sender is told, as soon as it is sure: success, when all groups are stored; an
    /// error of the 5xx family, when one is lost to such, since all has to be sent again then; an
    /// error of the 4xx family, when the others are decided and no other error is among them.
    [[nodiscard]] const std::optional<Result<void>>& verdict() const { return verdict_; }

  private:
    struct Group {
        std::uint8_t needed;
        std::uint8_t failures_max;
        std::uint8_t awaited;
        std::uint8_t succeeded = 0;
        std::uint8_t client_errors = 0;
        std::uint8_t server_errors = 0;
        bool decided = false;
    };

    void decide(Group& group);
    void lose(Group& group);

    std::vector<Group> groups_;
    std::size_t undecided_;
    // The newest of each family, and whether a group was lost to it.
    std::optional<Error> client_error_;
    std::optional<Error> server_error_;
    bool lost_to_client_ = false;
    std::optional<Result<void>> verdict_;
};

}  // namespace mimir::distributor
