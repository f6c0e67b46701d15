#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.hpp"
#include "fs/file_system.hpp"
#include "http/headers.hpp"

namespace mimir::gateway {

/// Who may speak for which tenants. As YAML:
///
///     credentials:
///       - name: team-a                      # for logs
///         token: s3cret                     # "Authorization: Bearer s3cret"; or token_sha256
///         tenants: [team-a, team-a-staging]
///       - name: grafana
///         username: grafana                 # "Authorization: Basic ..."
///         password_sha256: 2bb80d53...      # or password
///         tenants: "*"
///
/// Immutable. Secrets are kept and compared as SHA-256.
class Credentials {
  public:
    using Digest = std::array<std::uint8_t, 32>;
    struct Credential {
        std::string name;
        /// Empty: a bearer token.
        std::string username;
        Digest secret{};
        bool all_tenants = false;
        std::vector<std::string> tenants = {};
    };

    /// Errors: invalid, every finding a line "<file>:<line>: ...".
    static Result<Credentials> parse(std::string_view text, std::string_view file);

    /// Whose Authorization header this is; null when nobody's. Its time does not tell how much of a
    /// secret was right.
    [[nodiscard]] const Credential* find(std::string_view authorization) const;
    [[nodiscard]] std::size_t size() const { return credentials_.size(); }

  private:
    std::vector<Credential> credentials_;
};

/// Lets requests in that have a credential, for the tenants that it allows. Threads: any.
class Authenticator {
  public:
    /// The file is read by reload() only.
    Authenticator(const fs::FileSystem& files, fs::Path path);

    /// Reads the file if it changed; after an error the last good credentials stay in force. Returns
    /// true when there are new ones.
    Result<bool> reload();

    struct Refusal {
        int status;
        std::string message;
    };
    /// Leaves the request's tenant in X-Scope-OrgID, where its credential allows one only, and takes
    /// the credential off. Nothing when the request may go on: 401 without a known credential; 403,
    /// for another's tenant; 400, when it has to say which of its tenants it means.
    [[nodiscard]] std::optional<Refusal> admit(http::Headers& headers) const;

  private:
    const fs::FileSystem& files_;
    const fs::Path path_;
    std::mutex reloading_;
    std::optional<std::string> text_;  // with reloading_: of the credentials in force
    Snapshot<Credentials> credentials_;
};

}  // namespace mimir::gateway
