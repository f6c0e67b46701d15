#include <string_view>
#include <vector>

#include "app/process.hpp"

// Read by jemalloc when it starts: give memory back soon, and from a thread of its own.
extern "C" const char* malloc_conf = "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0";

int main(int argc, char** argv) {
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    return mimir::app::run(arguments);
}
