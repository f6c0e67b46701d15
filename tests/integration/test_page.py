"""The web page of a node, in a real browser: against a server that says what a daemon would say, and against mimird."""

import unittest

from support.fake_admin import FakeAdmin, ago, module, operation, step
from support.forwarder import Forwarder
from support.page import PageTest
from support.servers import Mimird, http, wait_for

HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>"\'&lt;'
# What the browser itself says of a server that is away; no script can keep it from that.
AWAY = ("net::ERR_", "503 (Service Unavailable)")


def monolith():
    return [
        module("server", always=True, targetable=False, in_all=False),
        module("api", "server", always=True, targetable=False, in_all=False, routes=["/ready", "/metrics"]),
        module("runtime-config", "api", targetable=False),
        module("ingester", "api", "runtime-config", wanted=True, routes=["/ingester/flush"]),
        module("querier", "api", "runtime-config", wanted=True),
        module("distributor", "api", "runtime-config", wanted=True, routes=["/api/v1/push"]),
        module("query-frontend", "api", "runtime-config", wanted=True,
               routes=["/prometheus/api/v1/labels", "/prometheus/api/v1/label/{name}/values"]),
        module("flusher", "runtime-config", state="stopped", in_all=False),
    ]


class PageOfNodeTest(PageTest):
    def setUp(self):
        self.admin = self.enterContext(FakeAdmin(monolith()))

    def open_live(self):
        self.open(self.admin.url)
        self.see("the stream is open", lambda: self.text("#feed") == "live")

    def fail_module(self, name, error):
        self.admin.find(name).update(state="failed", error=error, since=ago(), restarts=2)
        self.admin.event(name, f"failed: {error}", "error")

    def test_node_and_modules_are_shown(self):
        self.open_live()
        wanted = {one["name"]: one["state"] for one in self.admin.modules}
        self.assertEqual(wanted, self.states())
        self.assertEqual(wanted, {name: node["state"] for name, node in self.drawn().items()})
        facts = self.text("#facts")
        for text in ("0.1.0", "4d69245", "monolithic", "41.0 MiB", "4711", "12", "/etc/mimird/mimird.yaml"):
            self.assertIn(text, facts)
        self.assertEqual("ready", self.text("#health"))
        self.assertEqual("ready · mimird", self.browser.run("return document.title"))
        self.assertIn("api, runtime-config", self.row("ingester"))
        self.assertEqual("", self.text("#problems"))
        self.assert_quiet()

    def test_dependencies_are_drawn_to_the_left(self):
        self.open_live()
        drawn = self.drawn()
        for one in self.admin.modules:
            for dependency in one["dependencies"]:
                self.assertLess(drawn[dependency]["right"], drawn[one["name"]]["left"])

    def test_a_failure_appears_at_once_with_its_error(self):
        self.open_live()
        self.fail_module("ingester", "replaying segment 00000012: bad checksum")
        self.see("the failure", lambda: self.states()["ingester"] == "failed", seconds=2)
        self.assertEqual("failed", self.drawn()["ingester"]["state"])
        for place in ("#problems", "#modules", "#events", "#announcements"):
            self.assertIn("bad checksum", self.text(place), place)
        self.assertIn("2 times", self.text("#problems"))
        self.assertIn("1 failed", self.text("#summary"))
        self.admin.find("ingester").update(state="running", error="", restarts=0)
        self.admin.event("ingester", "running")
        self.see("the recovery", lambda: self.states()["ingester"] == "running", seconds=2)
        self.assertEqual("", self.text("#problems"))
        self.assert_quiet()

    def test_why_the_node_is_not_ready(self):
        self.admin.status.update(ready=False, not_ready=["querier is starting"], journal="disk full")
        self.open_live()
        self.assertEqual("not ready", self.text("#health"))
        self.assertIn("querier is starting", self.text("#problems"))
        self.assertIn("disk full", self.text("#problems"))

    def test_steps_of_an_operation_advance(self):
        self.open_live()
        self.assertTrue(self.browser.run("return !document.getElementById('operations-none').hidden"))
        steps = [step("start", "querier", "running", gate="the module runs"), step("store-target", "all")]
        self.admin.operations = [operation(18, "running", "set target to all", steps, started=ago())]
        self.admin.event("op-18", "running")
        self.see("the first step", lambda: "until the module runs" in self.text(".steps .running"), seconds=4)
        self.assertIn("0 of 2 steps", self.text("#operations summary"))
        self.assertIn("store-target all planned", self.text(".steps .planned").replace("\n", " "))
        steps[0].update(state="done", started=ago(0.2), ended=ago())
        steps[1].update(state="running")
        self.admin.event("op-18", "querier runs")
        self.see("the second step", lambda: "store-target" in self.text(".steps .running"), seconds=4)
        self.assertIn("1 of 2 steps", self.text("#operations summary"))
        steps[1].update(state="failed", error="disk full")
        steps[0].update(state="undone")
        self.admin.operations[0].update(state="failed", ended=ago(), error="the target could not be stored")
        self.admin.event("op-18", "failed", "error")
        self.see("the end", lambda: "could not be stored" in self.text("#operations"), seconds=4)
        self.assertIn("disk full", self.text(".steps .failed"))
        self.assertIn("start querier", self.text(".steps .undone"))
        self.assert_quiet()

    def test_what_a_user_folded_stays_folded(self):
        self.admin.operations = [operation(1, "running", "start querier", [step("start", "querier", "running")])]
        self.open_live()
        self.browser.run("document.querySelector('#operations summary').click()")
        self.admin.operations[0].update(state="done", note="all is well")
        self.admin.event("op-1", "done")
        self.see("the end", lambda: "done" in self.text("#operations summary"), seconds=4)
        self.assertNotIn("all is well", self.text("#operations"))

    def test_a_burst_of_events_is_few_requests(self):
        self.open_live()
        before = len(self.admin.requests)
        for n in range(200):
            self.admin.event("querier", f"event {n}")
        self.see("the last event", lambda: "event 199" in self.text("#events"), seconds=3)
        self.see("a refresh", lambda: self.admin.requests[before:].count("/admin/v1/modules") > 0, seconds=4)
        self.assertLessEqual(self.admin.requests[before:].count("/admin/v1/modules"), 8)
        self.assertEqual(200, self.browser.run("return document.getElementById('events').children.length"))
        self.admin.event("querier", "one more", missed=7)
        self.see("the event after", lambda: "one more" in self.text("#events"), seconds=4)
        self.assertEqual(200, self.browser.run("return document.getElementById('events').children.length"))
        self.assertIn("7 events before this one are no longer kept", self.text("#events"))

    def test_the_daemon_goes_away_and_comes_back(self):
        self.admin.event("querier", "before")
        self.open_live()
        self.admin.stop()
        self.see("that it is away", lambda: "cannot be reached" in self.text("#away"), seconds=3)
        self.assertEqual("away", self.text("#health"))
        self.assertEqual("running", self.states()["querier"])   # what was known stays to be read
        self.assertIn("else in", self.text("#retry"))
        self.admin.find("querier").update(state="stopped")
        self.admin.start()
        self.browser.run("document.getElementById('retry').click()")
        self.see("that it is back", lambda: self.states()["querier"] == "stopped", seconds=3)
        self.see("the stream", lambda: self.text("#feed") == "live", seconds=5)
        self.assertEqual("", self.text("#away"))
        self.admin.event("querier", "after")
        self.see("events go on", lambda: "after" in self.text("#events"), seconds=4)
        self.assertIn("before", self.text("#events"))
        self.assert_quiet(*AWAY)

    def test_it_comes_back_by_itself(self):
        self.open_live()
        self.admin.stop()
        self.see("that it is away", lambda: self.text("#health") == "away", seconds=3)
        self.admin.start()
        self.see("that it is back", lambda: self.text("#health") == "ready", seconds=8)
        self.assert_quiet(*AWAY)

    def test_without_a_stream_it_polls(self):
        self.admin.streams = False
        self.open(self.admin.url)
        self.see("that it polls", lambda: self.text("#feed") == "every 5 s")
        self.fail_module("ingester", "no space left")
        self.see("the failure", lambda: "no space left" in self.text("#problems"), seconds=8)
        self.assertIn("no space left", self.text("#events"))
        self.admin.streams = True
        self.see("the stream", lambda: self.text("#feed") == "live", seconds=20)
        self.assert_quiet(*AWAY)

    def test_hostile_text_stays_text(self):
        hostile = module(HOSTILE, "api", state="failed", restarts=1, error=HOSTILE, routes=["//evil.example/ready", HOSTILE])
        self.admin.modules.append(hostile)
        self.admin.status.update(target=HOSTILE, version=HOSTILE, not_ready=[HOSTILE])
        self.admin.operations = [operation(
            1, "failed", HOSTILE, [step(HOSTILE, HOSTILE, "failed", error=HOSTILE)], error=HOSTILE, note=HOSTILE,
            warnings=[HOSTILE], requested_by=HOSTILE)]
        self.admin.event(HOSTILE, HOSTILE, "error", operation=HOSTILE)
        self.open_live()
        for place in ("#facts", "#problems", "#modules", "#operations", "#events", "#endpoints", "#summary"):
            self.assertIn(HOSTILE, self.text(place), place)
        self.assertIn(HOSTILE, self.browser.run("return [...document.querySelectorAll('#graph a')].at(-1).ariaLabel"))
        self.assertEqual(0, self.browser.run("return document.querySelectorAll('img, main script').length"))
        self.assertNotIn("owned", self.browser.run("return document.title"))
        links = self.browser.run("return [...document.querySelectorAll('#endpoints a')].map((a) => a.host)")
        self.assertEqual({"127.0.0.1:8080"}, set(links))
        self.assert_quiet()

    def test_thirty_modules_do_not_overlap(self):
        names = [one["name"] for one in self.admin.modules]
        for n in range(30 - len(names)):
            needs = {names[n % len(names)], names[(n * 7 + 3) % len(names)]}
            names.append(f"component-number-{n}")
            self.admin.modules.append(module(names[-1], *sorted(needs)))
        self.open_live()
        boxes = list(self.drawn().items())
        self.assertEqual(30, len(boxes))
        for index, (name, a) in enumerate(boxes):
            for other, b in boxes[:index]:
                apart = a["right"] < b["left"] or b["right"] < a["left"] or a["bottom"] < b["top"] or b["bottom"] < a["top"]
                self.assertTrue(apart, f"{name} lies on {other}")

    def test_the_page_never_scrolls_sideways(self):
        self.admin.modules += [module(f"component-number-{n}", f"component-number-{n - 1}") for n in range(1, 20)]
        self.admin.find("ingester").update(state="failed", restarts=3, next_restart=ago(-60), error=f"bad path /{'x' * 300}")
        self.admin.status.update(target=",".join(one["name"] for one in self.admin.modules))
        self.admin.operations = [operation(1, "failed", "start " * 50, [step("start", "y" * 200, "failed", error="z" * 300)])]
        self.admin.event("ingester", "w" * 300, "error")
        self.open_live()
        for width in (320, 400, 720, 959, 960, 1079, 1080, 1400, 2200):
            self.browser.resize(width, 900)
            self.assertLessEqual(self.browser.run("return document.documentElement.scrollWidth"), width)

    def test_dependencies_in_a_circle_and_unknown_ones_are_drawn(self):
        self.admin.modules += [module("hen", "egg"), module("egg", "hen"), module("orphan", "nobody")]
        self.open_live()
        self.assertLessEqual({"hen", "egg", "orphan"}, set(self.drawn()))
        self.assert_quiet()

    def test_links_lead_to_the_public_port(self):
        self.open_live()
        links = "return [...document.querySelectorAll('#endpoints a')].map((a) => a.href)"
        public = "http://127.0.0.1:8080"
        self.assertEqual([f"{public}/metrics", f"{public}/ready", f"{public}/prometheus/api/v1/labels"], self.browser.run(links))
        self.assertIn("/prometheus/api/v1/label/{name}/values", self.text("#endpoints"))
        self.admin.status["http_address"] = f"0.0.0.0:{self.admin.port}"
        self.admin.event("server", "listens elsewhere")
        here = self.admin.url + "metrics"
        self.see("links to this port", lambda: self.browser.run(links)[0] == here, seconds=4)

    def test_the_keyboard_reaches_modules_and_table(self):
        self.open_live()
        focus = "return document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText"
        self.browser.press("Tab")
        self.assertEqual("Skip to the table of modules", self.browser.run(focus))
        self.browser.press("Tab")
        self.assertEqual("server: running, needs nothing", self.browser.run(focus))
        for _ in range(3):
            self.browser.press("Tab")
        self.assertEqual("ingester: running, needs api, runtime-config", self.browser.run(focus))
        dimmed = "return [...document.querySelectorAll('#graph a.dim')].map((a) => a.dataset.name)"
        self.assertEqual(["querier", "distributor", "query-frontend", "flusher"], self.browser.run(dimmed))
        self.fail_module("querier", "broken")   # what changes does not take the focus away
        self.see("the failure", lambda: self.states()["querier"] == "failed", seconds=4)
        self.assertEqual("ingester: running, needs api, runtime-config", self.browser.run(focus))
        self.browser.run("document.activeElement.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))")
        wait_for("the row", lambda: self.browser.run("return document.querySelector('tr:target')?.id") == "module-ingester", 2)


class PageOfMimirdTest(PageTest):
    """Each test on the public port, and on the admin API's socket as a browser gets there through a tunnel."""

    def setUp(self):
        self.mimird = self.enterContext(Mimird())
        self.pages = [self.mimird.url + "/", self.enterContext(Forwarder(self.mimird.socket)).url]

    def open_live(self, url):
        self.open(url)
        self.see("the stream is open", lambda: self.text("#feed") == "live")

    def told(self):
        return {one["name"]: one["state"] for one in self.mimird.admin("GET", "v1/modules").json}

    def test_it_shows_what_runs(self):
        for url in self.pages:
            with self.subTest(url):
                self.open_live(url)
                self.assertIn("default-src 'none'", http("GET", url).headers["Content-Security-Policy"])
                self.assertEqual(self.told(), self.states())
                self.assertEqual("running", self.states()["ingester"])
                self.assertEqual(self.told(), {name: node["state"] for name, node in self.drawn().items()})
                self.assertEqual("ready", self.text("#health"))
                for text in (str(self.mimird.process.pid), "monolithic", str(self.mimird.state)):
                    self.assertIn(text, self.text("#facts"))
                self.assertIn("/api/v1/push", self.text("#endpoints"))
                self.assertEqual("", self.text("#problems"))
                self.assert_quiet()

    def test_a_stop_and_a_start_appear_at_once(self):
        for url in self.pages:
            with self.subTest(url):
                self.open_live(url)
                self.assertEqual("done", self.mimird.change("POST", "v1/modules/querier/stop")["state"])
                self.see("the stop", lambda: self.states()["querier"] == "stopped", seconds=2)
                self.assertEqual("stopped", self.drawn()["querier"]["state"])
                self.see("the event", lambda: "querier has stopped" in self.text("#events"), seconds=2)
                self.assertEqual("done", self.mimird.change("POST", "v1/modules/querier/start")["state"])
                self.see("the start", lambda: self.states()["querier"] == "running", seconds=2)
                self.assert_quiet()

    def test_operations_and_events_appear_as_they_happen(self):
        for url in self.pages:
            with self.subTest(url):
                self.open_live(url)
                for target in ("ingester,distributor", "all"):
                    operation = self.mimird.change("PUT", "v1/target", {"target": target})
                    self.assertEqual("done", operation["state"])
                    self.see("the operation", lambda: f"set-target {target}" in self.text("#operations"), seconds=2)
                    self.see("its end", lambda: self.text("#operations summary").splitlines()[0] == "done", seconds=2)
                    self.see("its events", lambda: operation["id"] in self.text("#events"), seconds=2)
                    self.see("the target", lambda: target.replace(",", ", ") in self.text("#facts"), seconds=2)
                    self.assertIn("by set-target", self.text("#facts"))
                    self.assertEqual(self.told(), self.states())
                self.assert_quiet()

    def test_a_restart_of_mimird(self):
        for url in self.pages:
            with self.subTest(url):
                self.open_live(url)
                before = self.mimird.process.pid
                self.mimird.kill()
                self.see("that it is away", lambda: self.text("#health") == "away", seconds=4)
                self.mimird.start()
                self.assertNotEqual(before, self.mimird.process.pid)
                self.see("that it is back", lambda: str(self.mimird.process.pid) in self.text("#facts"), seconds=15)
                self.see("the stream", lambda: self.text("#feed") == "live", seconds=5)
                self.assertEqual("ready", self.text("#health"))
                self.assert_quiet(*AWAY)

    def test_nothing_can_be_changed_on_the_public_port(self):
        public = self.mimird.url
        before = self.mimird.admin("GET", "v1/status").json["revision"]
        self.open_live(public + "/")
        self.assertEqual([], self.browser.run("return [...document.querySelectorAll('form, input')].map((e) => e.outerHTML)"))
        paths = self.mimird.admin("GET", "v1/openapi.json").json["paths"]
        changes = [(method.upper(), path) for path, methods in paths.items() for method in methods if method != "get"]
        self.assertLess(5, len(changes))
        for method, path in changes:
            path = path.replace("{name}", "querier").replace("{id}", "op-1")
            answer = http(method, public + path, b'{"target": "ingester"}', {"Content-Type": "application/json"})
            self.assertIn(answer.status, (404, 405), f"{method} {path}: {answer.text}")
        for path in ("config", "audit", "doctor", "log-level"):   # is not for everybody either
            self.assertEqual(404, http("GET", f"{public}/admin/v1/{path}").status, path)
        self.assertEqual(before, self.mimird.admin("GET", "v1/status").json["revision"])
        self.assertEqual([], self.mimird.admin("GET", "v1/operations").json)
        self.assert_quiet()


if __name__ == "__main__":
    unittest.main()
