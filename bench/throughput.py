#!/usr/bin/env python3
"""Prints how many tasks a second are taken and run: single requests of N clients at once, batches of
1,000, claims and completions, beside what the bare database commits.
Usage: throughput.py BIN_FOLDER [--postgres] [--clients N]... [--seconds S]"""

import argparse
import http.client
import json
import multiprocessing
import os
import pathlib
import selectors
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests/e2e"))
from coordinator import Coordinator  # noqa: E402
from postgres_server import PostgresServer  # noqa: E402

PROCESSES = 2
TASK = {"problem_id": "misconfig_app_hotel_res-mitigation-1", "agent_config": {"model": "m", "temperature": 0.5},
        "metadata": {"sweep": 7}, "backend_type": "docker", "group_id": "bench"}


def request(method, path, body):
    text = json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: b\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    return head.encode() + text


def hammer(port, wanted, connections, until, done):
    """Sends one request after another on each connection, and counts the answers."""
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        link = socket.create_connection(("127.0.0.1", port))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(link, selectors.EVENT_READ, bytearray())
        link.sendall(wanted)
    count = 0
    while time.monotonic() < until:
        for key, _ in selector.select(0.1):
            buffer = key.data
            buffer += key.fileobj.recv(1 << 20)
            head = buffer.find(b"\r\n\r\n")
            if head < 0:
                continue
            if not buffer.startswith(b"HTTP/1.1 2"):
                raise SystemExit(bytes(buffer[:500]).decode())
            at = buffer.lower().find(b"content-length: ") + 16
            length = int(buffer[at:buffer.find(b"\r", at)])
            if len(buffer) >= head + 4 + length:
                count += 1
                buffer.clear()
                key.fileobj.sendall(wanted)
    done.put(count)


def rate(port, wanted, clients, seconds):
    done = multiprocessing.Queue()
    until = time.monotonic() + seconds
    share = [clients // PROCESSES + (i < clients % PROCESSES) for i in range(PROCESSES)]
    workers = [multiprocessing.Process(target=hammer, args=(port, wanted, n, until, done)) for n in share if n]
    for worker in workers:
        worker.start()
    total = sum(done.get() for _ in workers)
    for worker in workers:
        worker.join()
    return total / seconds


def call(port, method, path, body=None):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    link.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    answer = link.getresponse()
    text = answer.read()
    link.close()
    return json.loads(text) if text.startswith(b"{") else text.decode()


def commits(port):
    """(transactions, tasks in them) of submissions so far."""
    found = {}
    for line in call(port, "GET", "/metrics").splitlines():
        if line.startswith("opslab_commit_batch_size_") and 'verb="submit"' in line and ("_count" in line or "_sum" in line):
            found["_count" in line.split("{")[0]] = float(line.split()[-1])
    return found.get(True, 0), found.get(False, 0)


def run_and_complete(port, name, tasks, seconds):
    """Claims of 50 and completions one by one, on one connection for each of four workers."""
    for number in range(1, 5):
        call(port, "POST", "/workers/register", {"id": f"worker-{number:03}-{name}", "backend_type": name,
                                                 "capabilities": {"max_parallel_tasks": 100}})
    for _ in range(tasks // 1000):
        call(port, "POST", "/tasks/batch", {"tasks": [TASK | {"backend_type": name}] * 1000})
    done = multiprocessing.Queue()

    def work(worker):
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        headers = {"Content-Type": "application/json"}
        count = 0
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            link.request("POST", f"/workers/{worker}/claim", b'{"max":50}', headers)
            answer = link.getresponse()
            text = answer.read()
            if answer.status != 200:
                break
            for task in json.loads(text)["tasks"]:
                link.request("POST", f"/workers/{worker}/tasks/{task['id']}/complete",
                             b'{"attempt":1,"result":{"success":true}}', headers)
                link.getresponse().read()
                count += 1
        done.put(count)

    began = time.monotonic()
    workers = [multiprocessing.Process(target=work, args=(f"worker-{n:03}-{name}",)) for n in range(1, 5)]
    for worker in workers:
        worker.start()
    total = sum(done.get() for _ in workers)
    for worker in workers:
        worker.join()
    return total / (time.monotonic() - began)


def bare_sqlite(folder, rows, seconds):
    with sqlite3.connect(f"{folder}/bare.db", isolation_level=None) as link:
        link.execute("PRAGMA journal_mode=WAL")
        link.execute("PRAGMA synchronous=FULL")
        link.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, text TEXT)")
        count, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            link.execute("BEGIN")
            link.executemany("INSERT INTO t (text) VALUES (?)", [(json.dumps(TASK),)] * rows)
            link.execute("COMMIT")
            count += rows
    return count / seconds


def bare_postgres(server, clients, rows, seconds):
    text = json.dumps(TASK)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"INSERT INTO bare (text) SELECT '{text}' FROM generate_series(1, {rows});\n")
        script.flush()
        subprocess.run(["psql", "-qc", "CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, text text)",
                        server.url], check=True)
        said = subprocess.run([*pgbench(), "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds),
                               "-f", script.name, server.url], capture_output=True, text=True, check=True).stdout
    return float(said.split("tps = ")[1].split()[0]) * rows


def pgbench():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    return [str(found[-1])] if found else ["pgbench"]


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("binaries", type=pathlib.Path)
    words.add_argument("--postgres", action="store_true")
    words.add_argument("--clients", type=int, action="append")
    words.add_argument("--seconds", type=int, default=5)
    given = words.parse_args()
    seconds = given.seconds
    server = PostgresServer() if given.postgres else None
    with tempfile.TemporaryDirectory() as folder:
        try:
            print(f"{'PostgreSQL' if server else 'SQLite'}, {os.cpu_count()} cores, {seconds} s each, tasks a second")
            if server:
                for clients, rows in ((1, 1), (64, 1), (1, 1000)):
                    print(f"| bare: {clients} sessions, {rows} rows a transaction | {bare_postgres(server, clients, rows, seconds):,.0f} |")
            else:
                for rows in (1, 1000):
                    print(f"| bare: {rows} rows a transaction | {bare_sqlite(folder, rows, seconds):,.0f} |")
            coordinator = Coordinator((given.binaries / "opslab").resolve(), folder, "", server).start()
            port = coordinator.port
            for clients in given.clients or [1, 8, 64]:
                before = commits(port)
                got = rate(port, request("POST", "/tasks", TASK), clients, seconds)
                after = commits(port)
                each = (after[1] - before[1]) / max(1, after[0] - before[0])
                print(f"| {clients} clients, a task a request | {got:,.0f} ({each:.1f} tasks a transaction) |", flush=True)
            batch = request("POST", "/tasks/batch", {"tasks": [TASK] * 1000})
            for clients in (1, 4):
                print(f"| {clients} clients, 1,000 tasks a request | {rate(port, batch, clients, seconds) * 1000:,.0f} |")
            print(f"| 4 workers, claims of 50, each completed by itself | {run_and_complete(port, 'bench', 40_000, seconds):,.0f} |")
            coordinator.stop()
        finally:
            if server:
                server.remove()


if __name__ == "__main__":
    main()
