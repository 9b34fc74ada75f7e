"""A real `opslab worker` for the end-to-end tests, and a line to the coordinator that can be cut."""

import pathlib
import signal
import socket
import subprocess
import threading

from coordinator import LIMIT_SECONDS, until


class Line:
    """A TCP proxy before a coordinator. `cut` breaks what is open and refuses what comes; with
    `mute` requests still pass, but no answer comes back."""

    def __init__(self, port):
        self.target = port
        self.muted = False
        self.requests = b""
        self.listener = None
        self.pairs = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.join()

    def join(self):
        self.muted = False
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen()
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            self.pairs.append((client, server))
            threading.Thread(target=self.carry, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.carry, args=(server, client, True), daemon=True).start()

    def carry(self, source, sink, is_answer):
        try:
            while piece := source.recv(65536):
                if not is_answer:
                    self.requests += piece
                elif self.muted:
                    continue
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def mute(self):
        self.muted = True

    def cut(self):
        # closing alone would not wake the thread that accepts
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        pairs, self.pairs = self.pairs, []
        for ends in pairs:
            for end in ends:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()


class RemoteWorker:
    """`config` is YAML with the runners; the state directory is made beside it."""

    def __init__(self, program, folder, coordinator_port, worker_id, config, arguments=()):
        self.folder = pathlib.Path(folder)
        self.id = worker_id
        self.log = self.folder / f"{worker_id}.log"
        self.state = self.folder / f"{worker_id}.state"
        file = self.folder / f"{worker_id}.yaml"
        file.write_text(config)
        self.command = [
            str(program), "worker",
            "--coordinator", f"http://127.0.0.1:{coordinator_port}",
            "--runner", worker_id.split("-", 2)[2],
            "--id", worker_id,
            "--config", str(file),
            "--state-dir", str(self.state),
            *arguments,
        ]  # fmt: skip
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        return self

    def log_text(self):
        return self.log.read_text()

    def wait_for_log(self, text, count=1):
        until(lambda: self.log_text().count(text) >= count, f"“{text}” in the worker's log")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        """For the end of a test, however it went."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()

    def signal(self, which):
        self.process.send_signal(which)

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.process.wait(LIMIT_SECONDS)
