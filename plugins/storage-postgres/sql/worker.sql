-- name: worker.lock
-- Workers before tasks and in the order of ids, everywhere: no two can wait for each other.
SELECT to_json(w.id)::text FROM workers w
WHERE w.id = ANY (ARRAY(SELECT jsonb_array_elements_text(:p::jsonb -> 'ids')))
ORDER BY w.id
FOR NO KEY UPDATE

-- name: worker.load
SELECT v.json FROM worker_json v
WHERE v.id = ANY (ARRAY(SELECT jsonb_array_elements_text(:p::jsonb -> 'ids')))

-- name: worker.list
SELECT v.json FROM workers w JOIN worker_json v ON v.id = w.id
WHERE ((:p::jsonb ->> 'status') IS NULL OR w.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR w.backend_type = (:p::jsonb ->> 'backend_type'))
ORDER BY w.id

-- name: worker.enroll
-- Counters survive a new registration. Guarded: of two that come at once, one is told nothing.
INSERT INTO workers (id, backend_type, status, last_heartbeat, current_task_id, max_parallel_tasks,
                     supported_problems, capabilities, metadata, registered_at, tasks_completed,
                     tasks_failed)
SELECT r.id, r.backend_type, 'idle', r.now, NULL, r.max_parallel_tasks, r.supported_problems,
       r.capabilities, r.metadata, r.now, 0, 0
FROM jsonb_to_record(:p::jsonb) AS r (
    id text, backend_type text, now bigint, max_parallel_tasks bigint, supported_problems text,
    capabilities text, metadata text)
ON CONFLICT (id) DO UPDATE SET
    backend_type = excluded.backend_type, status = excluded.status,
    last_heartbeat = excluded.last_heartbeat, current_task_id = NULL,
    max_parallel_tasks = excluded.max_parallel_tasks,
    supported_problems = excluded.supported_problems, capabilities = excluded.capabilities,
    metadata = excluded.metadata, registered_at = excluded.registered_at, circuit_open = NULL
    WHERE workers.status = 'offline' OR (:p::jsonb ->> 'succeed')::int <> 0
RETURNING to_json(workers.id)::text

-- name: worker.beat
UPDATE workers SET status = r.status, current_task_id = r.current_task_id,
                   circuit_open = r.circuit_open,
                   last_heartbeat = (:p::jsonb ->> 'now')::bigint
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    id text, status text, current_task_id text, circuit_open text)
WHERE workers.id = r.id

-- name: worker.claimed
UPDATE workers SET status = 'busy',
                   current_task_id = coalesce(current_task_id, :p::jsonb ->> 'task_id')
WHERE id = :p::jsonb ->> 'id'

-- name: worker.settle
-- After attempts ended: what it worked on is no longer so, and with nothing left it is idle.
UPDATE workers SET
    tasks_completed = tasks_completed + r.completed,
    tasks_failed = tasks_failed + r.failed,
    current_task_id = CASE WHEN jsonb_exists(r.ended, current_task_id)
                           THEN (SELECT a.task_id FROM attempts a
                                 WHERE a.worker_id = workers.id AND a.status = 'running'
                                 ORDER BY a.started_at, a.task_id LIMIT 1)
                           ELSE current_task_id END,
    status = CASE WHEN status = 'busy'
                       AND NOT EXISTS (SELECT 1 FROM attempts a
                                       WHERE a.worker_id = workers.id AND a.status = 'running')
                  THEN 'idle' ELSE status END
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    id text, completed bigint, failed bigint, ended jsonb)
WHERE workers.id = r.id

-- name: worker.retire
UPDATE workers SET status = 'offline', current_task_id = NULL WHERE id = :p::jsonb ->> 'id'

-- name: worker.expire
-- A worker that is locked is being heard of just now.
WITH silent AS MATERIALIZED (
    SELECT w.id FROM workers w
    WHERE w.status <> 'offline'
      AND (w.last_heartbeat <= (:p::jsonb ->> 'silent_since')::bigint
           OR w.last_heartbeat > (:p::jsonb ->> 'heard_by')::bigint)
    FOR NO KEY UPDATE SKIP LOCKED)
UPDATE workers SET status = 'offline', current_task_id = NULL
FROM silent WHERE workers.id = silent.id
RETURNING to_json(workers.id)::text

-- name: worker.forget
-- A worker that is locked registers again just now.
WITH gone AS MATERIALIZED (
    SELECT w.id FROM workers w
    WHERE w.status = 'offline' AND w.last_heartbeat <= (:p::jsonb ->> 'silent_since')::bigint
      AND NOT EXISTS (SELECT 1 FROM attempts a
                      WHERE a.worker_id = w.id AND a.status = 'running')
    ORDER BY w.id LIMIT (:p::jsonb ->> 'limit')::bigint
    FOR UPDATE SKIP LOCKED)
DELETE FROM workers USING gone WHERE workers.id = gone.id
RETURNING to_json(workers.id)::text

-- name: worker.counts
SELECT json_build_object('status', w.status, 'count', count(*))::text FROM workers w
WHERE :p::jsonb IS NOT NULL
GROUP BY w.status

-- name: cancel.insert
INSERT INTO cancels (worker_id, task_id, told)
SELECT r.worker_id, r.task_id, 0
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (worker_id text, task_id text)
ORDER BY r.worker_id, r.task_id
ON CONFLICT (worker_id, task_id) DO NOTHING

-- name: cancel.drop_heard
-- Told before and not named now: the worker has stopped it.
DELETE FROM cancels
USING jsonb_to_recordset(:p::jsonb -> 'rows') AS r (id text, current_task_id text)
WHERE cancels.told = 1 AND r.id = cancels.worker_id
  AND cancels.task_id IS DISTINCT FROM r.current_task_id

-- name: cancel.tell
UPDATE cancels SET told = 1
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (id text)
WHERE cancels.worker_id = r.id
RETURNING json_build_object('worker_id', cancels.worker_id, 'task_id', cancels.task_id)::text

-- name: cancel.drop_of_workers
DELETE FROM cancels
WHERE worker_id = ANY (ARRAY(SELECT jsonb_array_elements_text(:p::jsonb -> 'ids')))
