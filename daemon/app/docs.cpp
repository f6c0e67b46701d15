// Writes the pages that are made from declarations to stdout (`make docs`): mimird_docs options|admin-api

#include <cstdio>
#include <string>
#include <string_view>

#include "api/openapi.hpp"
#include "app/load_settings.hpp"
#include "config/print.hpp"

int main(int argc, char** argv) {
    const std::string_view page = argc == 2 ? argv[1] : "";
    std::string text;
    if (page == "options") {
        const mimir::app::Loaded loaded;
        text = print_markdown(loaded.declared);
    } else if (page == "admin-api") {
        text = mimir::api::reference_markdown();
    } else {
        std::fputs("usage: mimird_docs options|admin-api\n", stderr);
        return 2;
    }
    std::fputs(text.c_str(), stdout);
    return 0;
}
