"""Constant load on a daemon: writers that remember what was acknowledged, readers, and phases that say what became of each request."""

import contextlib
import http.client
import os
import pathlib
import subprocess
import threading
import time

from support.remote_write import request, series
from support.servers import BIN

# Flags of a daemon that takes whatever comes.
UNLIMITED = (
    "-distributor.ingestion-rate-limit=100000000",
    "-distributor.ingestion-burst-size=100000000",
    "-ingester.max-global-series-per-user=0",
)

SERIES_A_WRITER = 100
INTERVAL_MS = 10
METRIC = "live"


def value_of(time_ms, index):
    return float(time_ms * 7 % 1_000_003 + index)


class Failure:
    """An answer that was not a good one; status 0 when the connection broke."""

    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    def __repr__(self):
        return f"{self.status} {self.text[:200]!r}"


class Phase:
    """What became of the requests that began between its begin and its end."""

    def __init__(self, name):
        self.name = name
        self.writes = self.reads = 0   # that ended
        self.failed_writes, self.failed_reads = [], []
        self.in_flight = 0


class Worker(threading.Thread):
    """Asks again and again, over a connection that it keeps, as senders do."""

    def __init__(self, load):
        super().__init__(daemon=True)
        self.load = load
        self.error = None
        self.connection = http.client.HTTPConnection("127.0.0.1", load.mimird.port, timeout=30)

    def run(self):
        try:
            while not self.load.over:
                self.once()
                time.sleep(self.load.pause)
        except Exception as error:   # said by Load.stop()
            self.error = error
        finally:
            self.connection.close()

    def ask(self, method, path, body=None, headers=None):
        """(status, text) of a good answer, or a Failure."""
        try:
            self.connection.request(method, path, body, headers or {})
            response = self.connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            return Failure(0, {}, repr(error))
        if response.status // 100 == 2:
            return text
        return Failure(response.status, response.headers, text)


class Writer(Worker):
    """A sample of each of its series, one time after another; what fails is sent again."""

    def __init__(self, load, number, start_ms):
        super().__init__(load)
        self.number, self.next_time = number, start_ms
        self.acknowledged = []   # times in ms
        self.unknown = set()     # times that may have arrived though nobody said so

    def once(self):
        time_ms = self.next_time
        body = request(*(
            series({"__name__": METRIC, "writer": str(self.number), "series": str(index)},
                   [(time_ms, value_of(time_ms, index))]) for index in range(SERIES_A_WRITER)))
        with self.load.request("writes") as phase:
            answer = self.ask("POST", "/api/v1/push", body, {
                "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                "X-Prometheus-Remote-Write-Version": "0.1.0"})
            if isinstance(answer, Failure):
                phase.failed_writes.append(answer)
                if answer.status == 0:
                    self.unknown.add(time_ms)
                return
        self.acknowledged.append(time_ms)
        self.next_time += INTERVAL_MS


class Reader(Worker):
    """Counts the series at the newest time that is acknowledged."""

    def once(self):
        newest = self.load.newest()
        if newest is None:
            return
        with self.load.request("reads") as phase:
            path = f"/prometheus/api/v1/query?query=count({METRIC})&time={newest / 1000}"
            answer = self.ask("GET", path)
            if isinstance(answer, str) and f'"{self.load.series}"' not in answer:
                answer = Failure(200, {}, "wrong answer: " + answer)
            if isinstance(answer, Failure):
                phase.failed_reads.append(answer)


class Load:
    """Use as a context manager; with it ends the load."""

    def __init__(self, mimird, writers=2, readers=1, pause=0.005):
        self.mimird, self.pause = mimird, pause
        self.over = False
        self.lock = threading.Condition()
        self.current = Phase("begin")
        self.start_ms = int(time.time() * 1000) - 1_800_000
        self.series = writers * SERIES_A_WRITER
        self.writers = [Writer(self, number, self.start_ms) for number in range(writers)]
        self.readers = [Reader(self) for _ in range(readers)]

    def __enter__(self):
        for worker in self.writers + self.readers:
            worker.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.over = True
        for worker in self.writers + self.readers:
            worker.join(60)
            if worker.error:
                raise worker.error

    def newest(self):
        """The newest time that all writers have had acknowledged."""
        if not all(writer.acknowledged for writer in self.writers):
            return None
        return min(writer.acknowledged[-1] for writer in self.writers)

    @contextlib.contextmanager
    def request(self, kind):
        with self.lock:
            phase = self.current
            phase.in_flight += 1
        try:
            yield phase
        finally:
            with self.lock:
                phase.in_flight -= 1
                setattr(phase, kind, getattr(phase, kind) + 1)
                self.lock.notify_all()

    @contextlib.contextmanager
    def phase(self, name, writes=20, reads=10):
        """What happens inside of it is seen by at least so many requests of each kind, all of which have ended after it."""
        phase = Phase(name)
        with self.lock:
            self.current = phase
        yield phase
        with self.lock:
            enough = self.lock.wait_for(lambda: phase.writes >= writes and phase.reads >= reads, 60)
            self.current = Phase(f"after {name}")
            ended = self.lock.wait_for(lambda: phase.in_flight == 0, 60)
        assert enough and ended, f"{name}: {phase.writes} writes, {phase.reads} reads, {phase.in_flight} under way"

    def check_nothing_lost(self):
        """Every acknowledged sample is there once with its value, and no other. Returns how many. After stop()."""
        total = 0
        for writer in self.writers:
            window = writer.next_time - self.start_ms + 2 * INTERVAL_MS
            found = self.mimird.result(
                "query", query=f'{METRIC}{{writer="{writer.number}"}}[{window}ms]', time=writer.next_time / 1000)["result"]
            assert len(found) == SERIES_A_WRITER, f"writer {writer.number}: {len(found)} series"
            acknowledged = set(writer.acknowledged)
            for one in found:
                index = int(one["metric"]["series"])
                times = [round(time * 1000) for time, _ in one["values"]]
                place = f"writer {writer.number} series {index}"
                assert len(times) == len(set(times)), f"{place}: a sample is there twice"
                lost = acknowledged - set(times)
                assert not lost, f"{place}: {len(lost)} acknowledged samples are lost"
                extra = set(times) - acknowledged - writer.unknown
                assert not extra, f"{place}: {len(extra)} samples that nobody acknowledged"
                for (_, value), time_ms in zip(one["values"], times):
                    assert float(value) == value_of(time_ms, index), f"{place} at {time_ms}: {value}"
                total += len(times)
        return total


@contextlib.contextmanager
def saturated(mimird, series=20_000):
    """Writes and queries as fast as they are taken; yields a function that measures how many cores are busy."""
    now = int(time.time())
    url = f"--url={mimird.url}/api/v1/push"
    loadgen = [BIN / "mimird_loadgen", url, f"--series={series}"]
    subprocess.run([*loadgen, f"--start={now - 7200}"], check=True, capture_output=True)
    over = threading.Event()

    def ask():
        while not over.is_set():
            with contextlib.suppress(OSError):
                mimird.api("query", query='sum by (job) (rate({__name__!=""}[10m]))', time=now - 7100)
    readers = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    writer = subprocess.Popen(
        [*loadgen, "--rounds=0", "--duration=300", "--interval=1", f"--start={now - 7199}", "--concurrency=4"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for reader in readers:
        reader.start()
    try:
        yield lambda: busy_cores(1.0)
    finally:
        over.set()
        writer.kill()
        writer.wait()
        for reader in readers:
            reader.join(60)


def busy_cores(seconds):
    """How many cores' worth of time the machine spent on anything."""
    def used():
        fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")
    before, begin = used(), time.monotonic()
    time.sleep(seconds)
    return (used() - before) / (time.monotonic() - begin)
