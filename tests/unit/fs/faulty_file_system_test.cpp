#include "fs/faulty_file_system.hpp"

#include <set>

#include "support/test_support.hpp"

namespace mimir::fs {
namespace {

using OpenMode = FileSystem::OpenMode;

const Error kDiskError{ErrorKind::internal, {}, "Input/output error"};

struct Disk {
    FaultyFileSystem files;
    const Path dir = "/data";
    const Path path = dir / "file";

    Disk() { REQUIRE_OK(files.create_directories(dir)); }
    std::unique_ptr<WritableFile> open(OpenMode mode = OpenMode::append) {
        return files.open_writable(path, mode).value();
    }
};

TEST_SUITE_BEGIN("fs/faulty_file_system");

TEST_CASE("a power cut forgets what was not synced") {
    Disk disk;
    auto file = disk.open();
    REQUIRE_OK(file->append("safe"));
    REQUIRE_OK(file->sync());
    REQUIRE_OK(file->append("lost"));

    SUBCASE("the name, when its folder was not synced") {
        disk.files.power_cut();
        CHECK_FALSE(disk.files.exists(disk.path));
    }
    SUBCASE("the bytes after the last sync") {
        REQUIRE_OK(disk.files.sync_dir(disk.dir));
        disk.files.power_cut();
        CHECK(disk.files.read_file(disk.path).value() == "safe");
    }
    SUBCASE("a truncation") {
        REQUIRE_OK(disk.files.sync_dir(disk.dir));
        REQUIRE_OK(file->truncate(2));
        REQUIRE_OK(file->append("X"));
        disk.files.power_cut();
        CHECK(disk.files.read_file(disk.path).value() == "safe");
    }
    SUBCASE("a truncation, unless it was synced") {
        REQUIRE_OK(disk.files.sync_dir(disk.dir));
        REQUIRE_OK(file->truncate(2));
        REQUIRE_OK(file->append("X"));
        REQUIRE_OK(file->sync());
        disk.files.power_cut();
        CHECK(disk.files.read_file(disk.path).value() == "saX");
    }
    SUBCASE("a removal and a rename, whole") {
        REQUIRE_OK(disk.files.sync_dir(disk.dir));
        REQUIRE_OK(disk.files.rename(disk.path, disk.dir / "renamed"));
        disk.files.power_cut();
        CHECK(disk.files.exists(disk.path));
        CHECK_FALSE(disk.files.exists(disk.dir / "renamed"));
        REQUIRE_OK(disk.files.remove_file(disk.path));
        disk.files.power_cut();
        CHECK(disk.files.exists(disk.path));
    }
    SUBCASE("and kills the files that were open") {
        disk.files.power_cut();
        CHECK_FALSE(file->append("x").has_value());
        CHECK_FALSE(file->sync().has_value());
    }
}

TEST_CASE("a kinder power cut keeps prefixes of what was not synced") {
    SeededRandom random = test::seeded_random();
    std::set<std::string> seen;
    for (int i = 0; i < 200; ++i) {
        Disk disk;
        auto file = disk.open();
        REQUIRE_OK(file->append("a"));
        REQUIRE_OK(file->sync());
        REQUIRE_OK(file->append("bc"));
        disk.files.power_cut(&random);
        seen.insert(
            disk.files.exists(disk.path) ? disk.files.read_file(disk.path).value() : "no file"
        );
    }
    CHECK(seen == std::set<std::string>{"no file", "a", "ab", "abc"});
}

TEST_CASE("a file replaced atomically is old or new, wherever the power is cut") {
    SeededRandom random = test::seeded_random();
    Disk disk;
    REQUIRE_OK(write_file_atomically(disk.files, disk.path, "old"));
    const std::uint64_t before = disk.files.operations();
    REQUIRE_OK(write_file_atomically(disk.files, disk.path, "old"));
    const std::uint64_t operations = disk.files.operations() - before;
    CHECK(operations == 5);
    for (std::uint64_t n = 1; n <= operations; ++n) {
        for (int attempt = 0; attempt < 20; ++attempt) {
            disk.files.fail_from(n, kDiskError);
            CHECK(
                write_file_atomically(disk.files, disk.path, "new").error().message ==
                kDiskError.message
            );
            disk.files.power_cut(attempt == 0 ? nullptr : &random);
            const std::string content = disk.files.read_file(disk.path).value();
            CHECK((content == "old" || content == "new"));
            REQUIRE_OK(write_file_atomically(disk.files, disk.path, "old"));
        }
    }
}

TEST_CASE("operations fail when told to") {
    Disk disk;
    auto file = disk.open();
    SUBCASE("one of them") {
        disk.files.fail_operation(2, kDiskError);
        REQUIRE_OK(file->append("1"));
        CHECK(file->append("2").error().kind == ErrorKind::internal);
        REQUIRE_OK(file->append("3"));
        CHECK(disk.files.read_file(disk.path).value() == "13");
    }
    SUBCASE("all from one on, until healed") {
        disk.files.fail_from(2, kDiskError);
        REQUIRE_OK(file->append("1"));
        CHECK_FALSE(file->sync().has_value());
        CHECK_FALSE(disk.files.remove_file(disk.path).has_value());
        disk.files.heal();
        REQUIRE_OK(file->sync());
    }
    SUBCASE("an append is torn") {
        disk.files.tear_append(2, 3);
        REQUIRE_OK(file->append("1"));
        REQUIRE_OK(file->sync());
        CHECK_FALSE(file->append("234567").has_value());
        CHECK(disk.files.read_file(disk.path).value() == "1234");
    }
    SUBCASE("the disk runs full") {
        disk.files.set_free_bytes(4);
        REQUIRE_OK(file->append("123"));
        CHECK(disk.files.free_bytes(disk.dir).value() == 1);
        CHECK(file->append("456").error().kind == ErrorKind::unavailable);
        CHECK(disk.files.read_file(disk.path).value() == "1234");
    }
    SUBCASE("a read") {
        disk.files.fail_read(2, kDiskError);
        REQUIRE_OK(disk.files.read_file(disk.path));
        CHECK_FALSE(disk.files.map(disk.path).has_value());
        REQUIRE_OK(disk.files.list(disk.dir));
    }
}

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::fs
