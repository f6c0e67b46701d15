"""strace attached to threads of a running mimird: says which journal writes an operation makes, and kills at a given one.

Counting is done by thread, so a point of an operation is: which of mimird's threads, which call, how often before."""

import collections
import contextlib
import pathlib
import re
import subprocess
import tempfile

# Of each transaction of the journal, on the thread that makes it: the check that the file is still in its place comes
# first, then the pages go into the log, and at the sync all of the transaction is in the file but nobody was told.
BEGIN, WRITE, SYNC = "newfstatat", "pwrite64", "fdatasync"
# The threads that write the journal, and how to tell them: by their name, and whether they are the process's first.
ADMIN, MANAGER, OPERATIONS = "admin-api", "mimird", "operations"

Point = collections.namedtuple("Point", "thread call count")


def threads(pid, name):
    """Ids of the threads whose names begin so, without the one that main() runs on."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):   # it ends meanwhile
            if task.name != str(pid) and (task / "comm").read_text().startswith(name):
                found.append(int(task.name))
    assert found, f"mimird has no thread named {name}"
    return sorted(found)


class Strace:
    """Attached to threads of a process from the beginning of the block to its end, or the process's."""

    def __init__(self, ids, *arguments, paths=()):
        self.ids = ids
        self.file = tempfile.NamedTemporaryFile(prefix="mimird-it-strace-", mode="r")
        self.command = ["strace", "-o", self.file.name, *arguments]
        for path in paths:
            self.command += ["-P", str(path)]
        for one in ids:
            self.command += ["-p", str(one)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        for _ in self.ids:
            line = self.process.stderr.readline()
            if "attached" not in line:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"strace: {line} {self.process.stderr.read()}")
        return self

    def __exit__(self, *_):
        self.process.terminate()   # lets go of the threads
        self.process.wait()
        self.process.stderr.close()
        self.file.close()

    def lines(self):
        return self.file.read().splitlines()


class Recorder:
    """Which transactions of the journal are made in the block; `rows` afterwards: (time of its begin, points) of each."""

    def __init__(self, mimird, slow_s=0):
        self.slow_s = slow_s
        self.names = {one: name for name in (ADMIN, MANAGER, OPERATIONS) for one in threads(mimird.process.pid, name)}
        self.journal = re.escape(str(mimird.state / "journal.db"))
        self.trace = Strace(list(self.names), "-y", "-ttt", f"-etrace={BEGIN},{WRITE},{SYNC}{_delayed(slow_s)}", *_delay(slow_s))

    def __enter__(self):
        self.trace.__enter__()
        return self

    def __exit__(self, *failure):
        self.trace.process.terminate()
        self.trace.process.wait()
        lines = self.trace.lines()
        self.trace.__exit__(*failure)
        self.rows = self._rows(lines)

    def _rows(self, lines):
        counts = collections.Counter()
        open_rows, rows = {}, []
        for line in lines:
            found = re.match(r"(\d+) +([\d.]+) (\w+)\(", line)   # without the second half of a call that was interrupted in the log
            if not found or found[3] not in (BEGIN, WRITE, SYNC):
                continue
            thread, call = int(found[1]), found[3]
            of_journal = re.search(self.journal + "(-wal)?[\">]", line)
            if of_journal or _counts_all(self.names[thread], self.slow_s):
                counts[thread, call] += 1
            if not of_journal:
                continue
            if call == BEGIN:
                open_rows[thread] = float(found[2]), []   # what only reads makes no row
            open_rows[thread][1].append(Point(self.names[thread], call, counts[thread, call]))
            if call == SYNC:
                rows.append(open_rows[thread])
        return rows


def killing(mimird, point, slow_s=0):
    """A block in which the process is killed when it enters that call for the count'th time."""
    block = contextlib.ExitStack()
    kill = [f"-einject={point.call}:signal=KILL:when={point.count}"]
    paths = [mimird.state / "journal.db", mimird.state / "journal.db-wal"]
    calls = point.call
    if _counts_all(point.thread, slow_s):   # a thread has one tracer
        kill += _delay(slow_s)
        calls += _delayed(slow_s)
        paths = []
    elif slow_s:
        block.enter_context(slow_start(mimird, slow_s))
    block.enter_context(Strace(threads(mimird.process.pid, point.thread), f"-etrace={calls}", *kill, paths=paths))
    return block


def slow_start(mimird, seconds):
    """A block in which the first start of a module takes so much longer."""
    return Strace(threads(mimird.process.pid, MANAGER), "-etrace=clone3", *_delay(seconds))


def _counts_all(thread, slow_s):
    """Whether calls on other files count, too: a filter by path would not let the delayed one through."""
    return slow_s and thread == MANAGER


def _delay(seconds):
    return [f"-einject=clone3:delay_enter={int(seconds * 1e6)}:when=1"] if seconds else []


def _delayed(seconds):
    return ",clone3" if seconds else ""
