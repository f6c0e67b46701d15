#!/usr/bin/env python3
"""Holds the tree to the rules that a compiler does not know: includes point down, lines and files stay short,
nothing is left half-done. Prints every finding as path:line: what. Usage: rules.py ROOT"""

import pathlib
import re
import subprocess
import sys

# Rows of docs/architecture.md. A folder includes its own files, and folders of lower rows.
ROWS = [
    {"base"},
    {"telemetry"},
    {"model", "encoding", "fs", "config", "runtime", "api"},
    {"chunkenc", "wire", "http"},
    {"tsdb", "promql", "kv", "objstore", "modules", "operations", "wave"},
    {"rules", "ring"},
    {"rpc", "migration", "launch"},
    {"components", "admin"},
    {"app"},
]
ROW_OF = {folder: row for row, folders in enumerate(ROWS) for folder in folders}
# Folders beside daemon/, and all that they include from.
BESIDE = {
    "api": {"base"},
    "ctl": {"api", "base", "encoding", "http", "model", "wave", "wire"},
}

# The domain is synchronous: neither Asio nor HTTP nor configuration.
DOMAIN = {"base", "model", "encoding", "fs", "chunkenc", "wire", "tsdb", "promql", "rules"}
DOMAIN_FORBIDS = re.compile(r'#include [<"](boost/asio|boost/beast|http/|runtime/|config/)')
# Headers that are dear to compile, and who may name them.
DEAR = {
    "boost/beast": {"http"},
    "spdlog/": {"telemetry"},
    "yaml-cpp/": {"config"},
    "CLI/": {"config", "ctl"},
    "SQLiteCpp/": {"kv", "operations"},
    "sqlite3.h": {"kv", "operations"},
}

LINE_COLUMNS = 130
FILE_LINES = 700
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
INCLUDE = re.compile(r'^\s*#include\s+[<"]([^">]+)[">]')


def component_of(path):
    """("ingester" for components/ingester/x.hpp), else None."""
    return path[1] if len(path) > 2 and path[0] == "components" else None


def check_include(folder, parts, target):
    """What is wrong with an #include of `target` in a file of daemon/<folder>, or None."""
    for dear, owners in DEAR.items():
        if target.startswith(dear) and folder not in owners:
            return f"{dear} is included by {', '.join(sorted(owners))} only"
    other = target.split("/")[0]
    if other not in ROW_OF or "/" not in target:
        return None
    if folder == other:
        mine, theirs = component_of(parts), component_of(target.split("/"))
        if mine and theirs and mine != theirs:
            return f"component {mine} includes component {theirs}: go through rpc/"
        return None
    if folder in ROW_OF and ROW_OF[other] >= ROW_OF[folder]:
        return f"{folder} includes {other}, which is not below it"
    return None


def check_include_beside(folder, target):
    """The same for a file of api/ or ctl/."""
    for dear, owners in DEAR.items():
        if target.startswith(dear) and folder not in owners:
            return f"{dear} is included by {', '.join(sorted(owners))} only"
    other = target.split("/")[0]
    known = other in ROW_OF or other in BESIDE
    if known and "/" in target and other != folder and other not in BESIDE[folder]:
        return f"{folder} includes {other}: it may include {', '.join(sorted(BESIDE[folder]))} only"
    return None


def check_file(relative, text):
    """Yields (line number, finding)."""
    parts = relative.parts
    is_code = relative.suffix in {".cpp", ".hpp"}
    lines = text.splitlines()
    if is_code and len(lines) > FILE_LINES and "flat table" not in "\n".join(lines[:40]):
        yield 1, f"{len(lines)} lines: more than one idea? (a long flat table says so at its top)"
    for number, line in enumerate(lines, 1):
        if UNFINISHED.search(line) and parts[:2] != ("tests", "tidy"):
            yield number, "unfinished: do it, or take it out"
        if not is_code:
            continue
        if len(line) > LINE_COLUMNS:
            yield number, f"{len(line)} columns"
        if line.rstrip() != line:
            yield number, "white space at the end of the line"
        match = INCLUDE.match(line)
        if parts[0] in BESIDE and match:
            if finding := check_include_beside(parts[0], match.group(1)):
                yield number, finding
        if parts[0] != "daemon" or len(parts) < 3:
            continue
        folder = parts[1]
        if folder in DOMAIN and DOMAIN_FORBIDS.search(line):
            yield number, f"{folder} is of the domain: no Asio, no HTTP, no configuration"
        if match:
            if finding := check_include(folder, parts[1:], match.group(1)):
                yield number, finding


def main(root):
    root = pathlib.Path(root)
    tracked = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"],
        check=True, capture_output=True, text=True).stdout.split("\n")
    findings = 0
    for name in tracked:
        path = root / name
        if path.suffix not in {".cpp", ".hpp", ".py", ".sh", ".cmake", ".md"} or not path.exists():
            continue
        for number, finding in check_file(pathlib.PurePath(name), path.read_text()):
            print(f"{name}:{number}: {finding}")
            findings += 1
    print(f"{findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
