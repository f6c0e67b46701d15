#include "fs/file_system.hpp"

namespace mimir::fs {
namespace {

Result<void> write_and_sync(FileSystem& files, const Path& path, std::string_view content) {
    MIMIR_TRY(auto file, files.open_writable(path, FileSystem::OpenMode::truncate));
    MIMIR_TRY(file->append(content));
    return file->sync();
}

}  // namespace

Result<void> write_file_atomically(FileSystem& files, const Path& path, std::string_view content) {
    Path temporary = path;
    temporary += ".tmp";
    Result<void> written = write_and_sync(files, temporary, content);
    if (written) written = files.rename(temporary, path);
    if (!written) {
        // The first error is the one to report; a temporary file left over is overwritten next
        // time.
        static_cast<void>(files.remove_file(temporary));
        return written;
    }
    return files.sync_dir(path.parent_path());
}

}  // namespace mimir::fs
