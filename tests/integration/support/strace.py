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
    found = None
    while not found or found != _list_threads(pid, name):   # a listing may miss some while others end
        found = _list_threads(pid, name)
    return found


def _list_threads(pid, name):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):   # it ends meanwhile
            if task.name != str(pid) and (task / "comm").read_text().startswith(name):
                found.append(int(task.name))
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
        self.let_go()
        self.process.stderr.close()
        self.file.close()

    def let_go(self):
        """Of the threads; what was held up goes on."""
        self.process.terminate()
        self.process.wait()

    def lines(self):
        return self.file.read().splitlines()


class Recorder:
    """Which transactions of the journal these threads make in the block; `rows` afterwards: (time of begin, points) of each.
    delay_s: see Delay."""

    def __init__(self, mimird, names, delay_s=0):
        self.delay_s = delay_s
        self.names = {one: name for name in names for one in threads(mimird.process.pid, name)}
        self.journal = re.escape(str(mimird.state / "journal.db"))
        self.trace = Strace(
            list(self.names), "-y", "-ttt", f"-etrace={BEGIN},{WRITE},{SYNC}{_delayed(delay_s)}", *_delay(delay_s))

    def __enter__(self):
        self.trace.__enter__()
        return self

    def __exit__(self, *failure):
        self.trace.let_go()
        lines = self.trace.lines()
        self.trace.__exit__(*failure)
        self.rows = self._rows(lines)

    def _rows(self, lines):
        counts = collections.Counter()
        open_rows, rows = {}, []
        for line in lines:
            found = re.match(r"(\d+) +([\d.]+) (\w+)\(", line)   # of a call that is in two halves, the first
            if not found or found[3] not in (BEGIN, WRITE, SYNC):
                continue
            thread, call = int(found[1]), found[3]
            of_journal = re.search(self.journal + "(-wal)?[\">]", line)
            if of_journal or _counts_all(self.names[thread], self.delay_s):
                counts[thread, call] += 1
            if of_journal and call == BEGIN:
                open_rows[thread] = float(found[2]), []   # what only reads makes no row
            if not of_journal or thread not in open_rows:   # of another file, or begun before the block
                continue
            open_rows[thread][1].append(Point(self.names[thread], call, counts[thread, call]))
            if call == SYNC:
                rows.append(open_rows.pop(thread))
        return rows


class Killing(Strace):
    """The process is killed when it enters that call for the count'th time in the block. delay_s: see Delay."""

    def __init__(self, mimird, point, delay_s=0):
        paths = [mimird.state / "journal.db", mimird.state / "journal.db-wal"]
        super().__init__(
            threads(mimird.process.pid, point.thread), f"-etrace={point.call}{_delayed(delay_s)}",
            f"-einject={point.call}:signal=KILL:when={point.count}", *_delay(delay_s),
            paths=[] if _counts_all(point.thread, delay_s) else paths)


class Delay(Strace):
    """The first start of a module takes so long, or until let_go(). A thread has one tracer: who traces the manager's for
    another reason has to delay it, too."""

    def __init__(self, mimird, seconds):
        super().__init__(threads(mimird.process.pid, MANAGER), "-etrace=clone3", *_delay(seconds))


def _counts_all(thread, delay_s):
    """Whether calls on other files count, too: a filter by path would not let the delayed one through."""
    return delay_s and thread == MANAGER


def _delay(seconds):
    return [f"-einject=clone3:delay_enter={int(seconds * 1e6)}:when=1"] if seconds else []


def _delayed(seconds):
    return ",clone3" if seconds else ""
