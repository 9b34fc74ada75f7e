#!/usr/bin/env python3
"""Prints what claims that wait cost a coordinator: memory for each, how long after its submission a
task is in the hands of one of them, and how long until as many tasks as claims have found theirs."""

import argparse
import asyncio
import json
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
# pylint: disable=wrong-import-position
from coordinator import Coordinator  # noqa: E402

# workers here never beat: they are alive all the same
CONFIG = "heartbeat: {interval_seconds: 30, timeout_seconds: 3600}\n"


def resident(process):
    pages = int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * 4096


class Client:
    """One kept connection."""

    def __init__(self, port):
        self.port = port
        self.reader = self.writer = None

    async def post(self, path, body):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        text = json.dumps(body)
        self.writer.write(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}".encode()
        )
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split()[0]) if "content-length" in head else 0
        answer = await self.reader.readexactly(length)
        return int(head.split()[1]), json.loads(answer) if answer else None


class Bench:
    def __init__(self, coordinator, count):
        self.coordinator = coordinator
        self.client = Client(coordinator.port)
        self.ids = [f"worker-{at + 1:04}-poll" for at in range(count)]
        self.workers = [Client(coordinator.port) for _ in self.ids]
        self.got = asyncio.Queue()

    async def register(self):
        for worker in self.ids:
            status, answer = await self.client.post(
                "/workers/register", {"id": worker, "backend_type": "poll"}
            )
            assert status == 201, answer

    async def wait_for_tasks(self, client, worker):
        """Claims until it has one; then ends it and claims again."""
        while True:
            status, answer = await client.post(f"/workers/{worker}/claim", {"wait_seconds": 30})
            if status == 204:
                continue
            assert status == 200, answer
            (task,) = answer["tasks"]
            await self.got.put((task["id"], time.monotonic()))
            done = {"attempt": task["attempt"], "result": {"success": True}}
            await client.post(f"/workers/{worker}/tasks/{task['id']}/complete", done)

    async def submit(self, count):
        began = time.monotonic()
        body = {"tasks": [{"problem_id": "p"} for _ in range(count)]}
        status, answer = await self.client.post("/tasks/batch", body)
        assert status == 201, answer
        times = {}
        while len(times) < count:
            task, at = await self.got.get()
            assert task not in times, "a task was claimed twice"
            times[task] = at - began
        return max(times.values())

    async def waiting(self):
        """Until all claims wait: none is under way in the pool of threads and nothing is queued."""
        while True:
            page = self.coordinator.get("/metrics")
            load = next(line for line in page.splitlines() if 'what="requests"' in line)
            if float(load.split()[-1]) >= len(self.ids):
                return
            await asyncio.sleep(0.05)

    async def run(self, rounds):
        await self.register()
        before = resident(self.coordinator.process)
        polls = [
            asyncio.create_task(self.wait_for_tasks(client, worker))
            for client, worker in zip(self.workers, self.ids)
        ]
        await self.waiting()
        each = (resident(self.coordinator.process) - before) / len(self.ids) / 1024
        single = []
        for _ in range(rounds):
            single.append(await self.submit(1) * 1000)
            await self.waiting()
        everyone = await self.submit(min(len(self.ids), 1000))
        print(
            f"{len(self.ids)} claims that wait, {each:.1f} KiB each; from POST of one task to the claim "
            f"that has it: median {statistics.median(single):.1f} ms, worst {max(single):.1f} ms of "
            f"{rounds}; {min(len(self.ids), 1000)} tasks at once, all claimed after {everyone * 1000:.0f} ms"
        )
        for poll in polls:
            poll.cancel()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin_folder", type=pathlib.Path, help="where opslab is")
    parser.add_argument("claims", type=int, nargs="?", default=1000)
    parser.add_argument("--rounds", type=int, default=30, help="single tasks that are timed (30)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = arguments.bin_folder.resolve() / "opslab"
        coordinator = Coordinator(program, folder, CONFIG).start()
        try:
            asyncio.run(Bench(coordinator, arguments.claims).run(arguments.rounds))
        finally:
            coordinator.kill()


if __name__ == "__main__":
    main()
