#pragma once

#include <string>

#include "config/declarer.hpp"

namespace mimir::config {

/// Which settings to print: all as they are, those that differ from their default, or all defaults.
enum class Printed : std::uint8_t { effective, diff, defaults };

/// YAML that the loader reads back. Secrets are ********; what only the command line has is left out.
std::string print_yaml(const Declarer& declared, Printed printed);

/// -help (the basic flags) and -help-all.
std::string print_help(const Declarer& declared, bool all);

/// For man pages: the flags that -help shows, and the settings of the file by section.
std::string print_man_flags(const Declarer& declared);
std::string print_man_settings(const Declarer& declared);

/// docs/options.md: every setting in tables, a table a section.
std::string print_markdown(const Declarer& declared);

}  // namespace mimir::config
