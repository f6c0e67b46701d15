"""A reverse proxy that names a tenant: Debian's Prometheus 2.42 does not send the headers that its remote_write sets."""

import http.server
import threading

from support.servers import http as request

PASSED_ON = ("Content-Type", "Content-Encoding", "X-Prometheus-Remote-Write-Version", "Retry-After")


class TenantProxy:
    """Passes POST requests on to one server in the name of a tenant. Use as a context manager."""

    def __init__(self, upstream, tenant):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                proxy.answer(self, body)

            def log_message(self, *_):
                pass

        self.upstream, self.tenant = upstream, tenant
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, handler, body):
        headers = {name: handler.headers[name] for name in PASSED_ON if name in handler.headers}
        try:
            answer = request("POST", self.upstream + handler.path, body, {**headers, "X-Scope-OrgID": self.tenant})
        except OSError:
            handler.send_error(502)
            return
        handler.send_response(answer.status)
        for name in PASSED_ON:
            if name in answer.headers:
                handler.send_header(name, answer.headers[name])
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
