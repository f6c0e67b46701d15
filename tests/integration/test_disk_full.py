"""A full disk: writes are refused as a matter for a retry, reads go on, and writes come back with the space."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from support.remote_write import request, series
from support.servers import Mimird, wait_for

NOW = int(time.time() * 1000)
DISK_MB = 24


@unittest.skipUnless(os.geteuid() == 0, "mounting a small tmpfs needs root")
class DiskFullTest(unittest.TestCase):
    def setUp(self):
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="mimird-it-disk-"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", self.disk], check=True)
        self.addCleanup(lambda: (subprocess.run(["umount", "-l", self.disk], check=True), self.disk.rmdir()))

    def test_full_and_free_again(self):
        with Mimird(f"-blocks-storage.tsdb.dir={self.disk}/tsdb") as mimird:
            acknowledged = []

            def push(n):
                body = request(*(
                    series({"__name__": "disk", "n": str(k)}, [(NOW - 3_600_000 + n * 1000, float(n))]) for k in range(50)))
                answer = mimird.push(body)
                if answer.status == 200:
                    acknowledged.append(n)
                return answer

            self.assertEqual(200, push(0).status)
            ballast = self.disk / "ballast"
            with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * 65536)
            n = 1
            while True:   # until what the file system had left in the last page is used up
                answer = push(n)
                n += 1
                if answer.status != 200:
                    break
                self.assertLess(n, 2000, "the disk never ran full")
            self.assertEqual(5, answer.status // 100, answer.text)
            self.assertIn("space", answer.text.lower())
            self.assertTrue(mimird.result("query", query="count(disk)", time=(NOW - 3_600_000) / 1000)["result"])

            ballast.unlink()
            wait_for("writes after the disk has space", lambda: push(n).status == 200, 10)
            self.check(mimird, acknowledged)
            mimird.kill()
            mimird.start()
            self.check(mimird, acknowledged)

    def check(self, mimird, acknowledged):
        data = mimird.result("query", query="disk[2h]", time=NOW / 1000)
        self.assertEqual(50, len(data["result"]))
        for one in data["result"]:
            self.assertLessEqual(set(acknowledged), {int(float(value)) for _, value in one["values"]})


if __name__ == "__main__":
    unittest.main()
