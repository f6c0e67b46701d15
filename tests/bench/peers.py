"""The servers that are measured: how each is started, where it takes samples and answers queries, and what it costs."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("MIMIR_BIN") or ROOT / "build/bin").resolve()
SERVER_CORE, CLIENT_CORE = ("0", "1") if os.cpu_count() > 1 else ("0", "0")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    """User and system time of a process, all threads: its CPU clock, see clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def folder_bytes(folder):
    """Bytes on disk, as du counts them: head chunk files are preallocated and sparse."""
    return sum(f.stat().st_blocks * 512 for f in pathlib.Path(folder).rglob("*") if f.is_file())


class Server:
    """One process on one core, with a folder of its own."""

    name = ""
    binary = ""
    push_path = ""
    query_prefix = ""
    ready_path = ""
    query_extra = {}
    at_rest = 0.05  # at most so many CPU seconds a second

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.process = None

    # What differs.

    def arguments(self):
        raise NotImplementedError

    def block_bytes(self):
        """Bytes of samples at rest, or None while nothing is."""
        raise NotImplementedError

    def version(self):
        raise NotImplementedError

    # What is the same.

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        """Starts the process and returns the seconds until it was ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = open(self.folder / "server.log", "ab")
        begin = time.monotonic()
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, self.binary, *self.arguments()], stdout=log, stderr=log, cwd=self.folder)
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() - begin > 120:
                raise RuntimeError(f"{self.name} did not start; see {self.folder}/server.log")
            time.sleep(0.002)
        return time.monotonic() - begin

    def is_ready(self):
        try:
            return urllib.request.urlopen(self.url + self.ready_path, timeout=5).status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)

    def settle(self, limit=60):
        """Waits until background work is done: below 5 % of a core for a second."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            before = self.cpu_seconds()
            time.sleep(1)
            if self.cpu_seconds() - before < self.at_rest:
                return

    def resident_bytes(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")

    def push(self, **options):
        """Runs the load generator on the other core; returns its report."""
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        run = subprocess.run(
            ["taskset", "-c", CLIENT_CORE, str(BIN / "mimird_loadgen"), "--json",
             f"--url={self.url}{self.push_path}", *arguments],
            stdout=subprocess.PIPE, check=False)
        report = json.loads(run.stdout)
        if report["samples_lost"] > 0:
            raise RuntimeError(f"{self.name} refused samples: {report['first_error']}")
        return report

    def query(self, path, parameters, headers=None):
        """Asks the query API; returns the seconds until the answer was there, and the answer's data."""
        text = urllib.parse.urlencode({**parameters, **self.query_extra})
        request = urllib.request.Request(
            f"{self.url}{self.query_prefix}/api/v1/{path}", text.encode(),
            {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})
        begin = time.monotonic()
        try:
            body = urllib.request.urlopen(request, timeout=120).read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{self.name}: {parameters['query']}: {error.read()[:300]}") from error
        return time.monotonic() - begin, json.loads(body)["data"]


class Mimird(Server):
    name = "mimird"
    binary = str(BIN / "mimird")
    push_path = "/api/v1/push"
    query_prefix = "/prometheus"
    ready_path = "/ready"

    def arguments(self):
        return [
            "-target=all",
            "-auth.multitenancy-enabled=false",
            "-server.http-listen-address=127.0.0.1",
            f"-server.http-listen-port={self.port}",
            f"-blocks-storage.tsdb.dir={self.folder}/tsdb",
            f"-node.state-dir={self.folder}/node",
            f"-admin.socket={self.folder}/admin.sock",
            "-distributor.ingestion-rate-limit=100000000",
            "-distributor.ingestion-burst-size=100000000",
            "-ingester.max-global-series-per-user=0",
        ]

    def block_bytes(self):
        blocks = [b.parent for b in (self.folder / "tsdb").glob("*/*/meta.json")]
        return sum(folder_bytes(b) for b in blocks) or None

    def version(self):
        run = subprocess.run([self.binary, "-version"], capture_output=True, text=True, check=False)
        return (run.stdout or run.stderr).split("version")[1].split()[0]


class Prometheus(Server):
    name = "prometheus"
    binary = "prometheus"
    push_path = "/api/v1/write"
    ready_path = "/-/ready"

    def arguments(self):
        config = self.folder / "prometheus.yml"
        config.write_text("global: {}\n")
        return [
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder}/data",
            "--storage.tsdb.retention.time=30d",
            "--web.enable-remote-write-receiver",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def block_bytes(self):
        blocks = [b.parent for b in (self.folder / "data").glob("*/meta.json")]
        return sum(folder_bytes(b) for b in blocks) or None

    def version(self):
        run = subprocess.run(["prometheus", "--version"], capture_output=True, text=True, check=False)
        return (run.stdout or run.stderr).split(",")[1].split("(")[0].replace("version", "").strip()


class VictoriaMetrics(Server):
    name = "victoria-metrics"
    binary = "victoria-metrics"
    push_path = "/api/v1/write"
    ready_path = "/health"
    query_extra = {"nocache": "1"}

    def arguments(self):
        return [
            f"-storageDataPath={self.folder}/data",
            "-retentionPeriod=1y",
            f"-httpListenAddr=127.0.0.1:{self.port}",
        ]

    def block_bytes(self):
        # A clean stop writes what is in memory into parts. The index counts, as it does in the others' blocks.
        if self.process is not None:
            self.stop()
            self.start()
        return folder_bytes(self.folder / "data/data") + folder_bytes(self.folder / "data/indexdb")

    def version(self):
        # Debian's build does not know its own version.
        run = subprocess.run(["dpkg-query", "-W", "-f=${Version}", "victoria-metrics"],
                             capture_output=True, text=True, check=False)
        return run.stdout.strip() or "Debian's"


SERVERS = {server.name: server for server in (Mimird, Prometheus, VictoriaMetrics)}
