// Writes what is made from declarations.
//     mimird_docs options | admin-api              to stdout: pages of docs/ (`make docs`)
//     mimird_docs completion bash | zsh | fish     to stdout
//     mimird_docs man DIR                          mimird.8 and mimird.yaml.5 into that folder

#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "api/openapi.hpp"
#include "app/docs/pages.hpp"
#include "app/load_settings.hpp"
#include "config/print.hpp"

namespace {

bool write(const std::string& path, const std::string& text) {
    std::ofstream file(path);
    file << text << std::flush;
    if (!file) std::fprintf(stderr, "%s cannot be written\n", path.c_str());
    return file.good();
}

std::optional<std::string> page(std::string_view what, std::string_view which) {
    if (what == "completion") return mimir::app::daemon_completion(which);
    if (!which.empty()) return std::nullopt;
    if (what == "options") return print_markdown(mimir::app::Loaded().declared);
    if (what == "admin-api") return mimir::api::reference_markdown();
    return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    const std::string which = argc > 2 ? argv[2] : "";
    if (what == "man" && argc == 3) {
        const bool written = write(which + "/mimird.8", mimir::app::daemon_man_page()) &&
                             write(which + "/mimird.yaml.5", mimir::app::settings_man_page());
        return written ? 0 : 1;
    }
    const auto text = argc <= 3 ? page(what, which) : std::nullopt;
    if (!text) {
        std::fputs("usage: mimird_docs options | admin-api | completion SHELL | man DIR\n", stderr);
        return 2;
    }
    std::fputs(text->c_str(), stdout);
    return 0;
}
