// mimird_docs options: writes the page to stdout that docs/options.md must be (`make docs`).

#include <cstdio>
#include <string_view>

#include "app/load_settings.hpp"
#include "config/print.hpp"

int main(int argc, char** argv) {
    if (argc != 2 || std::string_view(argv[1]) != "options") {
        std::fputs("usage: mimird_docs options\n", stderr);
        return 2;
    }
    const mimir::app::Loaded loaded;
    std::fputs(print_markdown(loaded.declared).c_str(), stdout);
    return 0;
}
