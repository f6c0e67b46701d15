"""Constant light load on several processes at once: what was acknowledged, what failed where and when, how long it took."""

import collections
import contextlib
import http.client
import json
import threading
import time
import urllib.parse

from support.load import Failure, value_of
from support.remote_write import request, series
from support.servers import wait_for

METRIC = "fault"
STEP_MS = 1000
BACK_S = 1_800   # samples begin so long ago, and go on in steps of their own
SPAN_S = 1_800   # and will have ended so much later
SERIES_A_WRITER = 35

Outcome = collections.namedtuple("Outcome", "kind host begin seconds failure")


def of_writer(outcome):
    return outcome.kind == "write"


def of_reader(outcome):
    return outcome.kind == "read"


class Worker(threading.Thread):
    """Asks one host again and again over a connection that it keeps."""

    def __init__(self, load, host):
        super().__init__(daemon=True)
        self.load, self.host = load, host
        self.error = None
        self.connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=20)

    def run(self):
        try:
            while not self.done():
                self.once()
                time.sleep(self.load.pause)
        except Exception as error:   # said by ClusterLoad.stop()
            self.error = error
        finally:
            self.connection.close()

    def done(self):
        return self.load.over

    def ask(self, kind, method, path, body=None, headers=None, judge=None):
        """The text of a good answer, else None; either way the outcome is noted. judge says what is wrong with a text."""
        begin = time.monotonic()
        failure, text = None, ""
        try:
            self.connection.request(method, path, body, headers or {})
            response = self.connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            if response.status // 100 != 2:
                failure = Failure(response.status, response.headers, text)
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            failure = Failure(0, {}, repr(error))
        wrong = judge(text) if judge and not failure else None
        if wrong:
            failure = Failure(200, {}, wrong)
        self.load.note(Outcome(kind, self.host, begin, time.monotonic() - begin, failure))
        return None if failure else text


class Writer(Worker):
    """One time after another; a request is sent again after 5xx and broken connections, as Prometheus does, until it is taken."""

    def __init__(self, load, host, number):
        super().__init__(load, host)
        self.number = number
        self.next_time = load.start_ms
        self.acknowledged = []
        self.pending = None

    def done(self):
        return self.load.over and (self.pending is None or time.monotonic() > self.load.give_up)

    def once(self):
        time_ms = self.next_time
        self.pending = self.pending or request(*(
            series({"__name__": METRIC, "writer": str(self.number), "series": str(index)},
                   [(time_ms, value_of(time_ms, index))]) for index in range(SERIES_A_WRITER)))
        answer = self.ask("write", "POST", "/api/v1/push", self.pending, {
            "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0"})
        if answer is None:
            refused = self.load.last_status(self)
            if refused // 100 == 4:
                raise AssertionError(f"{self.host.name} refused samples that are right: {self.load.last[self]}")
            return
        self.acknowledged.append(time_ms)
        self.next_time += STEP_MS
        self.pending = None


class Reader(Worker):
    """Range queries that count all samples: at least what was acknowledged before the query, at most one round more."""

    def once(self):
        before = {str(writer.number): len(writer.acknowledged) for writer in self.load.writers}
        end = self.load.end_s
        query = urllib.parse.urlencode({
            "query": f"sum by (writer) (count_over_time({METRIC}[1h]))", "start": end - 20, "end": end, "step": 10})

        def judge(text):
            counts = {one["metric"]["writer"]: int(float(one["values"][-1][1]))
                      for one in json.loads(text)["data"]["result"]}
            after = {str(writer.number): len(writer.acknowledged) + 1 for writer in self.load.writers}
            for number, least in before.items():
                found = counts.get(number, 0)
                if not least * SERIES_A_WRITER <= found <= after[number] * SERIES_A_WRITER:
                    return (f"writer {number}: {found} samples, not {least * SERIES_A_WRITER} "
                            f"to {after[number] * SERIES_A_WRITER}")
            return None
        self.ask("read", "GET", f"/prometheus/api/v1/query_range?{query}", judge=judge)


class Period:
    """The requests that began between its begin and its end."""

    def __init__(self, load):
        self.load = load
        self.begin, self.end = time.monotonic(), None

    def outcomes(self, *hosts):
        """Of all hosts, or of those given."""
        end = self.end or time.monotonic()
        return [one for one in self.load.all() if self.begin <= one.begin < end and (not hosts or one.host in hosts)]

    def failures(self, *hosts):
        return [one for one in self.outcomes(*hosts) if one.failure]

    def slowest(self, *hosts):
        return max(one.seconds for one in self.outcomes(*hosts))


class ClusterLoad:
    """Writers and a reader on each of the hosts. Use as a context manager; with it ends the load."""

    def __init__(self, hosts, writers=2, readers=1, pause=0.5, back_s=BACK_S):
        self.hosts, self.pause = hosts, pause
        self.over, self.give_up = False, None
        self.lock = threading.Lock()
        self.outcomes = []
        self.last = {}
        start_s = int(time.time()) - back_s
        self.start_ms, self.end_s = start_s * 1000, start_s + SPAN_S
        self.writers = [Writer(self, host, at * writers + i) for at, host in enumerate(hosts) for i in range(writers)]
        self.readers = [Reader(self, host) for host in hosts for _ in range(readers)]

    def __enter__(self):
        for worker in self.writers + self.readers:
            worker.start()
        return self

    def __exit__(self, kind, *_):
        self.over, self.give_up = True, time.monotonic() + (0 if kind else 20)
        for worker in self.writers + self.readers:
            worker.join(45)
        if not kind:
            for worker in self.writers + self.readers:
                if worker.error:
                    raise worker.error
            behind = [writer.host.name for writer in self.writers if writer.pending]
            assert not behind, f"not taken at the end by {behind}"

    def note(self, outcome):
        with self.lock:
            self.outcomes.append(outcome)
            self.last[threading.current_thread()] = outcome.failure

    def last_status(self, worker):
        return self.last[worker].status

    def all(self):
        with self.lock:
            return list(self.outcomes)

    @contextlib.contextmanager
    def period(self, rounds=0):
        """What happens inside of it; it ends once each worker has begun at least so many requests that have ended."""
        period = Period(self)
        yield period
        if rounds:
            self.await_rounds(period, rounds)
        period.end = time.monotonic()
        self.await_ended(period.end)

    def await_rounds(self, period, rounds):
        workers = {"write": len(self.writers) // len(self.hosts), "read": len(self.readers) // len(self.hosts)}

        def enough():
            seen = collections.Counter((one.kind, one.host) for one in period.outcomes())
            return all(seen[kind, host] >= rounds * count for kind, count in workers.items() for host in self.hosts)
        wait_for(f"{rounds} requests of each worker", enough, 60)

    def await_ended(self, moment):
        """Until whatever began before the moment has ended: each worker has noted something that began after it."""
        later = Period(self)
        later.begin = moment
        self.await_rounds(later, 1)

    def await_good(self, seconds=10):
        """Until nobody fails: the newest requests of each kind through each host were good ones. Returns how long it took."""
        since = Period(self)

        def good():
            newest = {(one.kind, one.host): one for one in since.outcomes()}
            return len(newest) == 2 * len(self.hosts) and not any(one.failure for one in newest.values())
        try:
            wait_for("all requests good again", good, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {brief(since.failures())}") from None
        return time.monotonic() - since.begin

    def check_complete(self):
        """Through each host, every acknowledged sample is there once with its value, and no other. Returns how many. After the end."""
        for host in self.hosts:
            total = 0
            found = host.result("query", query=f"{METRIC}[1h]", time=self.end_s)["result"]
            assert len(found) == len(self.writers) * SERIES_A_WRITER, f"{host.name}: {len(found)} series"
            for one in found:
                writer = self.writers[int(one["metric"]["writer"])]
                index = int(one["metric"]["series"])
                place = f"through {host.name}: writer {writer.number} series {index}"
                samples = [(round(at * 1000), float(value)) for at, value in one["values"]]
                right = [(at, value_of(at, index)) for at in writer.acknowledged]
                assert samples == right, f"{place}: {difference(samples, right)}"
                total += len(samples)
        return total


def difference(found, right):
    missing = sorted(set(right) - set(found))
    extra = sorted(set(found) - set(right))
    return f"{len(found)} samples of {len(right)}, missing {missing[:5]}, not asked for {extra[:5]}"


def brief(outcomes):
    """The first of them as text for a message."""
    return f"{len(outcomes)} of them: " + "; ".join(
        f"{one.kind} through {one.host.name}: {one.failure} after {one.seconds:.2f} s" for one in outcomes[:6])
