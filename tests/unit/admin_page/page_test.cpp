#include "admin/page/page.hpp"

#include <algorithm>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "support/test_support.hpp"

namespace mimir::admin {
namespace {

const PageFile& file(std::string_view path) {
    const auto found = std::ranges::find(page_files(), path, &PageFile::path);
    REQUIRE_MESSAGE(found != page_files().end(), path);
    return *found;
}

/// The first group of each match.
std::vector<std::string> matches(std::string_view text, const char* pattern) {
    const std::regex regex(pattern);
    std::vector<std::string> out;
    for (std::cregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at) {
        out.push_back((*at)[1]);
    }
    return out;
}

}  // namespace

TEST_SUITE("admin/page") {
    TEST_CASE("the files are there, with types and tags of their own") {
        CHECK(page_files().front().path == "/");
        CHECK(file("/").content.starts_with("<!doctype html>"));
        CHECK(file("/").content.ends_with("</html>\n"));
        CHECK(file("/").content_type == "text/html; charset=utf-8");
        CHECK(file("/ui/app.js").content_type == "text/javascript; charset=utf-8");
        CHECK(file("/ui/style.css").content_type == "text/css; charset=utf-8");
        std::set<std::string_view> paths;
        std::set<std::string_view> tags;
        for (const PageFile& one : page_files()) {
            CAPTURE(one.path);
            CHECK(!one.content.empty());
            CHECK(one.etag.size() == 66);
            CHECK(one.etag.front() == '"');
            CHECK(one.etag.back() == '"');
            paths.insert(one.path);
            tags.insert(one.etag);
        }
        CHECK(paths.size() == page_files().size());
        CHECK(tags.size() == page_files().size());
    }

    TEST_CASE("text outside of ASCII is embedded byte for byte") {
        CHECK(file("/ui/graph.js").content.find("\xE2\x80\xA6") != std::string_view::npos);
    }

    TEST_CASE("the page refers only to files that are there, and every file is referred to") {
        std::set<std::string> wanted{"/"};
        for (const std::string& path :
             matches(file("/").content, R"re((?:src|href)="([^"#:]+)")re")) {
            wanted.insert("/" + path);
        }
        for (const PageFile& one : page_files()) {
            if (!one.path.ends_with(".js")) continue;
            for (const std::string& path : matches(one.content, R"re(from "\./([^"]+)")re")) {
                wanted.insert("/ui/" + path);
            }
        }
        for (const std::string& path : wanted) CHECK_NOTHROW(file(path));
        CHECK(wanted.size() == page_files().size());
    }

    TEST_CASE(
        "the page can run under its policy: nothing inline, nothing from elsewhere, no text as HTML"
    ) {
        for (const PageFile& one : page_files()) {
            CAPTURE(one.path);
            for (const char* pattern :
                 {R"re((<script>|<style|\sstyle=|\son[a-z]+="))re",
                  R"re(((?:src|href)="(?:https?:)?//))re",
                  R"re((@import|url\())re",
                  R"re((innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\())re"}) {
                CAPTURE(pattern);
                CHECK(matches(one.content, pattern).empty());
            }
        }
    }
}

}  // namespace mimir::admin
