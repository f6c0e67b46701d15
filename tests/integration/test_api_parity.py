"""One suite of requests to the public API, asked of a monolith and of microservices on one host with the same data: the answers are
the same. Every route that the monolith serves must have a case here."""

import json
import re
import time
import unittest

from support import api_cases
from support.api_cases import Compare
from support.cluster import CONFIGS, Cluster, Member, one_host
from support.servers import http, wait_for

# Of the time, and of the connection.
NOT_COMPARED = {"date", "connection", "content-length", "server-timing"}


def shape(value):
    """The keys and types of a JSON value; of a list, the different shapes in it."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(shape(one), sort_keys=True) for one in value})
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def keys(text):
    return [match[1] for match in re.finditer(r"^( *[\w-]+):", text, re.MULTILINE)]


def ordered(case):
    """Whether the order of an instant query's series is promised."""
    return any(word in case.path for word in ("topk", "sort"))


def comparable(case, answer):
    headers = sorted((name.lower(), value) for name, value in answer.headers.items() if name.lower() not in NOT_COMPARED)
    # It is a random one, so that senders do not come back all at once.
    headers = [(name, "some" if name == "retry-after" else value) for name, value in headers]
    body = answer.body
    if case.compare is not Compare.BODY:
        # Whether it may be compressed depends on its size.
        headers = [(name, value) for name, value in headers if name != "vary"]
    if case.compare is Compare.SHAPE:
        body = shape(answer.json)
    elif case.compare is Compare.BODY and b'"resultType":"vector"' in body and not ordered(case):
        body = {**answer.json, "data": sorted(map(json.dumps, answer.json["data"]["result"]))}
    elif case.compare is Compare.KEYS:
        body = keys(answer.text)
    elif case.compare is Compare.HEAD:
        body = None
    return {"status": answer.status, "headers": headers, "body": body}


class ApiParity(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        single = Cluster()
        limits = single.folder / "runtime.yaml"
        limits.write_text(api_cases.RUNTIME_CONFIG)
        flags = [f"-runtime-config.file={limits}", "-ingester.max-global-exemplars-per-user=1000"]
        single.add(Member(CONFIGS / "microservices-one-host.yaml", "all", *flags, folder=single.folder))
        spread = one_host(*flags)
        for member in single.members + spread.members:
            member.one_tenant = False
        cls.monolith = cls.enterClassContext(single).members[0]
        cls.gateway = cls.enterClassContext(spread).members[0]
        cls.routes = {
            route for module in cls.monolith.ctl_json("modules") for route in module["routes"]
            if not route.startswith(("/internal/", "/admin/"))}
        now = int(time.time())
        start = (now - 60 - api_cases.SPAN_S) // 60 * 60
        cls.pushed = api_cases.pushes(start, now)
        cls.asked = api_cases.queries(start, now) + api_cases.lookups(start, now)
        cls.reads = api_cases.reads(start)
        cls.pages = api_cases.of_the_process()
        cls.last = api_cases.of_the_ingester()
        for path in ("/api/v1/push", api_cases.PROMETHEUS + "/labels"):
            wait_for(f"the gateway knows who serves {path}", lambda path=path: cls.gateway_reaches(path))

    @classmethod
    def gateway_reaches(cls, path):
        return http("HEAD", cls.gateway.url + path, headers=api_cases.NOBODY).status != 503

    def same_answers(self, cases):
        for case in cases:
            with self.subTest(case=str(case)):
                ours, theirs = (
                    comparable(case, http(case.method, server.url + case.path, case.body, case.headers))
                    for server in (self.monolith, self.gateway))
                self.assertEqual(ours, theirs)

    def test_1_every_route_has_a_case(self):
        covered = {case.route.split("?")[0] for case in self.pushed + self.asked + self.reads + self.pages + self.last}
        self.assertEqual(sorted(self.routes), sorted(covered))

    def test_2_writes(self):
        self.same_answers(self.pushed)

    def test_3_queries_and_lookups(self):
        self.same_answers(self.asked)

    def test_4_the_queries_have_something_to_find(self):
        found = [http(case.method, self.monolith.url + case.path, case.body, case.headers) for case in self.asked]
        with_data = [answer for answer in found if answer.status == 200 and len(answer.body) > 200]
        self.assertGreater(len(with_data), 50)

    def test_5_pages(self):
        self.same_answers(self.pages)

    def test_6_unknown_paths_and_wrong_methods(self):
        self.same_answers(api_cases.unknown_paths() + api_cases.wrong_methods(sorted(self.routes)))

    def test_7_remote_read(self):
        self.same_answers(self.reads)

    def test_8_the_ingester(self):
        self.same_answers(self.last)


if __name__ == "__main__":
    unittest.main()
