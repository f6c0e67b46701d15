"""A throw-away machine: this one's files under an overlay, with a systemd of its own. Needs root and systemd-nspawn."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from support.servers import wait_for

# What the machine's own settings would start or forbid.
UNWANTED = ["etc/fstab", "etc/systemd/system/*.wants/*", "usr/sbin/policy-rc.d", "var/lib/man-db/auto-update",
            "etc/mimird", "var/lib/mimird"]
GROUPS = [pathlib.Path("/sys/fs/cgroup") / name for name in ("", "systemd", "unified")]
POWER_OFF = "RTMIN+4"


def run(*command, timeout=300, **kwargs):
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=timeout,
        **({} if "input" in kwargs else {"stdin": subprocess.DEVNULL}), **kwargs)


def check(*command, **kwargs):
    done = run(*command, **kwargs)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def remove_groups(group):
    """Returns whether some of them are in use."""
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            os.rmdir(folder)
        except OSError:
            return True
    return False


class Overlay:
    """The machine's files, changes to which are forgotten. Skips the test where that is not possible."""

    def __enter__(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("not root: no overlay of the machine's files can be mounted")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mimird-it-overlay-"))
        self.root, self.changes = self.folder / "root", self.folder / "changes"
        self.root.mkdir()
        self.changes.mkdir()
        try:
            check("mount", "-t", "tmpfs", "tmpfs", self.changes)
            for name in ("upper", "work"):
                (self.changes / name).mkdir()
            check("mount", "-t", "overlay", "overlay", "-o",
                  f"lowerdir=/,upperdir={self.changes}/upper,workdir={self.changes}/work", self.root)
        except AssertionError as error:
            self.__exit__()
            raise unittest.SkipTest(f"no overlay can be mounted: {error}") from error
        for pattern in UNWANTED:
            for path in self.root.glob(pattern):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        return self

    def __exit__(self, *_):
        for mount in (self.root, self.changes):
            run("umount", "--lazy", mount)
        if not os.path.ismount(self.root) and not os.path.ismount(self.changes):
            shutil.rmtree(self.folder)

    def copy(self, path):
        """A file into /root; returns its path there."""
        shutil.copy(path, self.root / "root")
        return "/root/" + pathlib.Path(path).name

    def run(self, *command, **kwargs):
        return run("chroot", self.root, *command, **kwargs)

    def check(self, *command, **kwargs):
        done = self.run(*command, **kwargs)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


class Container(Overlay):
    """The same, booted. Skips the test where that is not possible."""

    def __enter__(self):
        if not shutil.which("systemd-nspawn"):
            raise unittest.SkipTest("there is no systemd-nspawn (package systemd-container)")
        super().__enter__()
        (self.root / "etc/machine-id").write_text("")
        self.boot()
        return self

    def reboot(self):
        """As after a power-off that asked; what is in /run is gone."""
        self.power_off()
        self.boot()

    def boot(self):
        self.log = open(self.folder.with_suffix(".boot.log"), "wb")
        # Control groups of its own, so that several containers do not meet in those that nspawn makes below.
        self.groups = [base / self.folder.name for base in GROUPS if (base / "cgroup.procs").exists()]
        for group in self.groups:
            group.mkdir()
        enter = "".join(f"echo $$ > {group}/cgroup.procs; " for group in self.groups)
        self.process = subprocess.Popen(
            ["sh", "-c", enter + 'exec "$@"', "sh", "systemd-nspawn", "--quiet", "-D", self.root, "-M", self.folder.name.replace("_", "-"), "--boot", "--register=no",
             "--keep-unit", "--private-network", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while True:
            leader = run("pgrep", "-P", self.process.pid).stdout.split()
            self.leader = leader[0] if leader else None
            if leader and self.run("systemctl", "is-system-running", "--wait").stdout.strip() in ("running", "degraded"):
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = pathlib.Path(self.log.name).read_text(errors="replace")[-500:]
                self.__exit__()
                raise unittest.SkipTest(f"systemd does not boot in a container here: {text}")
            time.sleep(0.05)

    def power_off(self):
        if self.leader and self.process.poll() is None:
            run("kill", "-s", POWER_OFF, self.leader)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            run("kill", "-KILL", self.leader)   # its process 1, with which all of it ends
            self.process.kill()
            self.process.wait()
        for group in self.groups:
            wait_for(f"{group} empty", lambda g=group: not remove_groups(g))
        self.log.close()
        os.unlink(self.log.name)

    def __exit__(self, *_):
        try:
            self.power_off()
        finally:
            super().__exit__()

    def run(self, *command, **kwargs):
        return run("nsenter", "-t", self.leader, "-a", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
                   "DEBIAN_FRONTEND=noninteractive", *command, **kwargs)
