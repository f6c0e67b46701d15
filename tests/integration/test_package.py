"""The Debian package: what is in it; that it installs, runs under systemd, upgrades without a restart, and goes cleanly."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from support.container import Container, Overlay
from support.servers import BIN, wait_for

BUILD = BIN.parent
OLD, NEW = "0.0.1", "99.0.0"
EXPOSURE_MAX = 1.5
BESIDE = ["distributor", "querier", "query-frontend", "query-scheduler"]
UNITS = ["mimird.service", "mimird@.service", "mimird.target", "mimird.slice", "mimird-http.socket"]

work = None
packages = {}


def setUpModule():
    """Two versions of the package from what is built."""
    global work
    if not shutil.which("dpkg-deb") or not shutil.which("cpack"):
        raise unittest.SkipTest("there is no dpkg-deb or no cpack")
    work = tempfile.TemporaryDirectory(prefix="mimird-it-package-")
    for version in (OLD, NEW):
        folder = pathlib.Path(work.name) / version
        done = subprocess.run(
            ["cpack", "-G", "DEB", "--config", BUILD / "CPackConfig.cmake", "-B", folder, "-D", f"CPACK_PACKAGE_VERSION={version}"],
            capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        packages[version] = next(folder.glob("mimird_*.deb"))


def tearDownModule():
    if work:
        work.cleanup()


def output(*command, **kwargs):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, **kwargs).stdout


class ContentTest(unittest.TestCase):
    def test_files_and_control(self):
        listing = output("dpkg-deb", "-c", packages[NEW])
        files = {line.split()[5].removeprefix("."): line.split()[:2] for line in listing.splitlines()}
        for path in (
            "/usr/bin/mimird", "/usr/bin/mimirctl", "/etc/mimird/mimird.yaml", "/etc/default/mimird",
            "/usr/share/man/man8/mimird.8.gz", "/usr/share/man/man5/mimird.yaml.5.gz",
            "/usr/share/man/man1/mimirctl.1.gz", "/usr/share/man/man1/mimirctl-set-target.1.gz",
            "/usr/share/bash-completion/completions/mimirctl", "/usr/share/bash-completion/completions/mimird",
            "/usr/share/zsh/vendor-completions/_mimirctl", "/usr/share/zsh/vendor-completions/_mimird",
            "/usr/share/fish/vendor_completions.d/mimirctl.fish", "/usr/share/fish/vendor_completions.d/mimird.fish",
            "/usr/lib/sysusers.d/mimird.conf", "/usr/lib/tmpfiles.d/mimird.conf",
            "/usr/share/polkit-1/rules.d/50-mimird.rules", "/usr/share/doc/mimird/copyright",
            *("/usr/lib/systemd/system/" + unit for unit in UNITS),
        ):
            self.assertIn(path, files)
        for path, (mode, owner) in files.items():
            self.assertEqual("root/root", owner, path)
            self.assertRegex(mode, r"^(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--)$", path)
        control = output("dpkg-deb", "-f", packages[NEW])
        self.assertIn(f"Version: {NEW}\n", control)
        self.assertRegex(control, r"Depends:.*libc6 \(>=.*libssl3.*systemd")
        conffiles = output("dpkg-deb", "-I", packages[NEW], "conffiles").split()
        self.assertEqual(["/etc/default/mimird", "/etc/mimird/mimird.yaml"], sorted(conffiles))

    def test_lintian_finds_no_error(self):
        if not shutil.which("lintian"):
            self.skipTest("there is no lintian")
        done = subprocess.run(
            ["lintian", "--fail-on", "error", "--allow-root", packages[NEW]], capture_output=True, text=True, timeout=300)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_settings_are_valid_and_completions_are_scripts(self):
        with tempfile.TemporaryDirectory() as folder:
            output("dpkg-deb", "-x", packages[NEW], folder)
            root = pathlib.Path(folder)
            output(root / "usr/bin/mimird", f"-config.file={root}/etc/mimird/mimird.yaml", "-print.config")
            for shell, paths in {
                "bash": ["bash-completion/completions/mimird", "bash-completion/completions/mimirctl"],
                "zsh": ["zsh/vendor-completions/_mimird", "zsh/vendor-completions/_mimirctl"],
                "fish": ["fish/vendor_completions.d/mimird.fish", "fish/vendor_completions.d/mimirctl.fish"],
            }.items():
                for path in paths if shutil.which(shell) else []:
                    with self.subTest(path=path):
                        output(shell, "-n", root / "usr/share" / path)

    def test_sandbox(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("there is no systemd-analyze")
        with tempfile.TemporaryDirectory() as folder:
            output("dpkg-deb", "-x", packages[NEW], folder)
            for unit in ("mimird.service", "mimird@.service"):
                with self.subTest(unit=unit):
                    path = pathlib.Path(folder) / "usr/lib/systemd/system" / unit
                    text = output("systemd-analyze", "security", "--offline=true", "--no-pager", path)
                    score = float(re.search(r"Overall exposure level.*: ([0-9.]+)", text)[1])
                    self.assertLessEqual(score, EXPOSURE_MAX, text)


class WithoutSystemdTest(unittest.TestCase):
    """In a chroot, as in the building of an image."""

    def test_install_and_purge(self):
        with Overlay() as machine:
            machine.check("dpkg", "-i", machine.copy(packages[NEW]))
            self.assertIn("mimird", machine.check("id", "mimird"))
            self.assertIn("mimird-admin", machine.check("getent", "group", "mimird-admin"))
            self.assertTrue((machine.root / "etc/systemd/system/multi-user.target.wants/mimird.service").is_symlink())
            machine.check("dpkg", "-P", "mimird")
            for path in ("etc/mimird", "var/lib/mimird", "usr/bin/mimird", "etc/default/mimird"):
                self.assertFalse((machine.root / path).exists(), path)


class Machine(Container):
    def status(self, unit="mimird.service"):
        return self.run("systemctl", "status", "--no-pager", unit).stdout

    def show(self, what, unit="mimird.service"):
        return self.check("systemctl", "show", "--value", "-p", what, unit).strip()

    def ctl(self, *arguments, **kwargs):
        return self.check("mimirctl", *arguments, **kwargs)

    def processes(self):
        return {one["name"]: one for one in json.loads(self.ctl("processes", "-o", "json"))}

    def states(self):
        return {name: one["state"] for name, one in self.processes().items()}

    def instant(self, port, path, query, at):
        """The values of an instant query over Prometheus' API."""
        said = self.check("curl", "-sf", "-m", "30", "-G", f"http://127.0.0.1:{port}{path}/api/v1/query",
                          "--data-urlencode", f"query={query}", "-d", f"time={at}")
        return [one["value"][1] for one in json.loads(said)["data"]["result"]]

    def push(self, value):
        self.ctl("push", input=f"package_test {value}\n")


class SystemdTest(unittest.TestCase):
    """Each test leaves the daemon running."""

    @classmethod
    def setUpClass(cls):
        cls.machine = cls.enterClassContext(Machine())
        cls.machine.check("dpkg", "-i", cls.machine.copy(packages[OLD]))

    def setUp(self):
        # All the tests' starts count towards one limit.
        self.machine.run("systemctl", "reset-failed", "mimird.service", *(f"mimird@{name}.service" for name in BESIDE))

    def test_it_runs_as_its_user_and_says_what_it_does(self):
        self.assertEqual("active", self.machine.show("ActiveState"))
        self.assertRegex(self.machine.status(), r'Status: "running all: [0-9]+ modules"')
        self.assertEqual("mimird", self.machine.check("ps", "-o", "user=", "-p", self.machine.show("MainPID")).strip())
        self.assertEqual("", self.machine.run("systemd-analyze", "verify", *(
            f"/lib/systemd/system/{unit}" for unit in UNITS)).stderr)

    def test_log_has_fields(self):
        self.assertIn("msg=\"Application started\"", self.machine.check(
            "journalctl", "-u", "mimird", "-o", "cat", "MIMIRD_MSG=Application started", "PRIORITY=6"))

    def test_samples_survive_a_restart(self):
        self.machine.push(41)
        self.machine.check("systemctl", "restart", "mimird")
        self.assertIn("41", self.machine.ctl("query", "package_test", "-o", "json"))

    def test_reload_applies_or_says_why_not(self):
        settings = self.machine.root / "etc/mimird/mimird.yaml"
        good = settings.read_text()
        pid = self.machine.show("MainPID")
        self.addCleanup(self.machine.check, "systemctl", "reload", "mimird")
        self.addCleanup(settings.write_text, good)
        settings.write_text(good.replace("log_level: info", "log_level: debug"))
        self.machine.check("systemctl", "reload", "mimird")
        self.assertIn("log_level: debug", self.machine.ctl("config", "show"))
        settings.write_text(good.replace("log_level: info", "log_level: loud"))
        self.assertNotEqual(0, self.machine.run("systemctl", "reload", "mimird").returncode)
        self.assertEqual("active", self.machine.show("ActiveState"))
        self.assertEqual(pid, self.machine.show("MainPID"))

    def test_watchdog_ends_a_hanging_process_and_restarts_it(self):
        self.machine.check("mkdir", "-p", "/run/systemd/system/mimird.service.d")
        self.machine.check("sh", "-c", "printf '[Service]\\nWatchdogSec=2s\\n' > "
                           "/run/systemd/system/mimird.service.d/watchdog.conf && systemctl daemon-reload")
        self.machine.check("systemctl", "restart", "mimird")
        pid = self.machine.show("MainPID")
        time.sleep(4)   # two of its times, in which the daemon must show that it lives
        self.assertEqual((pid, "0"), (self.machine.show("MainPID"), self.machine.show("NRestarts")))
        self.machine.check("kill", "-STOP", pid)
        wait_for("another process", lambda: self.machine.show("MainPID") not in (pid, "0"), 60)
        wait_for("running again", lambda: self.machine.show("ActiveState") == "active", 60)
        self.assertEqual("1", self.machine.show("NRestarts"))
        self.assertIn("watchdog", self.machine.check("journalctl", "-u", "mimird", "-o", "cat").lower())

    def test_a_port_that_systemd_holds_refuses_nobody_while_mimird_restarts(self):
        for verb, unit in (("stop", "mimird.service"), ("start", "mimird-http.socket"), ("start", "mimird.service")):
            self.machine.check("systemctl", verb, unit)
        self.addCleanup(self.machine.check, "systemctl", "start", "mimird.service")
        self.addCleanup(self.machine.check, "systemctl", "stop", "mimird.service", "mimird-http.socket")
        self.machine.check("journalctl", "--grep", "inherited=true", "-u", "mimird", "-n", "1")
        script = """
            (while [ ! -e /tmp/over ]; do
                curl -sf -o /dev/null -m 60 http://127.0.0.1:8080/api/v1/status/buildinfo; echo $? >> /tmp/curl
            done) &
            systemctl restart mimird; touch /tmp/over; wait"""
        self.machine.check("sh", "-c", script)
        outcomes = self.machine.check("cat", "/tmp/curl").split()
        refused = "7"   # of curl(1)
        self.assertIn("0", outcomes)
        self.assertNotIn(refused, outcomes)

    def test_its_user_may_start_component_units_and_no_others(self):
        def as_mimird(verb, unit):
            return self.machine.run("runuser", "-u", "mimird", "--", "systemctl", "--no-ask-password", verb, unit)
        started = as_mimird("start", "mimird@querier.service")
        self.assertEqual(0, started.returncode, started.stderr + self.machine.status("mimird@querier.service"))
        self.assertRegex(self.machine.status("mimird@querier.service"), r'Status: "running querier: ')
        self.assertIn("querier", self.machine.ctl("--socket", "/run/mimird/querier.sock", "status", "-o", "json"))
        self.assertEqual(0, as_mimird("stop", "mimird@querier.service").returncode)
        for verb, unit in (("stop", "mimird.service"), ("start", "systemd-tmpfiles-clean.service"),
                           ("enable", "mimird@querier.service")):
            with self.subTest(verb=verb, unit=unit):
                self.assertNotEqual(0, as_mimird(verb, unit).returncode)
        self.assertEqual("active", self.machine.show("ActiveState"))
        # The primary's socket is still where it was.
        self.machine.ctl("status")


    def assert_beside(self, names):
        wait_for(f"{names} run", lambda: self.machine.states() == dict.fromkeys(names, "running"), 30)
        for name in BESIDE:
            unit = f"mimird@{name}.service"
            self.assertEqual("active" if name in names else "inactive", self.machine.show("ActiveState", unit), unit)
            self.assertEqual(name in names, 0 == self.machine.run("test", "-e", f"/run/mimird/{name}.flags").returncode, unit)

    def test_components_beside_the_primary_are_units_that_systemd_keeps(self):
        unit = "mimird@querier.service"
        self.machine.ctl("migrate", "microservices")
        self.assert_beside(BESIDE)
        self.assertEqual(self.machine.show("MainPID", unit), str(self.machine.processes()["querier"]["pid"]))
        self.assertEqual("microservices", json.loads(self.machine.ctl("status", "-o", "json"))["mode"])

        with self.subTest("one that dies is started again"):
            pid = self.machine.show("MainPID", unit)
            self.machine.check("kill", "-KILL", pid)
            wait_for("another process", lambda: self.machine.show("MainPID", unit) not in ("0", pid), 30)
            self.assert_beside(BESIDE)
            self.assertEqual(1, self.machine.processes()["querier"]["restarts"])

        with self.subTest("one that somebody stops is left to them"):
            self.machine.check("systemctl", "stop", unit)
            wait_for("it shows", lambda: self.machine.states()["querier"] == "failed", 30)
            self.assertIn(f"systemctl start {unit}", self.machine.processes()["querier"]["error"])
            self.machine.check("systemctl", "start", unit)
            self.assert_beside(BESIDE)

        with self.subTest("a restart of the primary begins them anew"):
            self.machine.check("systemctl", "restart", "mimird")
            self.assertNotEqual(pid, self.machine.show("MainPID", unit))
            self.assert_beside(BESIDE)

        with self.subTest("a primary that died takes over those that run"):
            pids = {name: one["pid"] for name, one in self.machine.processes().items()}
            primary = self.machine.show("MainPID")
            self.machine.check("kill", "-KILL", primary)
            wait_for("another primary", lambda: self.machine.show("MainPID") not in ("0", primary) and
                     self.machine.show("ActiveState") == "active", 30)
            self.assert_beside(BESIDE)
            self.assertEqual(pids, {name: one["pid"] for name, one in self.machine.processes().items()})

        self.machine.ctl("migrate", "monolithic")
        self.assert_beside([])

    def test_without_the_rule_of_polkit_a_migration_is_undone_and_says_what_is_missing(self):
        rule = "/usr/share/polkit-1/rules.d/50-mimird.rules"
        self.machine.check("mv", rule, "/root/rule")
        self.machine.check("systemctl", "try-restart", "polkit")
        self.addCleanup(self.machine.check, "systemctl", "try-restart", "polkit")
        self.addCleanup(self.machine.check, "mv", "/root/rule", rule)
        tried = self.machine.run("mimirctl", "migrate", "microservices")
        self.assertEqual(1, tried.returncode, tried.stdout + tried.stderr)
        self.assertIn("rule for polkit", tried.stdout + tried.stderr)
        self.assertEqual("monolithic", json.loads(self.machine.ctl("status", "-o", "json"))["mode"])
        self.machine.push(43)


PROMETHEUS = """
[Unit]
After=mimird.service
[Service]
ExecStart=/root/prometheus --config.file=/root/prometheus.yml --storage.tsdb.path=/var/lib/prometheus-peer \\
    --web.listen-address=127.0.0.1:9090
[Install]
WantedBy=multi-user.target
"""
PROMETHEUS_SETTINGS = """
global: {scrape_interval: 1s}
scrape_configs: [{job_name: prometheus, static_configs: [{targets: ["127.0.0.1:9090"]}]}]
remote_write: [{url: "http://127.0.0.1:8080/api/v1/push", queue_config: {batch_send_deadline: 1s}}]
"""


class StoryTest(unittest.TestCase):
    """From the package: a machine's life under the writes of a real Prometheus."""

    def test_migrate_reboot_and_migrate_back(self):
        prometheus = shutil.which("prometheus")
        if not prometheus:
            self.skipTest("there is no prometheus")
        with Machine() as machine:
            machine.check("dpkg", "-i", machine.copy(packages[NEW]))
            machine.copy(prometheus)
            (machine.root / "root/prometheus.yml").write_text(PROMETHEUS_SETTINGS)
            (machine.root / "etc/systemd/system/peer.service").write_text(PROMETHEUS)
            machine.check("systemctl", "enable", "--now", "peer.service")
            self.wait_for_writes(machine)
            self.machine = machine
            began = time.time()

            machine.ctl("migrate", "microservices")
            self.assert_form("microservices")
            self.assert_answers_alike(began)
            before = time.time() - 1
            known = machine.instant(8080, "/prometheus", self.COUNT, before)

            machine.reboot()
            wait_for("the primary runs", lambda: machine.show("ActiveState") == "active", 60)
            self.assert_form("microservices")
            self.assertEqual(known, machine.instant(8080, "/prometheus", self.COUNT, before))
            self.wait_for_writes(machine)
            began = time.time()

            machine.ctl("migrate", "monolithic")
            self.assert_form("monolithic")
            self.assert_answers_alike(began)

            machine.check("systemctl", "stop", "peer.service")   # which else waits for mimird to take what is left
            machine.check("dpkg", "-P", "mimird")
            self.assertEqual("", machine.run("pgrep", "-x", "mimird").stdout)
            self.assertNotEqual(0, machine.run("test", "-e", "/var/lib/mimird").returncode)

    COUNT = 'count_over_time(up{job="prometheus"}[5m])'

    def wait_for_writes(self, machine):
        def newest():
            values = machine.instant(8080, "/prometheus", 'timestamp(up{job="prometheus"})', time.time())
            return values and float(values[0]) > began
        began = time.time()
        wait_for("samples that were scraped just now", newest, 60)

    def assert_form(self, mode):
        names = BESIDE if mode == "microservices" else []
        wait_for(f"{names} run", lambda: self.machine.states() == dict.fromkeys(names, "running"), 60)
        status = json.loads(self.machine.ctl("status", "-o", "json"))
        self.assertEqual((mode, True), (status["mode"], status["ready"]))

    def assert_answers_alike(self, began):
        """mimird has each sample that Prometheus scraped since."""
        at = time.time()
        self.wait_for_writes(self.machine)   # later ones, so those until then are there
        query = f'count_over_time(up{{job="prometheus"}}[{int(at - began) + 1}s])'
        expected = self.machine.instant(9090, "", query, at)
        self.assertEqual(1, len(expected))
        answers = []

        def is_there():
            answers.append(self.machine.instant(8080, "/prometheus", query, at))
            return answers[-1] == expected
        try:
            wait_for("mimird has what Prometheus has", is_there, 30)
        except AssertionError as error:
            raise AssertionError(f"{query}: {answers[-1]} instead of {expected}") from error


class LifeTest(unittest.TestCase):
    """Install, upgrade, remove, install again, purge."""

    def test_life(self):
        with Machine() as machine:
            machine.check("dpkg", "-i", machine.copy(packages[OLD]))
            machine.push(42)
            pid = machine.show("MainPID")
            settings = machine.root / "etc/mimird/mimird.yaml"
            settings.write_text(settings.read_text() + "# mine\n")

            said = machine.check("dpkg", "-i", machine.copy(packages[NEW]))
            self.assertIn("systemctl restart mimird", said)
            self.assertEqual((pid, "active"), (machine.show("MainPID"), machine.show("ActiveState")))
            self.assertIn("# mine", settings.read_text())
            machine.check("test", "-e", "/run/mimird/restart-required")
            machine.check("systemctl", "restart", "mimird")
            self.assertNotEqual(0, machine.run("test", "-e", "/run/mimird/restart-required").returncode)

            defaults = machine.root / "etc/default/mimird"
            defaults.write_text(defaults.read_text() + "RESTART_ON_UPGRADE=true\n")
            pid = machine.show("MainPID")
            machine.check("dpkg", "-i", f"/root/{packages[OLD].name}")   # a downgrade is one, too
            self.assertNotEqual(pid, machine.show("MainPID"))
            self.assertEqual("active", machine.show("ActiveState"))

            machine.check("dpkg", "-r", "mimird")
            self.assertEqual("", machine.run("pgrep", "-x", "mimird").stdout)
            self.assertIn("# mine", settings.read_text())
            self.assertTrue((machine.root / "var/lib/mimird/tsdb").exists())

            machine.check("dpkg", "-i", f"/root/{packages[NEW].name}")
            self.assertEqual("active", machine.show("ActiveState"))
            self.assertIn("42", machine.ctl("query", "package_test", "-o", "json"))

            machine.check("dpkg", "-P", "mimird")
            self.assertEqual("", machine.run("pgrep", "-x", "mimird").stdout)
            for path in ("/etc/mimird", "/var/lib/mimird", "/run/mimird", "/etc/default/mimird",
                         "/etc/systemd/system/multi-user.target.wants/mimird.service"):
                self.assertNotEqual(0, machine.run("test", "-e", path).returncode, path)
            self.assertNotEqual("loaded", machine.show("LoadState"))


if __name__ == "__main__":
    unittest.main()
