"""Real servers as objects: started on free ports of the loopback and temporary folders, waited for, killed, cleaned up."""

import http.client as http_client
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

BIN = pathlib.Path(os.environ.get("MIMIR_BIN") or pathlib.Path(__file__).parents[3] / "build/bin").resolve()


FIRST_PORT, PORTS = 20000, 12000   # below the range that the kernel gives to outgoing connections
next_port = itertools.count(os.getpid() * 311)


def free_port():
    """A port nobody listens on: one after the other, as who is given one listens there only later."""
    while True:
        port = FIRST_PORT + next(next_port) % PORTS
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_for(what, condition, seconds=30.0):
    """Polls until the condition holds, and returns its (true) value; says what did not come about."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.02)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)


def http(method, url, body=None, headers=None, timeout=30):
    """One request; any status is an answer, only a broken connection raises OSError."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())
    except urllib.error.URLError as error:
        raise OSError(f"{method} {url}: {error.reason}") from error


class UnixConnection(http_client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def unix_http(socket_path, method, path, body=None, headers=None, timeout=30):
    """One request over a unix socket; any status is an answer, only a broken connection raises OSError."""
    connection = UnixConnection(socket_path, timeout)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    except http_client.HTTPException as error:
        raise OSError(f"{method} {path}: {error!r}") from error
    finally:
        connection.close()


class Server:
    """A child process with a folder, a port and a log. Use as a context manager."""

    name = "server"
    ready_path = "/"

    def __init__(self, folder=None):
        self._own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix=f"mimird-it-{self.name}-"))
        self.port = free_port()
        self.process = None
        self.environment = {}   # on top of ours
        self.log_path = self.folder / f"{self.name}.log"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def command(self):
        raise NotImplementedError

    def start(self, wait=True):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(part) for part in self.command()], stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, **self.environment})
        if wait:
            wait_for(f"{self.name} ready", self.is_ready, 60)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log()[-3000:]}")
        try:
            return http("GET", self.url + self.ready_path, timeout=2).status == 200
        except OSError:
            return False

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def kill(self):
        """kill -9"""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self, seconds=30):
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def __enter__(self):
        return self.start() if self.process is None else self

    def __exit__(self, *_):
        self.kill()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)


class Mimird(Server):
    """A monolith of one tenant on embedded defaults; flags go on top, and of a flag given twice the last counts."""

    name = "mimird"
    ready_path = "/ready"

    def __init__(self, *flags, folder=None):
        super().__init__(folder)
        self.flags = list(flags)

    @property
    def data(self):
        return self.folder / "tsdb"

    @property
    def socket(self):
        return self.folder / "admin.sock"

    @property
    def state(self):
        return self.folder / "node"

    def command(self):
        return [
            BIN / "mimird",
            "-auth.multitenancy-enabled=false",
            "-server.http-listen-address=127.0.0.1",
            f"-server.http-listen-port={self.port}",
            f"-blocks-storage.tsdb.dir={self.data}",
            f"-admin.socket={self.socket}",
            f"-node.state-dir={self.state}",
            *self.flags,
        ]

    def push(self, body, headers=None):
        base = {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        }
        return http("POST", self.url + "/api/v1/push", body, {**base, **(headers or {})})

    def admin(self, method, path, body=None, headers=None, timeout=30):
        """A call of the admin API; a body that is not text or bytes becomes JSON."""
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        return unix_http(self.socket, method, "/admin/" + path, body, headers, timeout)

    def ctl(self, *arguments, timeout=60, **kwargs):
        """mimirctl on this daemon; returns the finished process with its output as text."""
        command = [BIN / "mimirctl", "--socket", self.socket, *arguments]
        return subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, timeout=timeout, **kwargs)

    def ctl_json(self, *arguments):
        done = self.ctl(*arguments, "-o", "json")
        assert done.returncode == 0, f"mimirctl {arguments}: {done.returncode} {done.stderr}"
        return json.loads(done.stdout)

    def change(self, method, path, body=None, headers=None):
        """A change over the admin API, waited for; returns the operation as it ended, or None when nothing was begun."""
        answer = self.admin(method, path, body or {}, headers)
        assert answer.status in (200, 202), f"{method} {path}: {answer.status} {answer.text[:500]}"
        operation = answer.json.get("operation")
        return operation and self.ended(operation["id"])

    def ended(self, operation, seconds=60):
        """The operation once it has ended."""
        def look():
            record = self.admin("GET", f"v1/operations/{operation}").json
            return record if record["state"] in ("done", "failed", "canceled") else None
        return wait_for(f"{operation} ended", look, seconds)

    def module(self, name):
        return self.admin("GET", f"v1/modules/{name}").json

    def admin_connections(self):
        """Connections to the admin API now."""
        text = http("GET", self.url + "/metrics").text
        return float(next(line for line in text.splitlines() if line.startswith("mimird_admin_connections ")).split()[1])

    def api(self, path, method="GET", headers=None, **parameters):
        """A call of the Prometheus API; lists become repeated parameters."""
        query = urllib.parse.urlencode({key.rstrip("_"): value for key, value in parameters.items()}, doseq=True)
        return http(method, f"{self.url}/prometheus/api/v1/{path}?{query}", headers=headers)

    def result(self, path, **parameters):
        answer = self.api(path, **parameters)
        assert answer.status == 200, f"{path} {parameters}: {answer.status} {answer.text[:500]}"
        return answer.json["data"]


class Prometheus(Server):
    """Debian's prometheus: scrapes itself and the given targets each second, writes to and reads from the given URLs.

    remote_write: one URL, or several of which each gets everything.
    """

    name = "prometheus"
    ready_path = "/-/ready"

    def __init__(self, targets=(), remote_write=None, remote_read=None, folder=None):
        super().__init__(folder)
        written = [remote_write] if isinstance(remote_write, str) else remote_write or []
        scrape = "\n".join(
            f"  - job_name: {job}\n    static_configs: [{{targets: ['127.0.0.1:{port}']}}]" for job, port in targets)
        write = "".join(["remote_write:\n", *(f"  - url: {url}\n" for url in written)]) if written else ""
        read = f"remote_read:\n  - {{url: {remote_read}, read_recent: true}}\n" if remote_read else ""
        (self.folder / "prometheus.yml").write_text(
            f"global: {{scrape_interval: 1s}}\n{write}{read}scrape_configs:\n"
            f"  - job_name: prometheus\n    static_configs: [{{targets: ['127.0.0.1:{self.port}']}}]\n{scrape}\n")

    def command(self):
        return [
            shutil.which("prometheus"),
            f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def result(self, path, **parameters):
        answer = http("GET", f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}")
        assert answer.status == 200, answer.text[:500]
        return answer.json["data"]


class NodeExporter(Server):
    name = "prometheus-node-exporter"
    ready_path = "/metrics"

    def command(self):
        return [shutil.which("prometheus-node-exporter"), f"--web.listen-address=127.0.0.1:{self.port}"]
