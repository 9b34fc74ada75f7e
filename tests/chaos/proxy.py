"""A TCP proxy that can be cut or slow: what stands between a worker and its coordinator, or between a
coordinator and the database, when the network is to fail."""

import socket
import threading
import time

PIECE = 65536
LISTEN_QUEUE = 64


class Proxy:
    """Listens on `port` (any free one) of 127.0.0.1 and forwards to `target`, an address."""

    def __init__(self, target):
        self.target = target
        self.flows = threading.Event()  # unset: bytes are held back, as on a cut cable
        self.flows.set()
        self.delay = 0.0  # seconds, for each piece in either direction
        self.lock = threading.Lock()
        self.sockets = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=LISTEN_QUEUE)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept_on, daemon=True).start()

    def cut(self):
        """Nothing gets through, and nobody is told; what was sent arrives when it heals."""
        self.flows.clear()

    def reset(self):
        """Ends the connections that there are."""
        with self.lock:
            sockets, self.sockets = self.sockets, set()
        for one in sockets:
            end(one)

    def slow(self, delay):
        self.delay = delay

    def heal(self):
        self.delay = 0.0
        self.flows.set()

    def close(self):
        end(self.listener)
        self.heal()
        self.reset()

    def accept_on(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        self.flows.wait()
        try:
            server = socket.create_connection(self.target, timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.sockets |= {client, server}
        there = threading.Thread(target=self.forward, args=(client, server), daemon=True)
        there.start()
        self.forward(server, client)
        there.join()
        with self.lock:
            self.sockets -= {client, server}
        client.close()
        server.close()

    def forward(self, source, sink):
        try:
            while piece := source.recv(PIECE):
                self.flows.wait()
                if self.delay:
                    time.sleep(self.delay)
                sink.sendall(piece)
        except OSError:
            pass
        # each end learns that the other is gone
        for one in (source, sink):
            end(one)


def end(one):
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
