-- name: worker.lock
-- Nothing to do: one writer at a time.
SELECT json_quote(w.id) FROM workers w WHERE :p IS NULL

-- name: worker.load
SELECT v.json FROM worker_json v WHERE v.id IN (SELECT value FROM json_each(:p, '$.ids'))

-- name: worker.list
SELECT v.json FROM workers w JOIN worker_json v ON v.id = w.id
WHERE (:p ->> 'status' IS NULL OR w.status = :p ->> 'status')
  AND (:p ->> 'backend_type' IS NULL OR w.backend_type = :p ->> 'backend_type')
ORDER BY w.id

-- name: worker.enroll
-- Counters survive a new registration. Guarded: of two that come at once, one is told nothing.
INSERT INTO workers (id, backend_type, status, last_heartbeat, current_task_id, max_parallel_tasks,
                     supported_problems, capabilities, metadata, registered_at, tasks_completed,
                     tasks_failed)
VALUES (:p ->> 'id', :p ->> 'backend_type', 'idle', :p ->> 'now', NULL,
        :p ->> 'max_parallel_tasks', :p ->> 'supported_problems', :p ->> 'capabilities',
        :p ->> 'metadata', :p ->> 'now', 0, 0)
ON CONFLICT (id) DO UPDATE SET
    backend_type = excluded.backend_type, status = excluded.status,
    last_heartbeat = excluded.last_heartbeat, current_task_id = NULL,
    max_parallel_tasks = excluded.max_parallel_tasks,
    supported_problems = excluded.supported_problems, capabilities = excluded.capabilities,
    metadata = excluded.metadata, registered_at = excluded.registered_at, circuit_open = NULL
    WHERE workers.status = 'offline' OR :p ->> 'succeed' <> 0
RETURNING json_quote(id)

-- name: worker.beat
UPDATE workers SET status = r.value ->> 'status', current_task_id = r.value ->> 'current_task_id',
                   circuit_open = r.value ->> 'circuit_open',
                   last_heartbeat = :p ->> 'now'
FROM json_each(:p, '$.rows') r
WHERE workers.id = r.value ->> 'id'

-- name: worker.claimed
UPDATE workers SET status = 'busy', current_task_id = coalesce(current_task_id, :p ->> 'task_id')
WHERE id = :p ->> 'id'

-- name: worker.settle
-- After attempts ended: what it worked on is no longer so, and with nothing left it is idle.
UPDATE workers SET
    tasks_completed = tasks_completed + (r.value ->> 'completed'),
    tasks_failed = tasks_failed + (r.value ->> 'failed'),
    current_task_id = CASE WHEN EXISTS (SELECT 1 FROM json_each(r.value, '$.ended') e
                                        WHERE e.value = current_task_id)
                           THEN (SELECT a.task_id FROM attempts a
                                 WHERE a.worker_id = workers.id AND a.status = 'running'
                                 ORDER BY a.started_at, a.task_id LIMIT 1)
                           ELSE current_task_id END,
    status = CASE WHEN status = 'busy'
                       AND NOT EXISTS (SELECT 1 FROM attempts a
                                       WHERE a.worker_id = workers.id AND a.status = 'running')
                  THEN 'idle' ELSE status END
FROM json_each(:p, '$.rows') r
WHERE workers.id = r.value ->> 'id'

-- name: worker.retire
UPDATE workers SET status = 'offline', current_task_id = NULL WHERE id = :p ->> 'id'

-- name: worker.expire
UPDATE workers SET status = 'offline', current_task_id = NULL
WHERE status <> 'offline' AND (last_heartbeat <= :p ->> 'silent_since'
                               OR last_heartbeat > :p ->> 'heard_by')
RETURNING json_quote(id)

-- name: worker.forget
DELETE FROM workers
WHERE id IN (
    SELECT w.id FROM workers w
    WHERE w.status = 'offline' AND w.last_heartbeat <= :p ->> 'silent_since'
      AND NOT EXISTS (SELECT 1 FROM attempts a
                      WHERE a.worker_id = w.id AND a.status = 'running')
    ORDER BY w.id LIMIT :p ->> 'limit')
RETURNING json_quote(id)

-- name: worker.counts
SELECT json_object('status', w.status, 'count', count(*)) FROM workers w
WHERE :p IS NOT NULL
GROUP BY w.status

-- name: cancel.insert
INSERT INTO cancels (worker_id, task_id, told)
SELECT r.value ->> 'worker_id', r.value ->> 'task_id', 0 FROM json_each(:p, '$.rows') r
WHERE true
ON CONFLICT (worker_id, task_id) DO NOTHING

-- name: cancel.drop_heard
-- Told before and not named now: the worker has stopped it.
DELETE FROM cancels
WHERE told = 1
  AND EXISTS (SELECT 1 FROM json_each(:p, '$.rows') r
              WHERE r.value ->> 'id' = worker_id
                AND task_id IS NOT r.value ->> 'current_task_id')

-- name: cancel.tell
UPDATE cancels SET told = 1
WHERE worker_id IN (SELECT r.value ->> 'id' FROM json_each(:p, '$.rows') r)
RETURNING json_object('worker_id', worker_id, 'task_id', task_id)

-- name: cancel.drop_of_workers
DELETE FROM cancels WHERE worker_id IN (SELECT value FROM json_each(:p, '$.ids'))
