#pragma once

// The web page of a node, embedded in the binary: plain HTML, CSS and JavaScript that read the admin API's public
// endpoints by addresses relative to the page. It loads nothing from elsewhere and has no inline script or style, so it
// runs under kContentSecurityPolicy.

#include <span>
#include <string_view>

namespace mimir::admin {

struct PageFile {
    std::string_view path;  ///< "/", "/ui/app.js"
    std::string_view content_type;
    std::string_view content;
    std::string_view etag;  ///< A strong entity tag, with its quotes; another content has another.
};

/// All files of the page, the page itself first. Lives as long as the program.
/// Threads: any.
std::span<const PageFile> page_files();

/// The value of the Content-Security-Policy header to send with each of them.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace mimir::admin
