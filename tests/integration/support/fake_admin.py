"""Serves the page's files as the daemon does, and answers with what a test says a daemon would."""

import datetime
import http.server
import json
import pathlib
import re
import threading
import urllib.parse

SOURCE = pathlib.Path(__file__).parents[3] / "daemon/admin/page"
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
POLICY = "".join(re.findall(r'"([^"\n]*)"', re.search(
    r"kContentSecurityPolicy =(.*?);\n", (SOURCE / "page.hpp").read_text(), re.S).group(1)))


def ago(seconds=0.0):
    time = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def module(name, *dependencies, state="running", seconds=7440, **members):
    return {
        "name": name, "state": state, "since": ago(seconds), "in_all": True, "dependencies": list(dependencies), "error": "",
        "targetable": True, "wanted": False, "always": False, "needed_by": [], "restarts": 0, "routes": [], **members}


def step(action, subject, state="planned", **members):
    return {"action": action, "subject": subject, "gate": "", "undo": "", "state": state, "error": "", **members}


def operation(number, state, summary, steps, **members):
    return {
        "id": f"op-{number}", "kind": "set-target", "summary": summary, "state": state, "version": 1,
        "requested_by": "root", "created": ago(60), "steps": steps, "error": "", "code": "", "note": "", "warnings": [],
        **members}


class FakeAdmin:
    """A server on a port of its own that can go away and come back. Use as a context manager."""

    def __init__(self, modules):
        self.modules, self.operations, self.events = modules, [], []
        self.status = {
            "version": "0.1.0", "build_revision": "4d69245", "target": "all", "target_source": "default",
            "mode": "monolithic", "ready": True, "not_ready": [], "revision": 12, "journal": "ok", "pid": 4711,
            "started": ago(7445), "resident_bytes": 41 << 20, "open_fds": 34, "threads": 11,
            "http_address": "127.0.0.1:8080", "prometheus_prefix": "/prometheus",
            "admin_socket": "/run/mimird/admin.sock", "state_dir": "/var/lib/mimird", "config_file": "/etc/mimird/mimird.yaml"}
        self.requests = []
        self.streams = True
        self.changed = threading.Condition()
        self.server = None
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def event(self, subject, message, severity="info", **members):
        """Something happened: it goes to all who follow. What the test changed before is seen by them."""
        with self.changed:
            cursor = self.events[-1]["cursor"] + 1 if self.events else 1
            self.events.append({"cursor": cursor, "time": ago(), "severity": severity, "kind": "module",
                                "subject": subject, "message": message, **members})
            self.changed.notify_all()

    def find(self, name):
        return next(one for one in self.modules if one["name"] == name)

    def start(self):
        self.server = _Server(("127.0.0.1", self.port), _handler(self))
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        """Breaks the streams, and refuses connections from then on."""
        server, self.server = self.server, None
        with self.changed:
            self.changed.notify_all()
        server.shutdown()
        server.server_close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.server:
            self.stop()

    def answer(self, path):
        modules = self.modules
        for one in modules:
            one["needed_by"] = [other["name"] for other in modules if one["name"] in other["dependencies"]]
        counts = {f"modules_{state}": sum(one["state"] == state for one in modules) for state in ("running", "failed")}
        return {"status": {**self.status, **counts}, "modules": modules, "operations": self.operations,
                "events": self.events[-50:]}.get(path.removeprefix("/admin/v1/"))


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass   # the browser left


def _handler(admin):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if admin.server is not self.server:   # stopped since this connection was opened
                self.close_connection = True
                return
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            admin.requests.append(self.path)
            name = "index.html" if url.path == "/" else url.path.removeprefix("/ui/")
            if url.path.startswith("/admin/"):
                if query.get("follow"):
                    self.follow(int(query["after"]))
                else:
                    self.send("application/json", json.dumps(admin.answer(url.path)).encode())
            elif (SOURCE / name).is_file():
                self.send(TYPES[(SOURCE / name).suffix], (SOURCE / name).read_bytes())
            else:
                self.send_error(404)

        def send(self, content_type, body):
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def follow(self, after):
            if not admin.streams:
                return self.send_error(503)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while admin.server is self.server and admin.streams:
                with admin.changed:
                    new = [one for one in admin.events if one["cursor"] > after]
                    if not new:
                        admin.changed.wait(0.5)
                for one in new:
                    self.chunk(json.dumps(one).encode() + b"\n")
                    after = one["cursor"]
                if not new:
                    self.chunk(b"\n")
            self.close_connection = True

        def chunk(self, data):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def log_message(self, *_):
            pass

    return Handler
