"""The web page of a node as a user sees it."""

import unittest

from .browser import Browser
from .servers import wait_for


class PageTest(unittest.TestCase):
    """Opens a browser for each class. Tests call open(url), and no test ends with anything on the console."""

    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser())

    def open(self, url):
        """Opens the page and waits until it shows the daemon."""
        self.browser.resize(1400, 1000)
        self.browser.console()
        self.browser.open(url)
        self.url = url
        self.see("modules shown", lambda: self.states())

    def tearDown(self):
        self.browser.open("about:blank")

    def see(self, what, condition, seconds=10.0):
        return wait_for(what, condition, seconds)

    def assert_quiet(self, *but):
        """Nothing on the console, except for messages with one of these texts in them."""
        left = [line for line in self.browser.console() if not any(text in line for text in but)]
        self.assertEqual([], left)

    def states(self):
        """Of each module, as the table says it: {name: state}."""
        return self.browser.run(
            "return Object.fromEntries([...document.querySelectorAll('#modules tr')].map((row) =>"
            " [row.querySelector('th').innerText, row.querySelector('.badge').innerText]))")

    def drawn(self):
        """Of each module, as the graph says it: {name: {state, left, top, right, bottom}}."""
        return self.browser.run(
            "return Object.fromEntries([...document.querySelectorAll('#graph a')].map((node) => {"
            " const {left, top, right, bottom} = node.querySelector('.box').getBoundingClientRect();"
            " const state = node.querySelector('.detail').textContent.split(' ')[0];"
            " return [node.dataset.name, {state, left, top, right, bottom}]; }))")

    def row(self, module):
        """What the table says of a module, as one text."""
        return self.browser.run("return document.getElementById('module-' + arguments[0]).innerText", module)

    def text(self, selector):
        return self.browser.text(selector)
