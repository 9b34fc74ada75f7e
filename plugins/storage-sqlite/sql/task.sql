-- Every statement takes one parameter, :p, a JSON object, and answers one column of JSON text.

-- name: task.insert
INSERT INTO tasks (id, problem_id, status, priority, backend_type, group_id, attempt, max_steps,
                   timeout_minutes, max_retries, created_at, updated_at, last_seq)
SELECT r.value ->> 'id', r.value ->> 'problem_id', 'pending', r.value ->> 'priority',
       r.value ->> 'backend_type', r.value ->> 'group_id', 0, r.value ->> 'max_steps',
       r.value ->> 'timeout_minutes', r.value ->> 'max_retries', r.value ->> 'created_at',
       r.value ->> 'created_at', r.value ->> 'last_seq'
FROM json_each(:p, '$.rows') r

-- name: task.insert_inputs
INSERT INTO task_inputs (task_id, agent_config, metadata, callback_url, request_id, traceparent)
SELECT r.value ->> 'id', r.value ->> 'agent_config', r.value ->> 'metadata',
       r.value ->> 'callback_url', r.value ->> 'request_id', r.value ->> 'traceparent'
FROM json_each(:p, '$.rows') r

-- name: task.lock
-- Nothing to do: one writer at a time.
SELECT json_quote(t.id) FROM tasks t WHERE :p IS NULL

-- name: task.load
SELECT v.json FROM task_json v WHERE v.id IN (SELECT value FROM json_each(:p, '$.ids'))

-- name: task.fence
-- What a worker's write is checked against; without the task's texts, which may be large.
SELECT json_object('id', t.id, 'status', t.status, 'attempt', t.attempt,
                   'worker_id', t.worker_id, 'last_seq', t.last_seq, 'deadline', a.deadline)
FROM tasks t LEFT JOIN attempts a ON a.task_id = t.id AND a.attempt = t.attempt
WHERE t.id IN (SELECT value FROM json_each(:p, '$.ids'))

-- name: task.update
-- Guarded by the status that the decision was made on.
UPDATE tasks SET
    status = r.value ->> 'status', worker_id = r.value ->> 'worker_id',
    attempt = r.value ->> 'attempt', updated_at = r.value ->> 'updated_at',
    started_at = r.value ->> 'started_at', completed_at = r.value ->> 'completed_at',
    not_before = r.value ->> 'not_before', last_seq = r.value ->> 'last_seq'
FROM json_each(:p, '$.rows') r
WHERE tasks.id = r.value ->> 'id' AND tasks.status = r.value ->> 'from'
RETURNING json_quote(id)

-- name: task.advance
UPDATE tasks SET last_seq = r.value ->> 'last_seq'
FROM json_each(:p, '$.rows') r
WHERE tasks.id = r.value ->> 'id'

-- name: task.claimable
-- Those of the backend and those of any, each in the order of its index: a task that the worker may
-- not take costs nothing.
SELECT v.json
FROM (SELECT id FROM (
        SELECT * FROM (
            SELECT t.id AS id, t.priority AS priority, t.created_at AS created_at FROM tasks t
            WHERE t.status = 'pending' AND coalesce(t.backend_type, '') = :p ->> 'backend_type'
              AND (t.not_before IS NULL OR t.not_before <= :p ->> 'now')
              AND (json_array_length(:p, '$.globs') = 0
                   OR EXISTS (SELECT 1 FROM json_each(:p, '$.globs') g
                              WHERE opslab_glob(g.value, t.problem_id)))
            ORDER BY t.priority DESC, t.created_at, t.id
            LIMIT :p ->> 'limit')
        UNION ALL
        SELECT * FROM (
            SELECT t.id AS id, t.priority AS priority, t.created_at AS created_at FROM tasks t
            WHERE t.status = 'pending' AND coalesce(t.backend_type, '') = ''
              AND (t.not_before IS NULL OR t.not_before <= :p ->> 'now')
              AND (json_array_length(:p, '$.globs') = 0
                   OR EXISTS (SELECT 1 FROM json_each(:p, '$.globs') g
                              WHERE opslab_glob(g.value, t.problem_id)))
            ORDER BY t.priority DESC, t.created_at, t.id
            LIMIT :p ->> 'limit')
      ) ORDER BY priority DESC, created_at, id
      LIMIT :p ->> 'limit') c
JOIN task_json v ON v.id = c.id

-- name: task.take
-- The same: nobody else can be taking.
SELECT v.json
FROM (SELECT id FROM (
        SELECT * FROM (
            SELECT t.id AS id, t.priority AS priority, t.created_at AS created_at FROM tasks t
            WHERE t.status = 'pending' AND coalesce(t.backend_type, '') = :p ->> 'backend_type'
              AND (t.not_before IS NULL OR t.not_before <= :p ->> 'now')
              AND (json_array_length(:p, '$.globs') = 0
                   OR EXISTS (SELECT 1 FROM json_each(:p, '$.globs') g
                              WHERE opslab_glob(g.value, t.problem_id)))
            ORDER BY t.priority DESC, t.created_at, t.id
            LIMIT :p ->> 'limit')
        UNION ALL
        SELECT * FROM (
            SELECT t.id AS id, t.priority AS priority, t.created_at AS created_at FROM tasks t
            WHERE t.status = 'pending' AND coalesce(t.backend_type, '') = ''
              AND (t.not_before IS NULL OR t.not_before <= :p ->> 'now')
              AND (json_array_length(:p, '$.globs') = 0
                   OR EXISTS (SELECT 1 FROM json_each(:p, '$.globs') g
                              WHERE opslab_glob(g.value, t.problem_id)))
            ORDER BY t.priority DESC, t.created_at, t.id
            LIMIT :p ->> 'limit')
      ) ORDER BY priority DESC, created_at, id
      LIMIT :p ->> 'limit') c
JOIN task_json v ON v.id = c.id

-- name: task.outlook
SELECT json_object(
    'last_seq', t.last_seq,
    'problem_id', t.problem_id,
    'lease_until', CASE WHEN t.status = 'running' THEN a.lease_until END,
    'ahead', CASE WHEN t.status = 'pending' THEN
        (SELECT count(*) FROM tasks o
         WHERE o.status = 'pending'
           AND (o.not_before IS NULL OR o.not_before <= :p ->> 'now')
           AND (t.backend_type IS NULL OR o.backend_type IS NULL
                OR o.backend_type = t.backend_type)
           AND (o.priority > t.priority
                OR (o.priority = t.priority AND (o.created_at, o.id) < (t.created_at, t.id))))
        ELSE 0 END)
FROM tasks t LEFT JOIN attempts a ON a.task_id = t.id AND a.attempt = t.attempt
WHERE t.id = :p ->> 'id'

-- How many tasks pass several filters; a variant for the filter whose index serves it.

-- name: task.count_group
SELECT json_object('total', count(*)) FROM tasks t
WHERE t.group_id = :p ->> 'group_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')

-- name: task.count_worker
SELECT json_object('total', count(*)) FROM tasks t
WHERE t.worker_id = :p ->> 'worker_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')

-- name: task.count_problem
SELECT json_object('total', count(*)) FROM tasks t
WHERE t.problem_id = :p ->> 'problem_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')

-- name: task.count_backend
SELECT json_object('total', count(*)) FROM tasks t
WHERE t.backend_type = :p ->> 'backend_type'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')

-- name: task.count_status
SELECT json_object('total', count(*)) FROM tasks t
WHERE t.status = :p ->> 'status'
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
