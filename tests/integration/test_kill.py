"""kill -9 under write load, again and again: every acknowledged sample is there afterwards, exactly once.

MIMIR_KILLS sets how often (default 50)."""

import os
import random
import threading
import time
import unittest

from support.remote_write import request, series
from support.servers import Mimird

KILLS = int(os.environ.get("MIMIR_KILLS", "50"))
WRITERS = 3
SERIES_A_WRITER = 20


class Writer(threading.Thread):
    """Writes a sample for each of its series, one time stamp after another; remembers what was acknowledged."""

    def __init__(self, mimird, number, start_ms):
        super().__init__(daemon=True)
        self.mimird, self.number = mimird, number
        self.next_time = start_ms
        self.acknowledged = []   # time stamps, in ms
        self.refused = []
        self.running = threading.Event()
        self.ended = False

    def body(self, time_ms):
        return request(*(
            series({"__name__": "kill_test", "writer": str(self.number), "series": str(index)},
                   [(time_ms, float(time_ms % 1000003 + index))])
            for index in range(SERIES_A_WRITER)))

    def run(self):
        while not self.ended:
            if not self.running.wait(0.05):
                continue
            time_ms, self.next_time = self.next_time, self.next_time + 1
            try:
                answer = self.mimird.push(self.body(time_ms))
            except OSError:
                continue   # the daemon died on us: unknown, not acknowledged
            if answer.status // 100 == 2:
                self.acknowledged.append(time_ms)
            elif answer.status != 503:
                self.refused.append((time_ms, answer.status, answer.text))


class KillTest(unittest.TestCase):
    def test_nothing_acknowledged_is_lost_or_doubled(self):
        start_ms = int(time.time() * 1000) - 600_000
        with Mimird() as mimird:
            writers = [Writer(mimird, number, start_ms) for number in range(WRITERS)]
            for writer in writers:
                writer.start()
            for _ in range(KILLS):
                before = sum(len(writer.acknowledged) for writer in writers)
                for writer in writers:
                    writer.running.set()
                deadline = time.monotonic() + 20
                # Some requests through, then at any instant.
                while sum(len(writer.acknowledged) for writer in writers) < before + 5:
                    self.assertLess(time.monotonic(), deadline, mimird.log()[-2000:])
                    time.sleep(0.002)
                time.sleep(random.random() * 0.1)
                mimird.kill()
                for writer in writers:
                    writer.running.clear()
                mimird.start()
            for writer in writers:
                writer.ended = True
                writer.join()
                self.assertEqual([], writer.refused)
            self.check(mimird, writers, start_ms)

    def check(self, mimird, writers, start_ms):
        total = 0
        for writer in writers:
            end = writer.next_time / 1000
            window = writer.next_time - start_ms + 10
            data = mimird.result("query", query=f'kill_test{{writer="{writer.number}"}}[{window}ms]', time=end)
            self.assertEqual(SERIES_A_WRITER, len(data["result"]))
            for one in data["result"]:
                index = int(one["metric"]["series"])
                times = [round(time * 1000) for time, _ in one["values"]]
                self.assertEqual(len(times), len(set(times)), "a sample is there twice")
                lost = set(writer.acknowledged) - set(times)
                self.assertFalse(lost, f"writer {writer.number} series {index}: {len(lost)} acknowledged samples are lost")
                for (_, value), time_ms in zip(one["values"], times):
                    self.assertEqual(float(time_ms % 1000003 + index), float(value))
                total += len(times)
        print(f"{KILLS} kills, {sum(len(w.acknowledged) for w in writers) * SERIES_A_WRITER} samples acknowledged, {total} there")


if __name__ == "__main__":
    unittest.main()
