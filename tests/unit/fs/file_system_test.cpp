#include "fs/file_system.hpp"

#include "fs/faulty_file_system.hpp"
#include "fs/memory_file_system.hpp"
#include "support/test_support.hpp"

namespace mimir::fs {
namespace {

using OpenMode = FileSystem::OpenMode;

struct Real {
    test::TempDir temp;
    FileSystem& files = real_file_system();
    Path dir = temp.path();
};
template <class Files>
struct InMemory {
    Files files;
    Path dir = "/data";
    InMemory() { REQUIRE_OK(files.create_directories(dir)); }
};

TEST_SUITE_BEGIN("fs/file_system");

// What every implementation promises.
TEST_CASE_TEMPLATE_DEFINE("a file system", Fixture, contract) {
    Fixture fixture;
    FileSystem& files = fixture.files;
    const Path dir = fixture.dir;
    const Path path = dir / "file";
    const auto write = [&](const Path& to, std::string_view content) {
        auto file = files.open_writable(to, OpenMode::truncate);
        REQUIRE_OK(file);
        REQUIRE_OK((*file)->append(content));
    };

    SUBCASE("appended bytes are read back, whole and in parts") {
        auto file = files.open_writable(path, OpenMode::create_new);
        REQUIRE_OK(file);
        REQUIRE_OK((*file)->append("hello "));
        REQUIRE_OK((*file)->append("world"));
        REQUIRE_OK((*file)->sync());
        CHECK((*file)->size() == 11);
        CHECK(files.read_file(path).value() == "hello world");

        const auto reader = files.open_readable(path);
        REQUIRE_OK(reader);
        CHECK((*reader)->size().value() == 11);
        std::string out = ">";
        REQUIRE_OK((*reader)->read(6, 100, out));
        CHECK(out == ">world");
        REQUIRE_OK((*reader)->read(11, 100, out));
        REQUIRE_OK((*reader)->read(100, 100, out));
        CHECK(out == ">world");
        CHECK(files.map(path).value()->bytes() == "hello world");
    }
    SUBCASE("a mapping stays valid after the file's removal; an empty file maps to nothing") {
        write(path, "content");
        write(dir / "empty", "");
        const auto mapped = files.map(path).value();
        REQUIRE_OK(files.remove_file(path));
        CHECK(mapped->bytes() == "content");
        CHECK(files.map(dir / "empty").value()->bytes().empty());
    }
    SUBCASE("modes of opening") {
        write(path, "old");
        CHECK(files.open_writable(path, OpenMode::create_new).error().kind == ErrorKind::conflict);
        {
            auto file = files.open_writable(path, OpenMode::append).value();
            CHECK(file->size() == 3);
            REQUIRE_OK(file->append("er"));
        }
        CHECK(files.read_file(path).value() == "older");
        REQUIRE_OK(files.open_writable(path, OpenMode::truncate));
        CHECK(files.read_file(path).value().empty());
        REQUIRE_OK(files.open_writable(dir / "new", OpenMode::append));
        CHECK(files.exists(dir / "new"));
    }
    SUBCASE("appending goes on at the cut") {
        auto file = files.open_writable(path, OpenMode::create_new).value();
        REQUIRE_OK(file->append("0123456789"));
        REQUIRE_OK(file->truncate(4));
        REQUIRE_OK(file->append("x"));
        CHECK(file->size() == 5);
        CHECK(files.read_file(path).value() == "0123x");
    }
    SUBCASE("a listing is sorted and tells folders from files") {
        write(dir / "b", "");
        write(dir / "a", "");
        REQUIRE_OK(files.create_directories(dir / "c" / "d" / "e"));
        REQUIRE_OK(files.create_directories(dir / "c"));
        const auto entries = files.list(dir);
        REQUIRE_OK(entries);
        REQUIRE(entries->size() == 3);
        CHECK((*entries)[0].name == "a");
        CHECK((*entries)[1].name == "b");
        CHECK((*entries)[2].name == "c");
        CHECK_FALSE((*entries)[1].is_directory);
        CHECK((*entries)[2].is_directory);
        CHECK(files.exists(dir / "c" / "d" / "e"));
        CHECK_FALSE(files.create_directories(dir / "a").has_value());
    }
    SUBCASE("what is missing is not found, and the message names it") {
        const auto error = files.read_file(path).error();
        CHECK(error.kind == ErrorKind::not_found);
        CHECK(error.message.find(path.string()) != std::string::npos);
        CHECK(files.open_readable(path).error().kind == ErrorKind::not_found);
        CHECK(files.map(path).error().kind == ErrorKind::not_found);
        CHECK(files.list(path).error().kind == ErrorKind::not_found);
        CHECK(files.sync_dir(path).error().kind == ErrorKind::not_found);
        CHECK(files.rename(path, dir / "x").error().kind == ErrorKind::not_found);
        CHECK(files.remove_file(path).error().kind == ErrorKind::not_found);
        CHECK(
            files.open_writable(path / "x", OpenMode::append).error().kind == ErrorKind::not_found
        );
        REQUIRE_OK(files.remove_all(path));
    }
    SUBCASE("a rename replaces a file, and moves a folder with all in it") {
        write(dir / "from", "new");
        write(path, "old");
        REQUIRE_OK(files.rename(dir / "from", path));
        CHECK(files.read_file(path).value() == "new");
        CHECK_FALSE(files.exists(dir / "from"));

        REQUIRE_OK(files.create_directories(dir / "block.tmp" / "chunks"));
        write(dir / "block.tmp" / "chunks" / "000001", "c");
        REQUIRE_OK(files.rename(dir / "block.tmp", dir / "block"));
        CHECK(files.read_file(dir / "block" / "chunks" / "000001").value() == "c");
        CHECK_FALSE(files.exists(dir / "block.tmp"));
        REQUIRE_OK(files.remove_all(dir / "block"));
        CHECK_FALSE(files.exists(dir / "block"));
    }
    SUBCASE("a lock is held once, until its object goes") {
        auto lock = files.lock(path);
        REQUIRE_OK(lock);
        CHECK(files.lock(path).error().kind == ErrorKind::conflict);
        lock->reset();
        REQUIRE_OK(files.lock(path));
    }
    SUBCASE("a file written atomically replaces the old and leaves nothing beside") {
        REQUIRE_OK(write_file_atomically(files, path, "1"));
        REQUIRE_OK(write_file_atomically(files, path, "22"));
        CHECK(files.read_file(path).value() == "22");
        CHECK(files.list(dir).value().size() == 1);
        CHECK(
            write_file_atomically(files, dir / "no" / "x", "1").error().kind == ErrorKind::not_found
        );
    }
    SUBCASE("there is room") { CHECK(files.free_bytes(dir).value() > 0); }
}
TEST_CASE_TEMPLATE_INVOKE(contract, Real, InMemory<MemoryFileSystem>, InMemory<FaultyFileSystem>);

TEST_SUITE_END();

}  // namespace
}  // namespace mimir::fs
