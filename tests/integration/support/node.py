"""A primary process with those that it keeps beside it."""

import os
import pathlib
import signal
import subprocess

from support.servers import Mimird, wait_for

BESIDE = ["distributor", "querier", "query-frontend", "query-scheduler"]


class Node(Mimird):
    """A primary with the processes beside it, all of which end with it."""

    def __init__(self, *flags, state=None, **others):
        super().__init__(*flags, **others)
        self._state = state or self.folder / "node"

    @property
    def state(self):
        return self._state

    def processes(self, state=None):
        listed = self.admin("GET", "v1/processes").json
        return sorted(one["name"] for one in listed if state in (None, one["state"]))

    def pid_of(self, name):
        return next(one["pid"] for one in self.admin("GET", "v1/processes").json if one["name"] == name)

    def pids(self):
        """Of every process of this node that lives, the primary's too."""
        found = subprocess.run(["pgrep", "-f", f"node.state-dir={self.state}"], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split() if alive(int(pid))]

    def mode(self):
        return self.admin("GET", "v1/status").json["mode"]

    def kill_all(self):
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self.kill()
        wait_for("all processes ended", lambda: not self.pids())

    def __exit__(self, *arguments):
        self.kill_all()
        super().__exit__(*arguments)


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
