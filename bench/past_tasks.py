"""Fills a database with finished tasks by SQL alone, as years of use would leave it: for benches."""

import pathlib
import sqlite3
import subprocess

# one statement a table; {rows} gives n = 1 … count
TASK = """
INSERT INTO tasks (id, problem_id, status, priority, backend_type, group_id, worker_id, attempt,
                   max_steps, timeout_minutes, max_retries, created_at, updated_at, started_at,
                   completed_at, not_before, last_seq)
SELECT {id}, 'problem-' || (n % 89), {status}, n % 11,
       CASE n % 10 WHEN 0 THEN NULL WHEN 1 THEN 'kind' ELSE 'docker' END,
       'group-' || (n / 1000), 'worker-' || (100 + n % 50) || '-docker', 1, 30, 30, 0,
       {at}, {at} + 60000000, {at} + 1000000, {at} + 60000000, NULL, 5
FROM {rows}"""
INPUTS = """
INSERT INTO task_inputs (task_id, agent_config, metadata, callback_url)
SELECT {id}, '{{"model":"m"}}', '{{"n":' || n || '}}', NULL FROM {rows}"""
ATTEMPTS = """
INSERT INTO attempts (task_id, attempt, worker_id, status, started_at, deadline, lease_until,
                      completed_at, failure_kind, failure_phase, failure_message, digest, result,
                      success, reward, position)
SELECT {id}, 1, 'worker-' || (100 + n % 50) || '-docker', {status}, {at} + 1000000,
       {at} + 1801000000, {at} + 120000000, {at} + 60000000,
       CASE WHEN {status} = 'completed' THEN NULL WHEN {status} = 'failed' THEN 'task' ELSE {status} END,
       CASE WHEN {status} = 'completed' THEN NULL ELSE '' END,
       CASE WHEN {status} = 'completed' THEN NULL ELSE 'it ended' END, 'digest',
       CASE WHEN {status} = 'completed'
            THEN '{{"logs":[],"metrics":{{}},"output":{{}},"success":true,"reward":1.0}}' END,
       CASE WHEN {status} = 'completed' THEN 1 END,
       CASE WHEN {status} = 'completed' THEN '1' END, n
FROM {rows}"""
COUNTS = """
INSERT INTO task_counts ({columns}, pending, running, completed, failed, timeout, cancelled,
                         successes, total)
SELECT {values}, 0, 0, sum(CASE status WHEN 'completed' THEN 1 ELSE 0 END),
       sum(CASE status WHEN 'failed' THEN 1 ELSE 0 END),
       sum(CASE status WHEN 'timeout' THEN 1 ELSE 0 END),
       sum(CASE status WHEN 'cancelled' THEN 1 ELSE 0 END),
       sum(CASE status WHEN 'completed' THEN 1 ELSE 0 END), count(*)
FROM tasks {group}"""
HISTOGRAMS = """
INSERT INTO histograms ({columns}, bucket, count, sum)
SELECT {values}, n, 1000, 60000000000 FROM {rows}"""
# of a hundred: 3 cancelled, 4 timed out, 8 failed, the rest completed
STATUS = """(CASE WHEN n % 100 < 3 THEN 'cancelled' WHEN n % 100 < 7 THEN 'timeout'
             WHEN n % 100 < 15 THEN 'failed' ELSE 'completed' END)"""
FIRST_MILLISECOND = 1735689600000  # 2025
APART_MILLISECONDS = 7000
KEPT = {"all": "''", "problem": "problem_id", "worker": "worker_id", "holder": "worker_id",
        "backend": "backend_type", "group": "group_id"}


def statements(postgres, count):
    at = f"({FIRST_MILLISECOND} + n * {APART_MILLISECONDS})"
    if postgres:
        rows = f"generate_series(1::bigint, {count}) AS n"
        hexes = [f"lpad(to_hex({value}), {width}, '0')" for value, width in
                 ((f"{at} >> 16", 8), (f"{at} & 65535", 4), ("n", 12))]
        few = "generate_series(1, 60) AS n"
    else:
        series = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {}) SELECT n FROM s)"
        rows, few = series.format(count), series.format(60)
        hexes = [f"printf('%0{width}x', {value})" for value, width in
                 ((f"{at} >> 16", 8), (f"{at} & 65535", 4), ("n", 12))]
    given = {"rows": rows, "status": STATUS, "at": f"({at} * 1000)",
             "id": f"({hexes[0]} || '-' || {hexes[1]} || '-7000-8000-' || {hexes[2]})"}
    made = [text.format(**given) for text in (TASK, INPUTS, ATTEMPTS)]
    shard, zero = (", shard", ", 0") if postgres else ("", "")
    for scope, name in KEPT.items():
        group = "" if scope == "all" else f"WHERE {name} IS NOT NULL GROUP BY {name}"
        made.append(COUNTS.format(columns="scope, name" + shard, values=f"'{scope}', {name}{zero}", group=group))
    for scope in ("duration", "queue"):
        values = f"'{scope}', ''"
        columns = "scope, name"
        text = HISTOGRAMS.format(columns=columns, values=values, rows=few)
        if postgres:
            text = text.replace("bucket, count, sum)", "bucket, shard, count, sum)").replace(
                "n, 1000,", "n, 0, 1000,")
        made.append(text)
    if postgres:
        made.append(f"UPDATE feed_head SET position = {count}")
    return made


def fill_sqlite(path, count):
    with sqlite3.connect(path) as link:
        link.execute("PRAGMA synchronous=OFF")
        link.execute("PRAGMA cache_size=-400000")
        for statement in statements(False, count):
            link.execute(statement)
        link.commit()
        link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return pathlib.Path(path).stat().st_size


def psql(url, *commands):
    words = [word for command in commands for word in ("-c", command)]
    done = subprocess.run(["psql", "-qAt", "-v", "ON_ERROR_STOP=1", *words, url], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return done.stdout.strip()


def fill_postgres(url, count):
    fast = "SET synchronous_commit = off"
    for statement in statements(True, count):
        psql(url, fast, statement)
    psql(url, "VACUUM ANALYZE")
    return int(psql(url, "SELECT pg_database_size(current_database())"))
