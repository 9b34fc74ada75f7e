"""Many followers of tasks' events at once, read by one thread: for the end-to-end test and the bench."""

import re
import selectors
import socket
import time

ID = re.compile(rb"^id: (.*)$", re.MULTILINE)


class Follower:
    """One connection with Server-Sent Events. `ids` are those of the whole frames that came."""

    def __init__(self, port, task, last_id=None, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        last = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        self.socket.sendall(
            f"GET /tasks/{task}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
            f"{last}\r\n".encode()
        )
        self.raw = b""
        self.text = b""
        self.head = None
        self.ids = []
        self.times = []
        self.ended = False
        self.closed = False

    def take(self, data):
        if not data:
            self.closed = True
            return
        self.raw += data
        if self.head is None:
            head, blank, rest = self.raw.partition(b"\r\n\r\n")
            if not blank:
                return
            self.head, self.raw = head, rest
        self.unchunk()
        now = time.monotonic()
        frames, blank, self.text = self.text.rpartition(b"\n\n")
        for found in ID.findall(frames):
            self.ids.append(found)
            self.times.append(now)
        self.ended = self.ended or b"event: end\n" in frames

    def unchunk(self):
        while True:
            size, line, rest = self.raw.partition(b"\r\n")
            if not line:
                return
            length = int(size, 16)
            if len(rest) < length + 2:
                return
            self.text += rest[:length]
            self.raw = rest[length + 2 :]

    def status(self):
        return int(self.head.split()[1])

    def close(self):
        self.socket.close()


class Followers:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.all = []

    def add(self, follower):
        self.selector.register(follower.socket, selectors.EVENT_READ, follower)
        self.all.append(follower)
        return follower

    def read_until(self, condition, what, limit=120):
        """Reads all of them until the condition holds; the limit ends a run that hangs."""
        end = time.monotonic() + limit
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"waited {limit} s in vain for {what}")
            for key, _ in self.selector.select(0.2):
                try:
                    key.data.take(key.data.socket.recv(262144))
                except OSError:
                    key.data.closed = True
                if key.data.closed:
                    self.selector.unregister(key.data.socket)

    def close(self):
        for follower in self.all:
            follower.close()
        self.selector.close()
