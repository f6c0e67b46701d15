// mimirctl_docs markdown: writes the page to stdout that docs/mimirctl.md must be (`make docs`).
// mimirctl_docs man DIR: writes the man pages into that folder.

#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

#include "ctl/docs/pages.hpp"

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "markdown" && argc == 2) {
        std::cout << mimir::ctl::reference_markdown();
        return 0;
    }
    if (what == "man" && argc == 3) {
        for (const auto& page : mimir::ctl::man_pages()) {
            const std::string path = std::string(argv[2]) + "/" + page.file;
            std::ofstream file(path);
            file << page.text << std::flush;
            if (file) continue;
            std::cerr << path << " cannot be written\n";
            return 1;
        }
        return 0;
    }
    std::cerr << "usage: mimirctl_docs markdown | man DIR\n";
    return 2;
}
