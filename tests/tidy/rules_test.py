#!/usr/bin/env python3
"""The rules catch what they are there for."""

import pathlib
import unittest

from rules import check_file


def findings(name, text):
    return [finding for _, finding in check_file(pathlib.PurePath(name), text)]


class RulesTest(unittest.TestCase):
    def test_includes_point_down(self):
        self.assertEqual([], findings("daemon/tsdb/head/head.cpp", '#include "model/labels.hpp"\n'))
        self.assertTrue(findings("daemon/model/labels.cpp", '#include "tsdb/head/head.hpp"\n'))
        self.assertTrue(findings("daemon/promql/engine.cpp", '#include "tsdb/db.hpp"\n'))

    def test_components_do_not_include_one_another(self):
        name = "daemon/components/querier/querier.cpp"
        self.assertTrue(findings(name, '#include "components/ingester/ingester.hpp"\n'))
        self.assertEqual([], findings(name, '#include "components/querier/options.hpp"\n'))

    def test_the_folders_beside_the_daemon_include_little_of_it(self):
        self.assertEqual([], findings("ctl/run.cpp", '#include "http/client.hpp"\n#include "ctl/run.hpp"\n'))
        self.assertTrue(findings("ctl/run.cpp", '#include "modules/manager.hpp"\n'))
        self.assertTrue(findings("api/types.hpp", '#include "http/message.hpp"\n'))

    def test_the_domain_has_no_asio(self):
        self.assertTrue(findings("daemon/tsdb/db.cpp", "#include <boost/asio/post.hpp>\n"))

    def test_dear_headers_have_an_owner(self):
        self.assertTrue(findings("daemon/rpc/a.cpp", "#include <boost/beast/http.hpp>\n"))
        self.assertEqual([], findings("daemon/http/a.cpp", "#include <boost/beast/http.hpp>\n"))

    def test_nothing_is_left_half_done(self):
        self.assertTrue(findings("docs/a.md", "TO" + "DO: write this\n"))


if __name__ == "__main__":
    unittest.main()
