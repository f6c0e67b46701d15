"""A TCP port of the loopback that leads to a unix socket, for clients that know no other, such as browsers."""

import contextlib
import socket
import threading


class Forwarder:
    """Use as a context manager; its end closes all connections."""

    def __init__(self, path):
        self.path = str(path)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/"

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        for one in [self.listener, *self.open]:
            _shut_down(one)
            one.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:   # the end
                return
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.open += [client, server]
            try:
                server.connect(self.path)
            except OSError:   # nobody there: as if refused
                _shut_down(client)
                continue
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for one in (source, sink):
        _shut_down(one)


def _shut_down(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
