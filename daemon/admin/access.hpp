#pragma once

// Who may use the admin API. On the unix socket the kernel vouches for the caller: root, the user that mimird runs as
// and the members of the change group may change things, all others who can open the socket may look. Over TCP a bearer
// token says who it is and what they may do.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "admin/caller.hpp"
#include "admin/options.hpp"
#include "base/result.hpp"
#include "http/message.hpp"

namespace mimir::admin {

/// A line of the token file.
struct Token {
    std::string name;
    api::Role role = api::Role::read;
    std::string secret;
};

/// NAME ROLE TOKEN a line, any white space between; '#' begins a comment.
/// Errors: invalid, with the line; no token is ever repeated in a message.
Result<std::vector<Token>> parse_tokens(std::string_view text, std::string_view file);

/// Threads: any; looks up users and groups, which may block.
class Access {
  public:
    /// Errors: those of the token file.
    static Result<Access> create(const Options& options);

    /// Refuses what a page in a browser sent, and what is addressed to a host that this is not; then says who calls.
    /// Errors: forwarded-by-browser, host-unknown, token-missing.
    [[nodiscard]] Result<Caller> identify(const http::Request& request) const;

  private:
    explicit Access(Options options, std::vector<Token> tokens);
    [[nodiscard]] bool knows_host(std::string_view host) const;

    Options options_;
    std::vector<Token> tokens_;
};

/// Errors: not-permitted, naming who it is and what would help.
Result<void> check_role(const Caller& caller, api::Role needed, const std::string& change_group);

}  // namespace mimir::admin
