"""Starting: what is wrong with the configuration is said, all of it; what is wrong on disk is repaired or set aside."""

import os
import subprocess
import time
import unittest

from support.remote_write import request, series
from support.servers import BIN, Mimird, http, wait_for

NOW = int(time.time() * 1000)
SAMPLES = 50


def mimird(*arguments, **kwargs):
    return subprocess.run([BIN / "mimird", *arguments], capture_output=True, text=True, timeout=20, **kwargs)


class CommandLineTest(unittest.TestCase):
    def test_modules(self):
        done = mimird("-modules")
        self.assertEqual(0, done.returncode, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual("Modules marked with * are included in target All.", lines[-1])
        self.assertEqual("", lines[-2])
        self.assertEqual(sorted(lines[:-2]), lines[:-2])
        self.assertLessEqual({"all", "distributor *", "ingester *", "querier *", "query-frontend *"}, set(lines))

    def test_flag_forms(self):
        for form in (["-target=all"], ["--target", "all"], ["-target", "all"], ["--target=all"]):
            with self.subTest(form=form):
                self.assertEqual(0, mimird(*form, "-modules").returncode)

    def test_unknown_flag(self):
        done = mimird("-server.http-listen-prot=1")
        self.assertEqual(2, done.returncode)
        self.assertIn("-server.http-listen-port", done.stderr)

    def test_unknown_target(self):
        done = mimird("-target=ingestor")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("ingestor", done.stderr)
        self.assertIn("ingester", done.stderr)

    def test_help_and_version(self):
        self.assertIn("-config.file", mimird("-help").stdout)
        self.assertIn("-blocks-storage.tsdb.dir", mimird("-help-all").stdout)
        self.assertIn("mimird", mimird("-version").stdout)


class ConfigFileTest(unittest.TestCase):
    def check(self, yaml, *arguments, **kwargs):
        with Mimird() as server:
            path = server.folder / "config.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml)
        self.addCleanup(lambda: (path.unlink(), path.parent.rmdir()))
        return mimird(f"-config.file={path}", *arguments, **kwargs)

    def test_every_mistake_is_named_at_once(self):
        done = self.check("server:\n  http_listen_prot: 80\n  http_listen_port: many\nlimit: {}\n", "-print.config")
        self.assertEqual(1, done.returncode)
        for part in ("http_listen_prot", "http_listen_port", "2", "3", "many", "limits"):
            self.assertIn(part, done.stderr)

    def test_broken_yaml(self):
        done = self.check("server: {http_listen_port: 80\n", "-print.config")
        self.assertEqual(1, done.returncode)
        self.assertIn("line", done.stderr)

    def test_expansion(self):
        done = self.check(
            "server: {http_listen_port: ${PORT_OF_TEST}, log_level: ${LEVEL_OF_TEST:warn}}\n",
            "-config.expand-env", "-print.config", env={**os.environ, "PORT_OF_TEST": "4711"})
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("http_listen_port: 4711", done.stdout)
        self.assertIn("log_level: warn", done.stdout)

    def test_what_is_printed_can_be_read(self):
        printed = mimird("-print.config").stdout
        done = self.check(printed, "-print.config")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(printed, done.stdout)


class DamageTest(unittest.TestCase):
    """Each test writes, stops the daemon with kill -9, damages its files, and starts it again."""

    def setUp(self):
        self.mimird = self.enterContext(Mimird())
        for n in range(SAMPLES):
            body = request(series({"__name__": "damage"}, [(NOW - 100_000 + n * 1000, float(n))]))
            self.assertEqual(200, self.mimird.push(body).status)
        self.mimird.kill()
        self.tenant = self.mimird.data / "anonymous"
        self.segments = sorted((self.tenant / "wal").glob("0*"))

    def values(self):
        result = self.mimird.result("query", query="damage[5m]", time=NOW / 1000)["result"]
        return [float(value) for _, value in result[0]["values"]] if result else []

    def assert_still_writes(self):
        body = request(series({"__name__": "damage"}, [(NOW, 1000.0)]))
        self.assertEqual(200, self.mimird.push(body).status)
        self.assertEqual(1000.0, self.values()[-1])

    def test_nothing_damaged(self):
        self.mimird.start()
        self.assertEqual([float(n) for n in range(SAMPLES)], self.values())
        self.assert_still_writes()

    def test_torn_tail(self):
        data = self.segments[-1].read_bytes()
        self.segments[-1].write_bytes(data[:-5])
        self.mimird.start()
        self.assertEqual([float(n) for n in range(SAMPLES - 1)], self.values())
        self.assertIn("level=warn", self.mimird.log())
        self.assert_still_writes()

    def test_corrupt_record(self):
        data = bytearray(self.segments[-1].read_bytes())
        data[len(data) * 3 // 4] ^= 0xFF
        self.segments[-1].write_bytes(data)
        self.mimird.start()
        values = self.values()
        self.assertTrue(values)
        self.assertEqual([float(n) for n in range(len(values))], values)
        self.assertIn("damaged file repaired or set aside", self.mimird.log())
        self.assert_still_writes()
        self.mimird.kill()
        self.mimird.start()   # the repaired log is sound
        self.assertEqual(1000.0, self.values()[-1])

    def test_missing_segment(self):
        for _ in range(3):   # each start begins a segment
            self.mimird.start()
            self.mimird.kill()
        segments = sorted((self.tenant / "wal").glob("0*"))
        self.assertGreater(len(segments), 2)
        segments[1].unlink()
        self.mimird.start()
        self.assertEqual([float(n) for n in range(SAMPLES)], self.values())
        self.assert_still_writes()

    def test_half_written_and_corrupt_blocks(self):
        half = self.tenant / "01HZZZZZZZZZZZZZZZZZZZZZZA.tmp-for-creation"
        half.mkdir()
        (half / "index").write_bytes(b"half")
        corrupt = self.tenant / "01HZZZZZZZZZZZZZZZZZZZZZZB"
        corrupt.mkdir()
        (corrupt / "meta.json").write_text("{")
        self.mimird.start()
        self.assertFalse(half.exists())
        self.assertFalse(corrupt.exists(), "a corrupt block stays where blocks are")
        self.assertIn("01HZZZZZZZZZZZZZZZZZZZZZZB", self.mimird.log())
        self.assertEqual([float(n) for n in range(SAMPLES)], self.values())
        self.assert_still_writes()

    def test_port_taken(self):
        self.mimird.start()
        second = Mimird()
        second.port = self.mimird.port
        with second.start(wait=False):
            self.assertNotEqual(0, second.process.wait(20))
            self.assertIn(str(self.mimird.port), second.log())

    def test_data_folder_in_use(self):
        self.mimird.start()
        second = Mimird(f"-blocks-storage.tsdb.dir={self.mimird.data}")
        with second.start(wait=False):
            # It comes up without that tenant or not at all, but never writes into the folder of the first.
            body = request(series({"__name__": "damage"}, [(NOW, 7.0)]))
            deadline = time.monotonic() + 20
            while second.process.poll() is None and time.monotonic() < deadline:
                try:
                    answer = second.push(body)
                except OSError:
                    time.sleep(0.05)
                    continue
                self.assertEqual(5, answer.status // 100, answer.text)
                break
            wait_for("the log names the lock", lambda: "lock" in second.log(), 20)
        self.assertEqual([float(n) for n in range(SAMPLES)], self.values())


class StopTest(unittest.TestCase):
    def test_sigterm_drains(self):
        with Mimird() as server:
            self.assertEqual(200, http("GET", server.url + "/ready").status)
            self.assertEqual(0, server.stop())


if __name__ == "__main__":
    unittest.main()
