#include "admin/page/page.hpp"

#include "page_content.hpp"

namespace mimir::admin {

std::span<const PageFile> page_files() {
    using namespace content;
    static constexpr std::string_view kHtml = "text/html; charset=utf-8";
    static constexpr std::string_view kCss = "text/css; charset=utf-8";
    static constexpr std::string_view kScript = "text/javascript; charset=utf-8";
    static constexpr PageFile kFiles[] = {
        {"/", kHtml, index_html, index_html_etag},
        {"/ui/style.css", kCss, style_css, style_css_etag},
        {"/ui/app.js", kScript, app_js, app_js_etag},
        {"/ui/dom.js", kScript, dom_js, dom_js_etag},
        {"/ui/feed.js", kScript, feed_js, feed_js_etag},
        {"/ui/graph.js", kScript, graph_js, graph_js_etag},
        {"/ui/layout.js", kScript, layout_js, layout_js_etag},
        {"/ui/sections.js", kScript, sections_js, sections_js_etag},
        {"/ui/time.js", kScript, time_js, time_js_etag},
    };
    return kFiles;
}

}  // namespace mimir::admin
