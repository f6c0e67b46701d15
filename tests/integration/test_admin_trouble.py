"""Who may not use the admin API, what it does with nonsense, floods and clients that stall, and how it lives with a socket,
a state folder or a journal that is not as it should be: clear answers, and the data path goes on."""

import contextlib
import http.client
import json
import os
import pathlib
import resource
import shutil
import socket
import sqlite3
import ssl
import stat
import subprocess
import tempfile
import threading
import time
import unittest

from support.remote_write import request, series
from support.servers import Answer, Mimird, UnixConnection, free_port, http as call, unix_http, wait_for

NOBODY = 65534
IS_ROOT = os.geteuid() == 0


def as_nobody(act, group=NOBODY):
    """What act() returns in a process of another user, who is in this group alone."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setresgid(group, group, group)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            try:
                told = act()
            except Exception as error:
                told = repr(error)
            os.write(writing, json.dumps(told).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return json.loads(told)


def call_as_nobody(mimird, method, path, body="", group=NOBODY):
    """Status and JSON that another user gets, or why there are none."""
    def act():
        answer = mimird.admin(method, path, body or None)
        return answer.status, answer.json
    return as_nobody(act, group)


def push(mimird, name="trouble", value=1.0):
    return mimird.push(request(series({"__name__": name}, [(int(time.time() * 1000), value)]))).status


def query(mimird):
    return mimird.api("query", query="count(trouble)").status


def fails_to_start(*flags, folder=None):
    """The exit status and the log of a daemon that cannot start with these flags."""
    mimird = Mimird(*flags, folder=folder)
    try:
        mimird.start(wait=False)
        return mimird.process.wait(20), mimird.log()
    finally:
        mimird.__exit__()


class TroubleTest(unittest.TestCase):
    def assert_problem(self, answer, status, code, *texts):
        self.assertEqual(status, answer.status, answer.text[:500])
        self.assertEqual("application/problem+json", answer.headers["Content-Type"])
        self.assertEqual(code, answer.json["code"])
        for text in texts:
            self.assertIn(text, answer.json["why"])
        return answer.json

    def assert_healthy(self, mimird):
        self.assertIsNone(mimird.process.poll(), mimird.log()[-3000:])
        self.assertEqual(200, mimird.admin("GET", "v1/status", timeout=5).status)
        self.assertEqual(200, push(mimird))


class SocketAccessTest(TroubleTest):
    @unittest.skipUnless(IS_ROOT, "being another user needs root")
    def test_others_may_look_and_not_change(self):
        with Mimird("-admin.socket-mode=0666", "-target=querier") as mimird:
            mimird.folder.chmod(0o755)
            document = mimird.admin("GET", "v1/openapi.json").json
            revision = mimird.admin("GET", "v1/status").json["revision"]
            self.assertEqual(200, call_as_nobody(mimird, "GET", "v1/status")[0])
            changing = [(method.upper(), path) for path, methods in document["paths"].items()
                        for method, one in methods.items() if one["x-role"] == "change"]
            self.assertGreater(len(changing), 7)
            for method, path in changing:
                with self.subTest(method=method, path=path):
                    to = path.replace("{name}", "querier").replace("{id}", "op-1").removeprefix("/admin/")
                    status, problem = call_as_nobody(mimird, method, to, "{}")
                    self.assertEqual((403, "not-permitted"), (status, problem["code"]))
                    self.assertIn("mimird-admin", problem["why"])
                    self.assertIn("uid 65534", problem["why"])
            after = mimird.admin("GET", "v1/status").json["revision"]
            self.assertEqual((revision, []), (after, mimird.admin("GET", "v1/audit").json))
            mimird.change("POST", "v1/modules/querier/restart")   # root may

    @unittest.skipUnless(IS_ROOT, "being another user needs root")
    def test_members_of_the_group_may_change(self):
        with Mimird("-admin.socket-mode=0666", "-target=querier", "-admin.change-group=nogroup") as mimird:
            mimird.folder.chmod(0o755)
            status, result = call_as_nobody(mimird, "POST", "v1/modules/querier/stop", "{}")
            self.assertEqual(202, status)
            mimird.ended(result["operation"]["id"])
            entry = mimird.admin("GET", "v1/audit").json[0]
            self.assertEqual(("nobody", NOBODY), (entry["actor"], entry["uid"]))

    @unittest.skipUnless(IS_ROOT, "groups that one is not in need root")
    def test_the_file_has_the_mode_and_the_group_that_were_set(self):
        for mode, flags in ((0o660, ()), (0o600, ("-admin.socket-mode=0600",)), (0o666, ("-admin.socket-mode=0666",))):
            with self.subTest(mode=oct(mode)), Mimird("-target=querier", "-admin.socket-group=nogroup", *flags) as mimird:
                info = mimird.socket.stat()
                self.assertTrue(stat.S_ISSOCK(info.st_mode))
                self.assertEqual((mode, NOBODY), (stat.S_IMODE(info.st_mode), info.st_gid))
                mimird.folder.chmod(0o755)
                answer = call_as_nobody(mimird, "GET", "version", group=NOBODY - 1)
                self.assertEqual(mode != 0o666, "PermissionError" in answer, answer)

    def test_a_mode_that_is_none_is_refused(self):
        for wrong in ("rw", "0999", "01777"):
            status, log = fails_to_start(f"-admin.socket-mode={wrong}")
            self.assertEqual(1, status)
            self.assertIn("admin.socket_mode", log)


class BrowserTest(TroubleTest):
    @classmethod
    def setUpClass(cls):
        cls.mimird = cls.enterClassContext(Mimird("-target=querier", "-admin.allowed-hosts=mimir.example"))

    def ask(self, headers, method="GET", path="v1/status"):
        return self.mimird.admin(method, path, None if method == "GET" else "{}", headers)

    def test_pages_of_other_sites_can_neither_look_nor_change(self):
        for headers in (
                {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"}, {"origin": "http://localhost"}, {"sec-fetch-site": "nonsense"}):
            for method, path in (("GET", "v1/status"), ("POST", "v1/modules/querier/stop"), ("GET", "v1/events?follow=true")):
                with self.subTest(headers=headers, method=method):
                    self.assert_problem(self.ask(headers, method, path), 403, "forwarded-by-browser")
        self.assertEqual("running", self.mimird.module("querier")["state"])

    def test_the_page_itself_may_look(self):
        for site in ("same-origin", "none"):
            self.assertEqual(200, self.ask({"Sec-Fetch-Site": site}).status)

    def test_requests_for_other_hosts_are_refused(self):
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "evil.example:80"):
            with self.subTest(host=host):
                self.assert_problem(self.ask({"Host": host}), 421, "host-unknown", host)
                self.assert_problem(self.ask({"Host": host}, "POST", "v1/modules/querier/stop"), 421, "host-unknown")
        for host in ("localhost", "LocalHost", "localhost:80", "127.0.0.1", "[::1]:8080", "mimir.example", socket.gethostname()):
            with self.subTest(host=host):
                self.assertEqual(200, self.ask({"Host": host}).status)


def make_certificates(folder):
    """A CA, a server's certificate for 127.0.0.1 and a client's, as PEM files."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test CA")
    (folder / "san.cnf").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name in ("server", "client"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "san.cnf", "-out", f"{name}.pem")


class TcpTest(TroubleTest):
    LOOKING, CHANGING = "a-token-that-looks", "a-token-that-changes"

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="mimird-it-tls-")))
        make_certificates(cls.folder)
        cls.tokens = cls.folder / "tokens"
        cls.tokens.write_text(f"# who may\nviewer read {cls.LOOKING}\noperator\tchange {cls.CHANGING}  # nights\n")
        cls.port = free_port()
        cls.flags = {
            "-admin.listen-address": f"127.0.0.1:{cls.port}", "-admin.tls-cert-path": cls.folder / "server.pem",
            "-admin.tls-key-path": cls.folder / "server.key", "-admin.token-file": cls.tokens}
        cls.mimird = cls.enterClassContext(Mimird("-target=querier", *cls.as_flags()))

    @classmethod
    def as_flags(cls, **changed):
        flags = {**cls.flags, **{"-admin." + key.replace("_", "-"): value for key, value in changed.items()}}
        return [f"{key}={value}" for key, value in flags.items() if value is not None]

    def ask(self, token=None, method="GET", path="v1/status", body=None, port=None, certificate=None):
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        if certificate:
            context.load_cert_chain(self.folder / f"{certificate}.pem", self.folder / f"{certificate}.key")
        connection = http.client.HTTPSConnection("127.0.0.1", port or self.port, context=context, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, "/admin/" + path, body, {"Authorization": f"Bearer {token}"} if token else {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def test_every_endpoint_wants_a_token(self):
        document = self.mimird.admin("GET", "v1/openapi.json").json
        for path, methods in document["paths"].items():
            for method, one in methods.items():
                with self.subTest(path=path, method=method):
                    to = path.replace("{name}", "querier").replace("{id}", "op-1").removeprefix("/admin/")
                    body = "{}" if "requestBody" in one else None
                    answer = self.ask(None, method.upper(), to, body)
                    self.assert_problem(answer, 401, "token-missing", "no bearer token")
                    self.assertEqual("Bearer", answer.headers["WWW-Authenticate"])
                    wrong = self.ask(self.CHANGING[:-1], method.upper(), to, body)
                    self.assert_problem(wrong, 401, "token-missing", "none that this daemon knows")
                    self.assertNotIn(self.CHANGING[:-1], wrong.text)

    def test_the_role_of_the_token_counts(self):
        self.assertEqual(200, self.ask(self.LOOKING).status)
        answer = self.ask(self.LOOKING, "POST", "v1/modules/querier/restart", "{}")
        self.assert_problem(answer, 403, "not-permitted", "viewer", "role change")
        answer = self.ask(self.CHANGING, "POST", "v1/modules/querier/restart", "{}")
        self.assertEqual(202, answer.status, answer.text)
        self.assertEqual("done", self.mimird.ended(answer.json["operation"]["id"])["state"])
        entry = self.mimird.admin("GET", "v1/audit").json[-1]
        self.assertEqual(("operator", "tcp", False), (entry["actor"], entry["via"], "uid" in entry))
        self.assertNotIn(self.CHANGING, self.mimird.log() + self.mimird.admin("GET", "v1/config").text)

    def test_plain_http_is_told_to_use_https(self):
        answer = call("GET", f"http://127.0.0.1:{self.port}/admin/v1/status")
        self.assert_problem(answer, 400, "request-malformed", "https://")

    def test_clients_that_break_off_within_a_body(self):
        """Each once kept the event loop of the admin API busy for ever: OpenSSL says neither yes nor no to a session that failed."""
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        head = b"POST /admin/v1/config/check HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n0123456789"
        for ending in (b"", b"garbage that is no record of TLS"):
            with self.subTest(ending=ending):
                plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
                inside = context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=True)
                inside.sendall(head)
                raw = socket.socket(fileno=inside.detach())   # without TLS' goodbye
                raw.sendall(ending)
                raw.close()
                self.assertEqual(200, self.ask(self.LOOKING).status)
        wait_for("torn connections are closed", lambda: self.mimird.admin_connections() <= 1)
        self.assertEqual(200, self.ask(self.LOOKING).status)

    def test_clients_without_a_certificate_stay_outside_when_one_is_wanted(self):
        port = free_port()
        with Mimird("-target=querier", *self.as_flags(
                listen_address=f"127.0.0.1:{port}", tls_client_ca_path=self.folder / "ca.pem")):
            with self.assertRaises(OSError):
                self.ask(self.LOOKING, port=port)
            self.assertEqual(401, self.ask(port=port, certificate="client").status)
            self.assertEqual(200, self.ask(self.LOOKING, port=port, certificate="client").status)

    def test_without_keys_and_tokens_it_does_not_start(self):
        keys = {"tls_cert_path", "tls_key_path", "token_file"}
        for missing in (keys, {"token_file"}, {"tls_cert_path", "tls_key_path"}):
            with self.subTest(missing=missing):
                status, log = fails_to_start(*self.as_flags(**dict.fromkeys(missing)))
                self.assertEqual(1, status)
                for key in keys:
                    (self.assertIn if key in missing else self.assertNotIn)(f"admin.{key}", log)
        status, log = fails_to_start(*self.as_flags(listen_address="localhost:nonsense"))
        self.assertEqual(1, status)
        self.assertIn("admin.listen_address", log)

    def test_files_that_are_wrong_are_named(self):
        bad = self.folder / "bad-tokens"
        for text, place in (("a read short\n", ":1:"), ("\n\nviewer look a-token-that-is-long\n", ":3:"), ("# none\n", "no token")):
            bad.write_text(text)
            status, log = fails_to_start("-target=querier", *self.as_flags(token_file=bad, listen_address=f"127.0.0.1:{free_port()}"))
            self.assertEqual(1, status)
            self.assertIn(str(bad), log)
            self.assertIn(place, log)
            self.assertNotIn("a-token-that-is-long", log)
        missing = self.folder / "missing"
        for key in ("token_file", "tls_cert_path", "tls_key_path"):
            with self.subTest(key=key):
                status, log = fails_to_start("-target=querier", *self.as_flags(
                    **{key: missing}, listen_address=f"127.0.0.1:{free_port()}"))
                self.assertEqual(1, status)
                self.assertIn(str(missing), log)


class BadInputTest(TroubleTest):
    @classmethod
    def setUpClass(cls):
        cls.mimird = cls.enterClassContext(Mimird())

    def tearDown(self):
        self.assert_healthy(self.mimird)

    def stop_querier(self, body, headers=None):
        return self.mimird.admin("POST", "v1/modules/querier/stop", body, headers)

    def test_bodies_that_are_none(self):
        for body, *texts in (
                (b"{", "JSON"), (b"nonsense", "JSON"), (b"\xff\xfe", "JSON"), (b"{}{}", "JSON"), (b'"text"', "an object"), (b"[]", "an object"),
                (b"null", "an object"), (b'{"cascade": "yes"}', "cascade", "true or false"), (b'{"cascade": 1}', "cascade"),
                (b'{"cascde": true}', "cascde", "cascade"), (b'{"dry_run": {}}', "dry_run"), (b'{"\xff": 1}', "JSON"),
                (b'{"cascade": 1e999}', "JSON"), (b"\0", "JSON")):
            with self.subTest(body=body):
                self.assert_problem(self.stop_querier(body), 400, "request-malformed", *texts)
        self.assert_problem(self.mimird.admin("PUT", "v1/target", {"target": 7}), 400, "request-malformed", "target", "a string")
        self.assertEqual("running", self.mimird.module("querier")["state"])

    def test_deep_nesting(self):
        for depth in (10_000, 500_000):
            for opening, closing in (("[", "]"), ('{"cascade":', "}")):
                whole = (opening * depth)[:900_000] + "1" + (closing * depth if depth == 10_000 else "")
                for body in (whole, opening * min(depth, 70_000)):
                    with self.subTest(depth=depth, opening=opening):
                        self.assert_problem(self.stop_querier(body), 400, "request-malformed")
            body = '{"cascade":' + "[" * 450_000 + "]" * 450_000 + "}"
            self.assert_problem(self.stop_querier(body), 400, "request-malformed", "nested")
        for yaml in ("[" * 100_000, "{a: " * 50_000, "- " * 100_000, "a: &a [*a, *a]\n", "? " * 50_000):
            with self.subTest(yaml=yaml[:10]):
                answer = self.mimird.admin("POST", "v1/config/check", {"yaml": yaml})
                self.assertEqual(200, answer.status)
                self.assertFalse(answer.json["ok"])

    def test_large_bodies_and_heads(self):
        for size in (10 << 20, 2 << 20):
            self.assert_problem(self.stop_querier(b" " * size), 413, "body-too-large", str(1 << 20))
        connection = UnixConnection(self.mimird.socket)
        with contextlib.closing(connection):
            with contextlib.suppress(BrokenPipeError):   # it does not take all of it
                connection.request("POST", "/admin/v1/modules/querier/stop", iter([b" " * 65536] * 160), encode_chunked=True,
                                   headers={"Transfer-Encoding": "chunked"})
            self.assertEqual(413, connection.getresponse().status)
        connection = UnixConnection(self.mimird.socket)
        with contextlib.closing(connection):
            connection.request("GET", "/admin/v1/status", headers={"X-Large": "x" * 200_000})
            response = connection.getresponse()
            self.assertEqual(431, response.status)
            self.assertEqual("application/problem+json", response.headers["Content-Type"])
        answer = self.mimird.admin("GET", "v1/modules/" + "m" * 20_000)
        self.assertEqual(404, answer.status)

    def test_torn_requests(self):
        whole = b"POST /admin/v1/modules/querier/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\n\r\n{\"cascade\":true}"
        for end in range(0, len(whole), 3):
            with socket.socket(socket.AF_UNIX) as torn:
                torn.connect(str(self.mimird.socket))
                torn.sendall(whole[:end])
        for garbage in (b"\x16\x03\x01\x02\x00\x01", b"\0" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
            with self.subTest(garbage=garbage[:10]), socket.socket(socket.AF_UNIX) as torn:
                torn.settimeout(10)
                torn.connect(str(self.mimird.socket))
                torn.sendall(garbage)
                torn.shutdown(socket.SHUT_WR)
                self.assertIn(torn.recv(12), (b"HTTP/1.1 400", b""))
        wait_for("torn connections are closed", lambda: self.mimird.admin_connections() <= 1)
        self.assertEqual("running", self.mimird.module("querier")["state"])


class FloodTest(TroubleTest):
    def setUp(self):
        self.mimird = self.enterContext(Mimird())

    def status(self):
        return self.mimird.admin("GET", "v1/status", timeout=5).json

    def answers_within(self, seconds, ask):
        """The longest of several."""
        longest = 0.0
        for _ in range(10):
            began = time.monotonic()
            self.assertEqual(200, ask())
            longest = max(longest, time.monotonic() - began)
        self.assertLess(longest, seconds)

    def test_thousands_of_connections_that_say_nothing(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 5000:
            self.skipTest("needs more file descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 5000), hard))
        before = self.status()["open_fds"]
        silent = []
        with contextlib.ExitStack() as stack:
            for number in range(2000):
                one = stack.enter_context(socket.socket(socket.AF_UNIX))
                one.connect(str(self.mimird.socket))
                if number % 2:
                    one.sendall(b"GET /admin/v1/sta")   # and no more
                silent.append(one)
            self.assertEqual(200, self.mimird.admin("GET", "v1/status", timeout=5).status)
            self.answers_within(1, lambda: self.mimird.admin("GET", "v1/modules", timeout=5).status)
            self.answers_within(1, lambda: push(self.mimird))
            self.assertLess(self.status()["open_fds"], before + 300)
        wait_for("the descriptors are back", lambda: self.status()["open_fds"] <= before + 5)

    def test_a_client_that_never_reads(self):
        mimird = self.mimird
        stalled = UnixConnection(mimird.socket)
        stalled.request("GET", "/admin/v1/events?follow=true")
        self.addCleanup(stalled.close)
        reader = UnixConnection(mimird.socket)
        reader.request("GET", "/admin/v1/events?follow=true")
        self.addCleanup(reader.close)
        response = reader.getresponse()
        told = []
        following = threading.Thread(target=lambda: told.extend(json.loads(line) for line in response if line.strip()))
        following.start()
        first = mimird.admin("GET", "v1/events?limit=1").json[-1]["cursor"]
        resident = self.status()["resident_bytes"]
        last = first
        while last < first + 1500:
            mimird.change("POST", "v1/modules/runtime-config/restart")   # more than the socket's buffer holds, all in all
            last = mimird.admin("GET", "v1/events?limit=1").json[-1]["cursor"]
        wait_for("the one that reads has them all", lambda: told and told[-1]["cursor"] >= last)
        self.assertEqual(list(range(told[0]["cursor"], told[0]["cursor"] + len(told))), [one["cursor"] for one in told])
        self.assertLess(self.status()["resident_bytes"], resident + (32 << 20))
        self.answers_within(1, lambda: mimird.admin("GET", "v1/modules", timeout=5).status)
        began = time.monotonic()
        self.assertEqual(0, mimird.stop())
        self.assertLess(time.monotonic() - began, 10, "a stalled stream holds up the end")
        following.join()

    def test_many_followers_of_the_public_page(self):
        """Who may only look must not take the admin API from those who operate."""
        mimird = self.mimird
        with contextlib.ExitStack() as stack:
            statuses = []
            for _ in range(600):
                one = stack.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", mimird.port, timeout=10)))
                one.request("GET", "/admin/v1/events?follow=true&after=0")
                statuses.append(one.getresponse().status)
            self.assertLessEqual(set(statuses), {200, 503})
            self.assertEqual(200, statuses[0])
            self.answers_within(1, lambda: mimird.admin("GET", "v1/modules", timeout=5).status)
            self.assertEqual("done", mimird.change("POST", "v1/modules/querier/restart")["state"])
            self.answers_within(1, lambda: push(mimird))


    def test_a_follower_of_the_public_page_holds_up_no_stop(self):
        mimird = self.mimird
        def follow():
            one = http.client.HTTPConnection("127.0.0.1", mimird.port, timeout=40)
            self.addCleanup(one.close)
            one.request("GET", "/admin/v1/events?follow=true&after=0")
            self.assertEqual(200, one.getresponse().status)
        follow()
        began = time.monotonic()
        self.assertEqual("done", mimird.change("POST", "v1/modules/server/restart")["state"])
        self.assertLess(time.monotonic() - began, 15, "the stream was waited for until the grace of 30 s was over")
        follow()
        began = time.monotonic()
        self.assertEqual(0, mimird.stop())
        self.assertLess(time.monotonic() - began, 15, "the stream was waited for until the grace of 30 s was over")

    def test_a_rush_on_the_public_page(self):
        asked = b"GET /admin/v1/modules HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
        with contextlib.ExitStack() as stack:
            for _ in range(400):   # who ask on without reading what they get
                one = stack.enter_context(socket.create_connection(("127.0.0.1", self.mimird.port)))
                one.sendall(asked)
            until = time.monotonic() + 2
            while time.monotonic() < until:
                self.answers_within(1, lambda: self.mimird.admin("GET", "v1/modules", timeout=5).status)
            self.assertEqual("done", self.mimird.change("POST", "v1/modules/querier/restart")["state"])


class SocketFileTest(TroubleTest):
    def test_a_socket_that_a_killed_daemon_left_is_taken_over(self):
        with Mimird("-target=querier") as mimird:
            mimird.kill()
            self.assertTrue(mimird.socket.exists())
            mimird.start()
            self.assertEqual(mimird.process.pid, mimird.admin("GET", "v1/status").json["pid"])

    def test_a_file_that_is_no_socket_is_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "precious"
            file.write_text("precious")
            status, log = fails_to_start("-target=querier", f"-admin.socket={file}")
            self.assertEqual(1, status)
            self.assertIn(str(file), log)
            self.assertIn("no socket", log)
            self.assertEqual("precious", file.read_text())

    def test_a_socket_of_a_daemon_that_runs_is_left_to_it(self):
        with Mimird("-target=querier") as first:
            status, log = fails_to_start("-target=querier", f"-admin.socket={first.socket}")
            self.assertEqual(1, status)
            self.assertIn("another process", log)
            self.assertEqual(first.process.pid, first.admin("GET", "v1/status").json["pid"])

    def test_paths_that_cannot_be_are_named(self):
        for path in ("/proc/nowhere/admin.sock", "/tmp/" + "x" * 200):
            status, log = fails_to_start("-target=querier", f"-admin.socket={path}")
            self.assertEqual(1, status)
            self.assertIn(path, log)

    @unittest.skipUnless(IS_ROOT, "being another user needs root")
    def test_a_default_socket_that_is_taken_does_not_hold_up_the_data_path(self):
        with tempfile.TemporaryDirectory(prefix="mimird-it-run-") as run:
            os.chown(run, NOBODY, NOBODY)

            class Plain(Mimird):
                socket = pathlib.Path(run) / "mimird/admin.sock"

                def command(self):
                    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env",
                            f"XDG_RUNTIME_DIR={run}", *super().command()]

                def __init__(self):
                    super().__init__("-admin.socket=")
                    os.chown(self.folder, NOBODY, NOBODY)
            with Plain() as first, Plain() as second:
                self.assertEqual(200, push(second))
                self.assertIn("admin.socket", second.log())
                self.assertIn("level=warn", next(line for line in second.log().splitlines() if "another process" in line))
                self.assertEqual(first.process.pid, first.admin("GET", "v1/status").json["pid"])
                self.assertEqual(0, first.stop())
                # It is had as soon as it is free.
                wait_for("the other takes it over", Plain.socket.exists, 15)
                self.assertEqual(second.process.pid, second.admin("GET", "v1/status").json["pid"])
                self.assertEqual(str(Plain.socket), second.admin("GET", "v1/status").json["admin_socket"])


class StateFolderTest(TroubleTest):
    def test_a_folder_that_another_daemon_uses_is_refused_when_it_was_set(self):
        with Mimird("-target=querier") as first:
            status, log = fails_to_start("-target=querier", f"-node.state-dir={first.state}")
            self.assertEqual(1, status)
            self.assertIn("another process uses the state folder", log)
            self.assertIn(str(first.state), log)
            self.assertIn("-node.state-dir", log)
            first.change("POST", "v1/modules/querier/restart")

    def test_the_default_folder_in_use_is_refused_too(self):
        """Two processes that share rings and sockets without knowing of one another would mix their data."""
        class Here(Mimird):
            def command(self):
                return [one for one in super().command() if not str(one).startswith("-node.state-dir")]
        with Here("-target=querier") as first:
            second = Here("-target=querier", f"-admin.socket={first.folder}/second.sock", folder=first.folder)
            second.log_path = first.folder / "second.log"
            second.start(wait=False)
            self.assertEqual(1, second.process.wait(20))
            self.assertIn("another process uses the state folder", second.log())
            self.assertIn("-node.name", second.log())
            # With a name it runs beside the first.
            second.flags.append("-node.name=beside")
            second.start()
            self.assertEqual(0, second.stop())

    def test_a_stored_target_that_cannot_be_read_is_not_guessed(self):
        """Started as all with the configured target, the node would be another one than it was told to be."""
        with Mimird() as mimird:
            mimird.change("PUT", "v1/target", {"target": "querier"})
            mimird.stop()
            journal = mimird.state / "journal.db"
            journal.rename(mimird.state / "kept")
            journal.mkdir()
            mimird.start(wait=False)
            self.assertEqual(1, mimird.process.wait(20))
            self.assertIn("name the target with -target", mimird.log())
            mimird.flags.append("-target=querier")
            mimird.start()
            self.assertNotEqual("ok", mimird.admin("GET", "v1/status").json["journal"])
            mimird.stop()
            mimird.flags.pop()
            journal.rmdir()
            (mimird.state / "kept").rename(journal)
            mimird.start()
            self.assertEqual("querier", mimird.admin("GET", "v1/target").json["target"])

    def test_a_damaged_journal_is_set_aside(self):
        for name, damage in (
                ("garbage", lambda file: file.write_bytes(b"nonsense" * 1000)),
                ("torn", lambda file: os.truncate(file, file.stat().st_size // 2)),
                ("middle", lambda file: self.overwrite(file, 4096, b"\xff" * 3000))):
            with self.subTest(damage=name), Mimird("-target=querier") as mimird:
                mimird.change("PUT", "v1/target", {"target": "ingester"})
                self.assertEqual(0, mimird.stop())
                damage(mimird.state / "journal.db")
                mimird.start()
                aside = [file.name for file in mimird.state.iterdir() if ".corrupt-" in file.name]
                self.assertEqual(1, len(aside), list(mimird.state.iterdir()))
                told = [one for one in mimird.admin("GET", "v1/events").json if aside[0] in one["message"]]
                self.assertEqual(("error", "journal"), (told[0]["severity"], told[0]["subject"]))
                self.assertIn("damaged journal set aside", mimird.log())
                status = mimird.admin("GET", "v1/status").json
                self.assertEqual(("ok", "querier"), (status["journal"], status["target"]))
                self.assertEqual("done", mimird.change("POST", "v1/modules/querier/restart")["state"])

    def overwrite(self, file, offset, data):
        with open(file, "r+b") as out:
            out.seek(offset)
            out.write(data)

    def test_a_forged_audit_log_is_noticed(self):
        with Mimird("-target=querier") as mimird:
            mimird.change("POST", "v1/modules/querier/restart")
            mimird.change("POST", "v1/modules/querier/restart")
            self.assertEqual(0, mimird.stop())
            with contextlib.closing(sqlite3.connect(mimird.state / "journal.db")) as database:
                trigger = database.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_is_not_changed'").fetchone()[0]
                database.execute("DROP TRIGGER audit_is_not_changed")
                database.execute("UPDATE audit SET actor = 'somebody' WHERE seq = 2")
                database.execute(trigger)
                database.commit()
            mimird.start()
            journal = next(one for one in mimird.admin("GET", "v1/doctor").json if one["name"] == "journal")
            self.assertEqual("failure", journal["state"], journal)
            self.assertIn("entry 2", journal["what"])


@unittest.skipUnless(IS_ROOT, "mounting a small tmpfs needs root")
class FullDiskTest(TroubleTest):
    DISK_MB = 8

    def setUp(self):
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="mimird-it-disk-"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.DISK_MB}m", "tmpfs", self.disk], check=True)
        self.addCleanup(lambda: (subprocess.run(["umount", "-l", self.disk], check=True), self.disk.rmdir()))

    def fill(self):
        with open(self.disk / "ballast", "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 65536)

    def change_until_refused(self, mimird):
        """What the file has left in its last pages is used up first."""
        for _ in range(2000):
            answer = mimird.admin("POST", "v1/modules/querier/restart", "{}")
            if answer.status != 202:
                return answer
            mimird.ended(answer.json["operation"]["id"])
        raise AssertionError("the journal never ran full")

    def assert_changes_refused(self, mimird):
        for method, path, body in (
                ("POST", "v1/modules/querier/stop", {}), ("PUT", "v1/target", {"target": "ingester"}),
                ("PUT", "v1/log-level", {"level": "debug"}), ("POST", "v1/shutdown", None)):
            with self.subTest(path=path):
                problem = self.assert_problem(mimird.admin(method, path, body), 503, "journal-unavailable", "full")
                self.assertTrue(problem["retryable"])
        self.assertEqual("running", mimird.module("querier")["state"])
        self.assertIn("full", mimird.admin("GET", "v1/status").json["journal"])
        journal = next(one for one in mimird.admin("GET", "v1/doctor").json if one["name"] == "journal")
        self.assertEqual("failure", journal["state"])
        self.assertIn("full", journal["what"])
        self.assertEqual((200, 200), (push(mimird), query(mimird)))
        for path in ("v1/modules", "v1/targets", "v1/events", "v1/config", "v1/target"):
            self.assertEqual(200, mimird.admin("GET", path).status, path)

    def assert_changes_work(self, mimird):
        wait_for("changes work again", lambda: mimird.admin("POST", "v1/modules/querier/restart", "{}").status == 202, 10)
        self.assertEqual("done", mimird.change("POST", "v1/modules/querier/restart")["state"])
        self.assertEqual("ok", mimird.admin("GET", "v1/status").json["journal"])
        journal = next(one for one in mimird.admin("GET", "v1/doctor").json if one["name"] == "journal")
        self.assertEqual("ok", journal["state"], journal)

    def test_full_and_free_again(self):
        with Mimird(f"-node.state-dir={self.disk}/node") as mimird:
            mimird.change("POST", "v1/modules/querier/restart")
            self.fill()
            answer = self.change_until_refused(mimird)
            self.assert_problem(answer, 503, "journal-unavailable", "full")
            wait_for("querier runs", lambda: mimird.module("querier")["state"] == "running")
            self.assert_changes_refused(mimird)
            # What was written before is read all the same.
            self.assertTrue(mimird.admin("GET", "v1/operations").json)
            self.assertTrue(mimird.admin("GET", "v1/audit").json)
            (self.disk / "ballast").unlink()
            self.assert_changes_work(mimird)

    def test_full_from_the_start(self):
        self.fill()
        # Rings are kept in the state folder: without room for them the node waits, says so, and goes on by itself.
        mimird = Mimird(f"-node.state-dir={self.disk}/node")
        with mimird.start(wait=False):
            wait_for("it says what it waits for", lambda: "waiting for the key-value store" in mimird.log())
            self.assertIn("changes are refused", mimird.log())
            (self.disk / "ballast").unlink()
            wait_for("it goes on", mimird.is_ready, 30)
            self.assert_changes_work(mimird)


if __name__ == "__main__":
    unittest.main()
