// A configuration file, as a hostile or clumsy person writes it: no crash, and what loads without a finding prints as
// something that loads again.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "app/load_settings.hpp"
#include "config/load.hpp"
#include "config/print.hpp"
#include "config/runtime_config.hpp"

namespace {

bool load(std::string_view text, mimir::app::Loaded& loaded) {
    mimir::config::Findings findings;
    if (const auto root = mimir::config::parse_yaml(text, "fuzz", findings)) {
        mimir::config::apply_yaml(*root, {.file = "fuzz"}, loaded.declared, findings);
    }
    return findings.empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using mimir::config::Printed;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto expanded =
        mimir::config::expand_env(text, [](std::string_view) { return std::nullopt; });
    mimir::app::Loaded loaded;
    if (load(expanded, loaded)) {
        const std::string printed = print_yaml(loaded.declared, Printed::effective);
        mimir::app::Loaded again;
        if (!load(printed, again) || print_yaml(again.declared, Printed::effective) != printed)
            std::abort();
    }
    const mimir::config::NamedText file{"fuzz", std::string(text)};
    const auto overrides = mimir::config::parse_overrides({&file, 1}, {});
    if (overrides) (void)print_overrides(*overrides, {}, true);
    return 0;
}
