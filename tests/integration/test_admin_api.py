"""The admin API as its own document describes it, and what it promises to those who change things: plans, revisions, keys,
history, streams."""

import concurrent.futures
import contextlib
import hashlib
import json
import re
import threading
import time
import unittest
import urllib.parse

from support.servers import Mimird, UnixConnection, http, wait_for

METHODS = ("get", "post", "put", "delete", "patch")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
UNKNOWN = {"name": "nonsense", "id": "op-999999"}
# What this test does not bring about: 401 is TCP's and 503 that of a broken journal (test_admin_trouble.py), 429 takes a
# queue that outlasts the sending of what fills it, and 500 takes a mistake.
ELSEWHERE = {"401", "429", "500", "503"}


def check(document, schema, value, where="$"):
    """Raises unless the value is what the schema says, the whole of it and nothing else."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    kind = schema.get("type")
    if kind == "object":
        assert isinstance(value, dict), f"{where}: no object: {value!r}"
        missing = set(schema.get("required", ())) - set(value)
        assert not missing, f"{where}: lacks {missing}"
        undeclared = set(value) - set(schema["properties"])
        assert not undeclared, f"{where}: has undeclared {undeclared}"
        for name, member in value.items():
            check(document, schema["properties"][name], member, f"{where}.{name}")
    elif kind == "array":
        assert isinstance(value, list), f"{where}: no list: {value!r}"
        for index, item in enumerate(value):
            check(document, schema["items"], item, f"{where}[{index}]")
    elif kind == "string":
        assert isinstance(value, str), f"{where}: no string: {value!r}"
        assert value in schema.get("enum", [value]), f"{where}: not one of {schema['enum']}: {value!r}"
        if schema.get("format") == "date-time":
            assert TIME.fullmatch(value), f"{where}: no time: {value!r}"
    elif kind == "boolean":
        assert isinstance(value, bool), f"{where}: no boolean: {value!r}"
    elif kind == "integer":
        assert isinstance(value, int) and not isinstance(value, bool), f"{where}: no integer: {value!r}"
    else:
        assert not kind, f"{where}: a schema of type {kind}"


class Lines:
    """A stream of lines of JSON, read as they come; the empty ones only keep it alive."""

    def __init__(self, mimird, path, timeout=10):
        self.connection = UnixConnection(mimird.socket, timeout)
        self.connection.request("GET", "/admin/" + path)
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()
        assert self.response.headers["Content-Type"] == "application/x-ndjson"

    def __iter__(self):
        while line := self.response.readline():
            if line.strip():
                yield json.loads(line)

    def until(self, condition):
        """The lines up to the first for which the condition holds, which is the last of them."""
        lines = []
        for line in self:
            lines.append(line)
            if condition(line):
                return lines
        raise AssertionError(f"the stream ended before that, after {lines}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


class AdminTest(unittest.TestCase):
    """One daemon for all tests of a class; each leaves it with everything running."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.mimird = cls.enterClassContext(Mimird(*cls.flags))

    def tearDown(self):
        self.assertIsNone(self.mimird.process.poll(), self.mimird.log()[-3000:])

    def get(self, path, **parameters):
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        answer = self.mimird.admin("GET", path + query)
        self.assertEqual(200, answer.status, answer.text)
        return answer.json

    def revision(self):
        return self.get("v1/status")["revision"]

    def assert_problem(self, answer, status, code, *texts):
        self.assertEqual(status, answer.status, answer.text)
        self.assertEqual("application/problem+json", answer.headers["Content-Type"])
        problem = answer.json
        self.assertEqual((status, code), (problem["status"], problem["code"]), problem)
        self.assertEqual("urn:mimird:problem:" + code, problem["type"])
        for text in texts:
            self.assertIn(text, problem["why"])
        return problem

    def assert_done(self, operation):
        self.assertEqual("done", operation["state"], operation)

    def change(self, *arguments):
        """A change that is through: after the operation's end is seen come its rows in the logs."""
        operation = self.mimird.change(*arguments)
        if operation:
            ended = lambda: [one for one in self.get("v1/events", limit=20) if one["subject"] == operation["id"]
                             and one["message"].startswith(operation["state"] + ": ")]
            wait_for(f"the last event of {operation['id']}", ended)
        return operation

    def run_all(self):
        self.change("POST", "v1/modules/all/start")


class DocumentTest(AdminTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.mimird.folder
        cls.file = folder / "mimird.yaml"
        cls.file.write_text("querier:\n  timeout: 90s\n")
        cls.with_file = cls.enterClassContext(Mimird(f"-config.file={cls.file}", "-target=querier"))
        cls.document = cls.mimird.admin("GET", "v1/openapi.json").json

    def endpoints(self):
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield path, method, operation

    def hold(self, path, method, operation, status, answer):
        """Holds an answer against what the document says of it."""
        where = f"{method.upper()} {path} -> {status}"
        self.assertIn(str(status), operation["responses"], f"{where} is not declared: {answer.text[:300]}")
        declared = operation["responses"][str(status)]
        kind = answer.headers["Content-Type"]
        self.assertIn(kind, declared["content"], where)
        values = [json.loads(line) for line in answer.text.splitlines() if line] if kind.endswith("ndjson") else [answer.json]
        for value in values:
            check(self.document, declared["content"][kind]["schema"], value, where)
        if status >= 400:
            self.assertIn(values[0]["code"], declared["description"].split(", "), where)

    def concrete(self, path, operation):
        known = {"name": "querier", "id": operation}
        return re.sub(r"\{(\w+)\}", lambda match: known[match[1]], path).removeprefix("/admin/")

    def test_the_document_is_one(self):
        document = self.document
        self.assertEqual("3.1.0", document["openapi"])
        self.assertEqual(self.get("version")["version"], document["info"]["version"])
        ids = [operation["operationId"] for _, _, operation in self.endpoints()]
        self.assertEqual(len(ids), len(set(ids)))
        text = json.dumps(document)
        for name in set(re.findall(r'"#/components/schemas/(\w+)"', text)):
            self.assertIn(name, document["components"]["schemas"])
        for path, _, operation in self.endpoints():
            in_path = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
            self.assertEqual(re.findall(r"\{(\w+)\}", path), in_path)

    def test_every_endpoint_is_served_as_declared(self):
        """Every endpoint with what it takes, and with everything wrong that it says it notices."""
        mimird, with_file = self.mimird, self.with_file
        ended = mimird.change("POST", "v1/modules/querier/restart")["id"]
        bodies = {
            "setTarget": {"target": "all", "dry_run": True}, "setLogLevel": {"level": "info"},
            "checkConfig": {"yaml": "target: all\n"}, "forgetMember": {"member": "nobody"},
            "migrate": {"to": "microservices", "dry_run": True}, "okToStop": {}}
        here = mimird.admin("GET", "v1/rings/ingester").json["self"]
        special = {   # (endpoint, status): how to get it
            ("forgetMember", "200"): None,   # takes a member that died
            ("forgetMember", "409"): lambda: mimird.admin("POST", "v1/rings/ingester/forget", {"member": here}),
            ("reloadConfig", "409"): lambda: mimird.admin("POST", "v1/config/reload", "{}"),
            ("diffConfig", "409"): lambda: mimird.admin("GET", "v1/config/diff"),
            ("reloadConfig", "422"): lambda: self.with_text("nonsense: 1\n", "POST", "v1/config/reload"),
            ("diffConfig", "422"): lambda: self.with_text("nonsense: 1\n", "GET", "v1/config/diff"),
            ("reloadConfig", "202"): lambda: self.with_text("querier:\n  timeout: 91s\n", "POST", "v1/config/reload"),
            ("reloadConfig", "200"): lambda: self.with_text("querier:\n  timeout: 92s\n", "POST", "v1/config/reload", '{"dry_run": true}'),
            ("diffConfig", "200"): lambda: self.with_text("querier:\n  timeout: 93s\n", "GET", "v1/config/diff"),
            ("resetTarget", "202"): self.reset_target,
            ("setTarget", "202"): lambda: mimird.admin("PUT", "v1/target", {"target": "all,querier"}),
            ("stopModules", "409"): lambda: mimird.admin("POST", "v1/modules/api/stop", "{}"),
            ("startModules", "409"): None,   # a start stops nothing
            ("restartModules", "409"): lambda: mimird.admin("POST", "v1/modules/admin/restart", "{}"),
            ("cancelOperation", "200"): None,   # takes a slow operation
            ("cancelOperation", "409"): lambda: mimird.admin("POST", f"v1/operations/{ended}/cancel"),
            ("pauseOperation", "200"): None,   # takes a migration, as does the next
            ("resumeOperation", "200"): None,
            ("pauseOperation", "409"): lambda: mimird.admin("POST", f"v1/operations/{ended}/pause"),
            ("resumeOperation", "409"): lambda: mimird.admin("POST", f"v1/operations/{ended}/resume"),
            ("migrate", "202"): lambda: mimird.admin("POST", "v1/migrations", {"to": "microservices", "rehearse": True}),
            ("migrate", "409"): lambda: with_file.admin("POST", "v1/migrations", {"to": "microservices"}),
            ("startModules", "202"): self.start_stopped,
            ("setTarget", "422"): lambda: mimird.admin("PUT", "v1/target", {"target": "nonsense"}),
        }
        seen = []
        for path, method, operation in self.endpoints():
            name, to = operation["operationId"], self.concrete(path, ended)
            changes = operation["x-role"] == "change"
            body = bodies.get(name, {"dry_run": True} if "requestBody" in operation else None)
            for status in operation["responses"]:
                with self.subTest(endpoint=name, status=status):
                    if status in ELSEWHERE or (name, status) == ("shutdown", "200"):
                        continue
                    before = self.revision()
                    if (name, status) in special:
                        if special[name, status] is None:
                            continue
                        answer = special[name, status]()
                    elif status == "200":
                        answer = mimird.admin(method.upper(), to, body)
                    elif status == "202":
                        answer = mimird.admin(method.upper(), to, {})
                    elif status == "400":
                        wrong = "{" if "requestBody" in operation else None
                        to_wrong = to if wrong else to + "?" + "&".join(
                            f"{one['name']}=wrong" for one in operation["parameters"] if one["in"] == "query")
                        answer = mimird.admin(method.upper(), to_wrong, wrong)
                    elif status == "403":
                        answer = mimird.admin(method.upper(), to, body, {"Origin": "http://example.com"})
                    elif status == "404":
                        answer = mimird.admin(
                            method.upper(), re.sub(r"\{(\w+)\}", lambda match: UNKNOWN[match[1]], path)[7:], body)
                    elif status == "412":
                        answer = mimird.admin(method.upper(), to, body, {"If-Match": '"1"'})
                        if name == "reloadConfig":
                            answer = with_file.admin(method.upper(), to, body, {"If-Match": '"1"'})
                    elif status == "413":
                        answer = mimird.admin(method.upper(), to, b" " * (2 << 20))
                    elif status == "421":
                        answer = mimird.admin(method.upper(), to, body, {"Host": "evil.example"})
                    elif status == "422":
                        mimird.change("POST", "v1/modules/querier/restart", {}, {"Idempotency-Key": f"for-{name}"})
                        other = "all/" + to.rsplit("/", 1)[1] if "{name}" in path else None
                        answer = mimird.admin(
                            method.upper(), f"v1/modules/{other}" if other else to, body, {"Idempotency-Key": f"for-{name}"})
                    else:
                        self.fail(f"no way to provoke {status}")
                    self.assertEqual(int(status), answer.status, answer.text[:300])
                    self.hold(path, method, operation, answer.status, answer)
                    if answer.status == 202:
                        self.assertEqual(f"/admin/v1/operations/{answer.json['operation']['id']}", answer.headers["Location"])
                        (with_file if name == "reloadConfig" else mimird).ended(answer.json["operation"]["id"])
                    elif not changes:
                        self.assertEqual(before, self.revision(), "looking changed something")
                    seen.append((name, status))
            self.run_all()
        self.assertGreater(len(seen), 100)

    def with_text(self, text, method, path, body="{}"):
        self.file.write_text(text)
        return self.with_file.admin(method, path, body if method == "POST" else None)

    def reset_target(self):
        self.change("PUT", "v1/target", {"target": "all,querier"})
        return self.mimird.admin("DELETE", "v1/target", "{}")

    def start_stopped(self):
        self.change("POST", "v1/modules/querier/stop")
        return self.mimird.admin("POST", "v1/modules/querier/start", "{}")

    def test_queries_that_cannot_be_meant_are_declared_too(self):
        for path, method, operation in self.endpoints():
            for one in operation["parameters"]:
                if one["in"] != "query" or one["name"] == "follow":
                    continue
                with self.subTest(path=path, parameter=one["name"]):
                    answer = self.mimird.admin("GET", f"{self.concrete(path, 'op-1')}?{one['name']}=wrong")
                    self.assertEqual(400, answer.status)
                    self.hold(path, method, operation, 400, answer)

    def test_what_is_not_in_the_document_is_not_there(self):
        for path in ("/admin", "/admin/", "/admin/v1", "/admin/v2/status", "/admin/v1/nonsense", "/admin/v1/modules/",
                     "/admin/v1/modules/querier/explode", "/api/v1/push", "/metrics"):
            with self.subTest(path=path):
                connection = UnixConnection(self.mimird.socket)
                with contextlib.closing(connection):
                    connection.request("GET", path)
                    response = connection.getresponse()
                    self.assertEqual(404, response.status)
                    self.assertEqual("application/problem+json", response.headers["Content-Type"])
                    problem = json.loads(response.read())
                    check(self.document, {"$ref": "#/components/schemas/Problem"}, problem)
                    self.assertEqual("path-unknown", problem["code"])

    def test_other_methods_are_refused_with_those_that_there_are(self):
        before = self.revision()
        for path, methods in self.document["paths"].items():
            allowed = {name.upper() for name in methods} | ({"HEAD"} if "get" in methods else set())
            for method in set(METHODS) - set(methods):
                with self.subTest(path=path, method=method):
                    answer = self.mimird.admin(method.upper(), self.concrete(path, "op-1"), "{}")
                    self.assert_problem(answer, 405, "method-not-allowed")
                    self.assertEqual(allowed, set(answer.headers["Allow"].split(", ")))
        self.assertEqual(before, self.revision())

    def test_head_is_get_without_the_body(self):
        whole, head = (self.mimird.admin(method, "v1/target") for method in ("GET", "HEAD"))
        self.assertEqual((200, b""), (head.status, head.body))
        self.assertEqual(whole.headers["ETag"], head.headers["ETag"])


class ChangeTest(AdminTest):
    def tearDown(self):
        super().tearDown()
        self.run_all()
        self.change("DELETE", "v1/target")

    def audit_last(self):
        return (self.get("v1/audit") or [{"seq": 0}])[-1]["seq"]

    def test_a_change_is_bound_to_the_revision_that_was_seen(self):
        tag = self.mimird.admin("GET", "v1/status").headers["ETag"]
        self.assertEqual(f'"{self.revision()}"', tag)
        self.assert_done(self.change("POST", "v1/modules/querier/stop", {}, {"If-Match": tag}))
        for method, path, body in (
                ("POST", "v1/modules/querier/start", {}), ("PUT", "v1/target", {"target": "querier"}), ("DELETE", "v1/target", {})):
            with self.subTest(path=path):
                answer = self.mimird.admin(method, path, body, {"If-Match": tag})
                self.assert_problem(answer, 412, "revision-stale", tag.strip('"'), str(self.revision()))
        self.assertEqual("stopped", self.mimird.module("querier")["state"])
        for wrong in ('"x"', "", '"', '"1', "W/\"1\"", "1 2", "-1", '"99999999999999999999999"'):
            with self.subTest(wrong=wrong):
                answer = self.mimird.admin("POST", "v1/modules/querier/start", {}, {"If-Match": wrong})
                self.assert_problem(answer, 400, "request-malformed", "If-Match")
        self.assert_done(self.change("POST", "v1/modules/querier/start", {}, {"If-Match": "*"}))

    def test_revisions_grow_with_every_change(self):
        seen = [self.revision()]
        for verb in ("stop", "start", "restart"):
            self.change("POST", f"v1/modules/querier/{verb}")
            seen.append(self.revision())
        self.assertEqual(sorted(set(seen)), seen)

    def test_a_key_names_one_request(self):
        def ask(key, verb="stop", name="querier"):
            return self.mimird.admin("POST", f"v1/modules/{name}/{verb}", {}, {"Idempotency-Key": key})
        first = ask("one")
        self.assertEqual(202, first.status)
        operation = first.json["operation"]["id"]
        self.mimird.ended(operation)
        again = ask("one")
        self.assertEqual(operation, again.json["operation"]["id"])
        self.assertEqual("done", again.json["operation"]["state"])
        cascading = self.mimird.admin(
            "POST", "v1/modules/querier/stop", {"cascade": True}, {"Idempotency-Key": "one"})
        for other in (ask("one", "start"), ask("one", name="distributor"), cascading):
            self.assert_problem(other, 422, "idempotency-key-reused", "one", operation)
        self.change("POST", "v1/modules/querier/start")
        # Even though the daemon is in another state by now.
        self.assertEqual(operation, ask("one").json["operation"]["id"])
        self.assertEqual("running", self.mimird.module("querier")["state"])
        self.assert_problem(ask("k" * 129), 400, "request-malformed", "128")

    def test_a_key_outlives_the_daemon(self):
        ask = lambda: self.mimird.admin("POST", "v1/modules/querier/restart", {}, {"Idempotency-Key": "for ever"})
        operation = ask().json["operation"]["id"]
        self.mimird.ended(operation)
        self.mimird.kill()
        self.mimird.start()
        self.assertEqual(operation, ask().json["operation"]["id"])

    def test_one_key_from_many_clients_makes_one_operation(self):
        newest = lambda: [one["id"] for one in self.get("v1/operations", limit=1000)]
        before = newest()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            ask = lambda _: self.mimird.admin("POST", "v1/modules/querier/restart", {}, {"Idempotency-Key": "many"})
            answers = list(pool.map(ask, range(32)))
        self.assertEqual({202}, {answer.status for answer in answers})
        ids = {answer.json["operation"]["id"] for answer in answers}
        self.assertEqual(1, len(ids))
        self.assert_done(self.mimird.ended(ids.pop()))
        self.assertEqual(len(before) + 1, len(newest()))

    def test_a_dry_run_is_the_plan_that_then_runs(self):
        steps = lambda plan: [(step["action"], step["subject"], step["gate"], step["undo"]) for step in plan["steps"]]
        cases = (
            ("POST", "v1/modules/querier/stop", {}), ("POST", "v1/modules/querier/start", {}),
            ("POST", "v1/modules/api/stop", {"cascade": True}), ("PUT", "v1/target", {"target": "ingester"}),
            ("PUT", "v1/target", {"target": "querier,query-frontend"}), ("DELETE", "v1/target", {}),
            ("POST", "v1/modules/runtime-config/restart", {}))
        for method, path, body in cases:
            with self.subTest(method=method, path=path):
                before, audited = self.revision(), self.audit_last()
                operations = self.get("v1/operations")
                plan = self.mimird.admin(method, path, {**body, "dry_run": True})
                self.assertEqual(200, plan.status)
                self.assertTrue(plan.json["dry_run"] and plan.json["changed"])
                self.assertNotIn("operation", plan.json)
                self.assertEqual((before, audited), (self.revision(), self.audit_last()))
                self.assertEqual(operations, self.get("v1/operations"))
                begun = self.mimird.admin(method, path, body).json
                self.assertEqual(steps(plan.json), steps(begun))
                done = self.mimird.ended(begun["operation"]["id"])
                self.assert_done(done)
                self.assertEqual(steps(plan.json), steps(done))
                self.assertEqual({"done"}, {step["state"] for step in done["steps"]})

    def test_what_is_so_already_is_no_change(self):
        self.change("POST", "v1/modules/querier/restart")   # not only before anything was changed
        for method, path, body in (
                ("POST", "v1/modules/querier/start", {}), ("DELETE", "v1/target", {}),
                ("POST", "v1/modules/querier/start", {"dry_run": True})):
            with self.subTest(method=method, path=path):
                before, audited = self.revision(), self.audit_last()
                answer = self.mimird.admin(method, path, body)
                self.assertEqual(200, answer.status, answer.text)
                self.assertFalse(answer.json["changed"])
                self.assertIn("already", answer.json["message"])
                self.assertEqual([], answer.json["steps"])
                self.assertNotIn("operation", answer.json)
                self.assertEqual((before, audited), (self.revision(), self.audit_last()))
        self.change("PUT", "v1/target", {"target": "all"})
        self.assertFalse(self.mimird.admin("PUT", "v1/target", {"target": "all"}).json["changed"])
        self.change("POST", "v1/modules/querier/stop")
        self.assertFalse(self.mimird.admin("POST", "v1/modules/querier/stop", "{}").json["changed"])

    def test_names_that_are_wrong(self):
        for verb in ("start", "stop", "restart"):
            ask = lambda name: self.mimird.admin("POST", f"v1/modules/{name}/{verb}", "{}")
            with self.subTest(verb=verb):
                self.assert_problem(ask("quierer"), 404, "module-unknown", '"quierer"', "querier")
                self.assert_problem(ask("quierer,ingster"), 404, "module-unknown", "querier", "ingester")
                self.assert_problem(ask("querier,nonsense"), 404, "module-unknown", "nonsense")
                self.assert_problem(ask("%2C"), 422, "module-none-named")
                self.assert_problem(ask(urllib.parse.quote("a\nb\"<script>")), 404, "module-unknown")
        self.assert_problem(self.mimird.admin("GET", "v1/modules/quierer"), 404, "module-unknown", "querier")
        ask = lambda target: self.mimird.admin("PUT", "v1/target", {"target": target})
        self.assert_problem(ask("ingster"), 422, "target-unknown", "ingster", "ingester")
        self.assert_problem(ask("api"), 422, "target-unknown", "api", "internal")
        self.assert_problem(ask("all,nonsense"), 422, "target-unknown", "nonsense")
        for empty in ("", ",", " "):
            self.assert_problem(ask(empty), 422, "target-unknown")
        self.assert_problem(self.mimird.admin("PUT", "v1/target"), 422, "target-unknown")
        self.assertEqual("all", self.get("v1/target")["target"])

    def test_what_others_need_is_stopped_with_them_only(self):
        answer = self.mimird.admin("POST", "v1/modules/runtime-config/stop", "{}")
        needing = ("ingester", "querier", "distributor", "query-frontend")
        problem = self.assert_problem(answer, 409, "module-needed", *needing)
        self.assertIn("cascade", " ".join(problem["next_steps"]))
        self.assertEqual("running", self.mimird.module("runtime-config")["state"])
        self.assert_done(self.change("POST", "v1/modules/runtime-config/stop", {"cascade": True}))
        states = {one["name"]: one["state"] for one in self.get("v1/modules")}
        self.assertEqual({"stopped"}, {states[name] for name in (*needing, "runtime-config")})
        self.assertEqual("running", states["admin"])

    def test_the_admin_api_cannot_be_stopped_through_itself(self):
        for verb in ("stop", "restart"):
            for body in ({}, {"cascade": True}):
                answer = self.mimird.admin("POST", f"v1/modules/admin/{verb}", body)
                self.assert_problem(answer, 409, "module-always-runs", "admin")

    def test_everything_else_can_be(self):
        self.assert_done(self.change("POST", "v1/modules/server/stop", {"cascade": True}))
        self.assertEqual(["admin"], [one["name"] for one in self.get("v1/modules") if one["state"] != "stopped"])
        with self.assertRaises(OSError):
            http("GET", self.mimird.url + "/ready")
        self.assertEqual("", self.get("v1/status")["http_address"])
        self.run_all()
        self.assertEqual(200, http("GET", self.mimird.url + "/ready").status)

    def test_operations_that_cannot_be_canceled(self):
        ended = self.change("POST", "v1/modules/querier/restart")["id"]
        cancel = lambda name: self.mimird.admin("POST", f"v1/operations/{name}/cancel")
        self.assert_problem(cancel(ended), 409, "operation-ended", ended, "done")
        for unknown in ("op-999999", "op-0", "op--1", "op-01", "nonsense", "99999999999999999999"):
            self.assert_problem(cancel(unknown), 404, "operation-unknown", unknown)
            self.assert_problem(self.mimird.admin("GET", f"v1/operations/{unknown}"), 404, "operation-unknown")
            self.assert_problem(self.mimird.admin("GET", f"v1/operations/{unknown}/watch"), 404, "operation-unknown")

    def test_one_that_waits_is_canceled_before_it_began(self):
        """Many are asked for at once: the last of them waits long enough."""
        ask = lambda verb: self.mimird.admin("POST", f"v1/modules/runtime-config/{verb}", "{}").json["operation"]["id"]
        begun = [ask("restart") for _ in range(6)]
        answer = self.mimird.admin("POST", f"v1/operations/{begun[-1]}/cancel")
        self.assertEqual(200, answer.status, answer.text)
        self.assertEqual("canceled", self.mimird.ended(begun[-1])["state"])
        self.assertEqual({"done"}, {self.mimird.ended(one)["state"] for one in begun[:-1]})
        self.assertIn((begun[-1], "canceled"), [(one["subject"], one["outcome"]) for one in self.get("v1/audit", limit=1000)])

    def test_two_at_once(self):
        """Two clients contradict each other for some seconds."""
        stop = time.monotonic() + 3
        answers = []

        def client(verb):
            connection = UnixConnection(self.mimird.socket)
            with contextlib.closing(connection):
                while time.monotonic() < stop:
                    connection.request("POST", f"/admin/v1/modules/querier/{verb}", "{}")
                    response = connection.getresponse()
                    answers.append((response.status, json.loads(response.read())))
        clients = [threading.Thread(target=client, args=(verb,)) for verb in ("start", "stop")]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
        # A full queue is the one refusal that there may be.
        self.assertLessEqual({status for status, _ in answers}, {200, 202, 429})
        begun = {body["operation"]["id"] for status, body in answers if status == 202}
        self.assertGreater(len(begun), 4)
        for one in begun:
            self.assert_done(self.mimird.ended(one))
        history = self.get("v1/operations", limit=1000)
        numbers = [int(one["id"].removeprefix("op-")) for one in history]
        self.assertEqual(sorted(numbers, reverse=True), numbers)
        ours = [one for one in history if one["id"] in begun]
        self.assertEqual(begun, {one["id"] for one in ours})
        for newer, older in zip(ours, ours[1:]):
            self.assertGreaterEqual(newer["started"], older["ended"])
        wanted = "running" if ours[0]["kind"] == "start" else "stopped"
        self.assertEqual(wanted, self.mimird.module("querier")["state"])


class HistoryTest(AdminTest):
    def test_a_watch_tells_each_version_until_the_end(self):
        begun = self.mimird.admin("POST", "v1/modules/runtime-config/restart", "{}").json["operation"]
        with Lines(self.mimird, f"v1/operations/{begun['id']}/watch") as lines:
            seen = list(lines)   # ends by itself
        versions = [one["version"] for one in seen]
        self.assertEqual(sorted(set(versions)), versions)
        self.assertEqual("done", seen[-1]["state"])
        self.assertEqual(self.mimird.ended(begun["id"]), seen[-1])
        last = versions[-1]
        for after, expected in ((0, [last]), (last - 1, [last]), (last, []), (last + 9, [])):
            with self.subTest(after=after), Lines(self.mimird, f"v1/operations/{begun['id']}/watch?after={after}") as lines:
                self.assertEqual(expected, [one["version"] for one in lines])

    def test_events_are_followed_from_where_one_stopped(self):
        cursor = self.get("v1/events")[-1]["cursor"]
        about = lambda subject, state: lambda one: one["subject"] == subject and state in one["message"]
        with Lines(self.mimird, "v1/events?follow=true") as lines:
            self.change("POST", "v1/modules/querier/stop")
            first = lines.until(about("querier", "has stopped"))
        self.change("POST", "v1/modules/querier/start")   # nobody follows
        with Lines(self.mimird, f"v1/events?follow=true&after={first[-1]['cursor']}") as lines:
            second = lines.until(about("querier", "is running"))
            self.change("POST", "v1/modules/querier/restart")
            second += lines.until(about("querier", "has stopped"))
        cursors = [one["cursor"] for one in first + second]
        self.assertGreater(cursors[0], cursor)   # from when it was asked on
        self.assertEqual(list(range(cursors[0], cursors[0] + len(cursors))), cursors)
        self.assertFalse([one for one in first + second if "missed" in one])

    def test_a_gap_in_the_events_is_said(self):
        oldest_kept = 1024
        cursor = self.get("v1/events")[-1]["cursor"]
        stop = cursor + oldest_kept + 50
        while self.get("v1/events", limit=1)[-1]["cursor"] < stop:
            self.change("POST", "v1/modules/runtime-config/restart")
        first = self.get("v1/events", after=cursor, limit=1)[0]
        self.assertGreater(first["missed"], 0)
        self.assertEqual(cursor + first["missed"] + 1, first["cursor"])
        with Lines(self.mimird, f"v1/events?follow=true&after={cursor}") as lines:
            told = next(iter(lines))
        self.assertGreaterEqual(told["missed"], first["missed"])
        # A cursor of before the restart.
        self.mimird.kill()
        self.mimird.start()
        new = self.get("v1/events", after=told["cursor"])
        self.assertGreater(new[0]["cursor"], told["cursor"])
        self.assertIn("missed", new[0])

    def test_events_come_in_pages(self):
        for _ in range(3):
            self.change("POST", "v1/modules/querier/restart")
        whole = self.get("v1/events", after=0, limit=1000)
        pages, cursor = [], 0
        while page := self.get("v1/events", after=cursor, limit=7):
            self.assertLessEqual(len(page), 7)
            pages += page
            cursor = page[-1]["cursor"]
        self.assertEqual([one["cursor"] for one in whole], [one["cursor"] for one in pages])
        self.assertEqual(whole[-5:], self.get("v1/events", limit=5))
        self.assertEqual([], self.get("v1/events", after=cursor))

    def test_the_audit_log_comes_in_pages(self):
        for _ in range(3):
            self.change("POST", "v1/modules/querier/restart")
        whole = self.get("v1/audit", limit=1000)
        pages, seq = [], 0
        while page := self.get("v1/audit", after=seq, limit=4):
            self.assertLessEqual(len(page), 4)
            pages += page
            seq = page[-1]["seq"]
        self.assertEqual(whole, pages)
        self.assertEqual(whole[-3:], self.get("v1/audit", limit=3))

    def test_who_did_what_is_written_before_and_after(self):
        seq = (self.get("v1/audit") or [{"seq": 0}])[-1]["seq"]
        revision = self.revision()
        begun = self.mimird.admin("POST", "v1/modules/querier/stop", {"cascade": True}).json["operation"]["id"]
        request = self.get("v1/audit", after=seq)[0]   # whether it has ended or not
        self.assertEqual(("stop", "querier", "requested", "unix", revision, 0), tuple(
            request[name] for name in ("action", "subject", "outcome", "via", "revision", "uid")))
        self.assertIn("cascade", request["detail"])
        done = self.mimird.ended(begun)
        outcome = wait_for("the outcome", lambda: [one for one in self.get("v1/audit", after=seq) if one.get("of") == request["seq"]])[0]
        self.assertEqual(("done", begun), (outcome["outcome"], outcome["subject"]))
        self.assertGreater(outcome["revision"], revision)
        self.assertLessEqual(request["time"], done["started"])
        self.assertIn(f"pid {request['pid']}", done["requested_by"])

    def test_smaller_changes_are_audited_too(self):
        level = lambda wanted: self.mimird.admin("PUT", "v1/log-level", {"level": wanted})
        seq = (self.get("v1/audit") or [{"seq": 0}])[-1]["seq"]
        self.assertEqual("debug", level("debug").json["level"])
        self.assertEqual("debug", self.get("v1/log-level")["level"])
        self.assertEqual("info", level("info").json["level"])
        self.assert_problem(level("loud"), 400, "request-malformed", "loud")
        entries = self.get("v1/audit", after=seq)
        outcomes = {one["of"]: one["outcome"] for one in entries if "of" in one}
        requests = [one for one in entries if "of" not in one]
        self.assertEqual(["debug", "info", "loud"], [one["subject"] for one in requests])
        self.assertEqual(["done", "done", "failed"], [outcomes.get(one["seq"]) for one in requests])

    def test_the_audit_log_is_a_chain(self):
        self.change("POST", "v1/modules/querier/restart")
        before, seq = bytes(32), 0

        def number(value):
            return int(value).to_bytes(8, "big")

        def text(value):
            return number(len(value.encode())) + value.encode()

        def optional(entry, name):
            return b"\1" + number(entry[name]) if name in entry else b"\0"

        def milliseconds(stamp):
            whole, _, fraction = stamp.rstrip("Z").partition(".")
            seconds = time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone
            return int(seconds) * 1000 + int((fraction + "000")[:3])
        while page := self.get("v1/audit", after=seq, limit=100):
            for entry in page:
                seq += 1
                self.assertEqual(seq, entry["seq"])
                before = hashlib.sha256(
                    before + number(seq) + number(milliseconds(entry["time"])) + text(entry["actor"])
                    + optional(entry, "uid") + optional(entry, "pid") + text(entry["via"]) + text(entry["action"])
                    + text(entry["subject"]) + text(entry["detail"]) + number(entry["revision"]) + text(entry["outcome"])
                    + optional(entry, "of")).digest()
                self.assertEqual(before.hex(), entry["hash"], entry)
        self.assertGreater(seq, 1)


class PublicPortTest(AdminTest):
    PUBLIC = ("status", "modules", "operations", "events")

    def call(self, method, path, body=None):
        return http(method, self.mimird.url + path, body)

    def test_anyone_may_look_and_nobody_change(self):
        page = self.call("GET", "/")
        self.assertEqual((200, "text/html; charset=utf-8"), (page.status, page.headers["Content-Type"]))
        self.assertIn("default-src 'none'", page.headers["Content-Security-Policy"])
        document = self.mimird.admin("GET", "v1/openapi.json").json
        before = self.revision()
        for path, methods in document["paths"].items():
            for method in METHODS:
                with self.subTest(path=path, method=method):
                    to = path.replace("{name}", "querier").replace("{id}", "op-1")
                    answer = self.call(method.upper(), to, None if method == "get" else b"{}")
                    if method == "get" and path.rsplit("/", 1)[1] in self.PUBLIC and path.count("/") == 3:
                        self.assertEqual(200, answer.status)
                    else:
                        self.assertIn(answer.status, (404, 405), answer.text[:200])
        self.assertEqual(before, self.revision())

    def test_they_see_the_same(self):
        for name in ("modules", "operations", "events"):
            self.assertEqual(self.get(f"v1/{name}"), self.call("GET", f"/admin/v1/{name}").json)
        same = lambda status: {name: status[name] for name in ("target", "revision", "pid", "ready")}
        self.assertEqual(same(self.get("v1/status")), same(self.call("GET", "/admin/v1/status").json))

    def test_the_page_can_be_left_out(self):
        with Mimird("-admin.public-page=false", "-target=querier") as mimird:
            for path in ("/", "/admin/v1/status"):
                self.assertEqual(404, http("GET", mimird.url + path).status)
            self.assertEqual(200, mimird.admin("GET", "v1/status").status)


class ShutdownTest(unittest.TestCase):
    def test_shutdown_is_asked_for_and_audited(self):
        with Mimird() as mimird:
            pid = mimird.admin("GET", "v1/status").json["pid"]
            self.assertEqual(mimird.process.pid, pid)
            answer = mimird.admin("POST", "v1/shutdown")
            self.assertEqual(200, answer.status, answer.text)
            self.assertEqual(["message"], list(answer.json))
            self.assertEqual(0, mimird.process.wait(20))
            self.assertFalse(mimird.socket.exists())
            mimird.start()
            entry = [one for one in mimird.admin("GET", "v1/audit").json if one["action"] == "shutdown"]
            self.assertEqual(("requested", "unix"), (entry[0]["outcome"], entry[0]["via"]))


if __name__ == "__main__":
    unittest.main()
