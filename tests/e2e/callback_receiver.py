"""A real HTTP receiver of callbacks on loopback, whose answers the test chooses."""

import http.server
import threading


class Received:
    def __init__(self, path, headers, body):
        self.path = path
        self.headers = headers
        self.body = body


class Receiver:
    """`answers[path]` is a list of what comes next at this path (the last one stays): a status, a
    function of the handler, or "hang". Without one the answer is 200."""

    def __init__(self):
        self.answers = {}
        self.received = []
        self.changed = threading.Condition()
        self.released = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.note(Received(self.path, dict(self.headers), body))
                outer.answer(self)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # opslab broke off: that is what some tests want

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def note(self, received):
        with self.changed:
            self.received.append(received)
            self.changed.notify_all()

    def answer(self, handler):
        with self.changed:
            choices = self.answers.get(handler.path, [200])
            choice = choices.pop(0) if len(choices) > 1 else choices[0]
        if choice == "hang":
            self.released.wait()
        elif callable(choice):
            choice(handler)
        else:
            handler.send_response(choice)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

    def at(self, path):
        with self.changed:
            return [one for one in self.received if one.path == path]

    def wait_for(self, path, count=1, limit=60):
        with self.changed:
            if not self.changed.wait_for(
                lambda: sum(one.path == path for one in self.received) >= count, limit
            ):
                raise AssertionError(f"waited {limit} s in vain for {count} callbacks at {path}")
        return self.at(path)

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
