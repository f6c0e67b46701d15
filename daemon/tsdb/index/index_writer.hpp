#pragma once

#include <memory>
#include <span>

#include "base/result.hpp"
#include "fs/file_system.hpp"
#include "model/labels.hpp"
#include "tsdb/index/index_format.hpp"

namespace mimir::tsdb {

/// Writes a block's index from series as they come. The symbol table stands first in the file and
/// is complete last, so series are spooled to a file of their own until finish(). Memory:  each
/// distinct label once, and 4 bytes for each label of each series at the end. Threads: one at a
/// time.
class IndexWriter {
  public:
    /// Writes to `dir`/index and, until finish(), to `dir`/index.spool.
    static Result<IndexWriter> create(fs::FileSystem& files, fs::Path dir);
    ~IndexWriter();
    IndexWriter(IndexWriter&&) noexcept;
    IndexWriter& operator=(IndexWriter&&) noexcept;

    /// Label sets must ascend, each once; chunks are sorted by time.
    /// Errors: corrupt when the series do not ascend; those of the file system.
    Result<void> add(model::LabelsView labels, std::span<const ChunkMeta> chunks);

    /// Writes and syncs the index, and removes the spool.
    /// Errors: those of the file system; limit when a section does not fit in the format.
    Result<void> finish();

  private:
    struct State;
    explicit IndexWriter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace mimir::tsdb
