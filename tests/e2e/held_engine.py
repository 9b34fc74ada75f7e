"""Stands before a real Docker engine, on a socket of its own, and can hold calls back."""

import os
import pathlib
import socket
import threading

ENGINE = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


class HeldEngine:
    def __init__(self, folder):
        self.path = str(pathlib.Path(folder) / "engine.sock")
        self.held = None  # what a call has in it that is held back
        self.holds = threading.Event()
        self.released = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(64)
        threading.Thread(target=self.serve, daemon=True).start()

    def hold(self, text):
        """The next call with `text` in its first piece waits until `release`."""
        self.held = text.encode()

    def release(self):
        self.released.set()

    def end(self):
        self.release()
        self.listener.close()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.join, args=(client,), daemon=True).start()

    def join(self, client):
        with client, socket.socket(socket.AF_UNIX) as engine:
            engine.connect(ENGINE)
            back = threading.Thread(target=self.pump, args=(engine, client), daemon=True)
            back.start()
            self.pump(client, engine)
            back.join()

    def pump(self, source, target):
        try:
            while piece := source.recv(65536):
                if self.held is not None and self.held in piece:
                    self.held = None
                    self.holds.set()
                    self.released.wait()
                target.sendall(piece)
        except OSError:
            pass  # the other side has gone
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is already
