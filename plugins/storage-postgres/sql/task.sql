-- Every statement takes one parameter, :p, a JSON object, and answers one column of JSON text.

-- name: task.insert
INSERT INTO tasks (id, problem_id, status, priority, backend_type, group_id, attempt, max_steps,
                   timeout_minutes, max_retries, created_at, updated_at, last_seq)
SELECT r.id, r.problem_id, 'pending', r.priority, r.backend_type, r.group_id, 0, r.max_steps,
       r.timeout_minutes, r.max_retries, r.created_at, r.created_at, r.last_seq
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    id text, problem_id text, priority bigint, backend_type text, group_id text, max_steps bigint,
    timeout_minutes bigint, max_retries bigint, created_at bigint, last_seq bigint)

-- name: task.insert_inputs
INSERT INTO task_inputs (task_id, agent_config, metadata, callback_url, request_id, traceparent)
SELECT r.id, r.agent_config, r.metadata, r.callback_url, r.request_id, r.traceparent
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    id text, agent_config text, metadata text, callback_url text, request_id text,
    traceparent text)

-- name: task.lock
-- In the order of ids, everywhere: two that lock the same rows cannot wait for each other.
SELECT to_json(t.id)::text FROM tasks t
WHERE t.id = ANY (ARRAY(SELECT jsonb_array_elements_text(:p::jsonb -> 'ids')))
ORDER BY t.id
FOR NO KEY UPDATE

-- name: task.load
SELECT v.json FROM task_json v
WHERE v.id = ANY (ARRAY(SELECT jsonb_array_elements_text(:p::jsonb -> 'ids')))

-- name: task.fence
-- What a worker's write is checked against; without the task's texts, which may be large.
SELECT json_build_object(
    'id', t.id, 'status', t.status, 'attempt', t.attempt, 'worker_id', t.worker_id,
    'last_seq', t.last_seq, 'deadline', a.deadline)::text
FROM tasks t LEFT JOIN attempts a ON a.task_id = t.id AND a.attempt = t.attempt
WHERE t.id = ANY (ARRAY(SELECT jsonb_array_elements_text(:p::jsonb -> 'ids')))

-- name: task.update
-- Guarded by the status that the decision was made on.
UPDATE tasks SET
    status = r.status, worker_id = r.worker_id, attempt = r.attempt, updated_at = r.updated_at,
    started_at = r.started_at, completed_at = r.completed_at, not_before = r.not_before,
    last_seq = r.last_seq
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    id text, "from" text, status text, worker_id text, attempt bigint, updated_at bigint,
    started_at bigint, completed_at bigint, not_before bigint, last_seq bigint)
WHERE tasks.id = r.id AND tasks.status = r."from"
RETURNING to_json(tasks.id)::text

-- name: task.advance
UPDATE tasks SET last_seq = r.last_seq
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (id text, last_seq bigint)
WHERE tasks.id = r.id

-- name: task.claimable
-- What a claim would give, without a lock: those of the backend and those of any, each in the order
-- of its index, so that a task that the worker may not take costs nothing.
SELECT v.json
FROM (SELECT u.id FROM (
          (SELECT true AS own, t.priority, t.created_at, t.id FROM tasks t
           WHERE t.status = 'pending' AND coalesce(t.backend_type, '') = (:p::jsonb ->> 'backend_type')
             AND (t.not_before IS NULL OR t.not_before <= (:p::jsonb ->> 'now')::bigint)
             AND (jsonb_array_length(:p::jsonb -> 'globs') = 0
                  OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(:p::jsonb -> 'globs') g
                             WHERE opslab_glob(g, t.problem_id)))
           ORDER BY t.priority DESC, t.created_at, t.id
           LIMIT (:p::jsonb ->> 'limit')::bigint)
          UNION ALL
          (SELECT false AS own, t.priority, t.created_at, t.id FROM tasks t
           WHERE t.status = 'pending' AND coalesce(t.backend_type, '') = ''
             AND (t.not_before IS NULL OR t.not_before <= (:p::jsonb ->> 'now')::bigint)
             AND (jsonb_array_length(:p::jsonb -> 'globs') = 0
                  OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(:p::jsonb -> 'globs') g
                             WHERE opslab_glob(g, t.problem_id)))
           ORDER BY t.priority DESC, t.created_at, t.id
           LIMIT (:p::jsonb ->> 'limit')::bigint)
      ) u ORDER BY u.priority DESC, u.created_at, u.id
      LIMIT (:p::jsonb ->> 'limit')::bigint) c
JOIN task_json v ON v.id = c.id

-- name: task.take
-- The same, locked; what another transaction has locked is left to it. `due` says how many of each
-- kind there are to take, since a lock on more than is taken would hide tasks from others; `anyones`
-- and `more` make up for what others hold.
WITH due AS MATERIALIZED (
    SELECT u.own FROM (
        (SELECT true AS own, t.priority, t.created_at, t.id FROM tasks t
         WHERE t.status = 'pending' AND coalesce(t.backend_type, '') = (:p::jsonb ->> 'backend_type')
           AND (t.not_before IS NULL OR t.not_before <= (:p::jsonb ->> 'now')::bigint)
           AND (jsonb_array_length(:p::jsonb -> 'globs') = 0
                OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(:p::jsonb -> 'globs') g
                           WHERE opslab_glob(g, t.problem_id)))
         ORDER BY t.priority DESC, t.created_at, t.id
         LIMIT (:p::jsonb ->> 'limit')::bigint)
        UNION ALL
        (SELECT false AS own, t.priority, t.created_at, t.id FROM tasks t
         WHERE t.status = 'pending' AND coalesce(t.backend_type, '') = ''
           AND (t.not_before IS NULL OR t.not_before <= (:p::jsonb ->> 'now')::bigint)
           AND (jsonb_array_length(:p::jsonb -> 'globs') = 0
                OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(:p::jsonb -> 'globs') g
                           WHERE opslab_glob(g, t.problem_id)))
         ORDER BY t.priority DESC, t.created_at, t.id
         LIMIT (:p::jsonb ->> 'limit')::bigint)
    ) u ORDER BY u.priority DESC, u.created_at, u.id
    LIMIT (:p::jsonb ->> 'limit')::bigint),
own AS MATERIALIZED (
    SELECT t.id FROM tasks t
    WHERE t.status = 'pending' AND coalesce(t.backend_type, '') = (:p::jsonb ->> 'backend_type')
      AND (t.not_before IS NULL OR t.not_before <= (:p::jsonb ->> 'now')::bigint)
      AND (jsonb_array_length(:p::jsonb -> 'globs') = 0
           OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(:p::jsonb -> 'globs') g
                      WHERE opslab_glob(g, t.problem_id)))
    ORDER BY t.priority DESC, t.created_at, t.id
    LIMIT (SELECT count(*) FROM due WHERE due.own)
    FOR NO KEY UPDATE SKIP LOCKED),
anyones AS MATERIALIZED (
    SELECT t.id FROM tasks t
    WHERE t.status = 'pending' AND coalesce(t.backend_type, '') = ''
      AND (t.not_before IS NULL OR t.not_before <= (:p::jsonb ->> 'now')::bigint)
      AND (jsonb_array_length(:p::jsonb -> 'globs') = 0
           OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(:p::jsonb -> 'globs') g
                      WHERE opslab_glob(g, t.problem_id)))
    ORDER BY t.priority DESC, t.created_at, t.id
    LIMIT (SELECT count(*) FROM due) - (SELECT count(*) FROM own)
    FOR NO KEY UPDATE SKIP LOCKED),
more AS MATERIALIZED (
    SELECT t.id FROM tasks t
    WHERE t.status = 'pending' AND coalesce(t.backend_type, '') = (:p::jsonb ->> 'backend_type')
      AND (t.not_before IS NULL OR t.not_before <= (:p::jsonb ->> 'now')::bigint)
      AND (jsonb_array_length(:p::jsonb -> 'globs') = 0
           OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(:p::jsonb -> 'globs') g
                      WHERE opslab_glob(g, t.problem_id)))
      AND t.id NOT IN (SELECT id FROM own)
    ORDER BY t.priority DESC, t.created_at, t.id
    LIMIT (SELECT count(*) FROM due) - (SELECT count(*) FROM own)
          - (SELECT count(*) FROM anyones)
    FOR NO KEY UPDATE SKIP LOCKED)
SELECT v.json
FROM (SELECT id FROM own UNION ALL SELECT id FROM anyones UNION ALL SELECT id FROM more) c
JOIN task_json v ON v.id = c.id

-- name: task.outlook
SELECT json_build_object(
    'last_seq', t.last_seq,
    'problem_id', t.problem_id,
    'lease_until', CASE WHEN t.status = 'running' THEN a.lease_until END,
    'ahead', CASE WHEN t.status = 'pending' THEN
        (SELECT count(*) FROM tasks o
         WHERE o.status = 'pending'
           AND (o.not_before IS NULL OR o.not_before <= (:p::jsonb ->> 'now')::bigint)
           AND (t.backend_type IS NULL OR o.backend_type IS NULL
                OR o.backend_type = t.backend_type)
           AND (o.priority > t.priority
                OR (o.priority = t.priority AND (o.created_at, o.id) < (t.created_at, t.id))))
        ELSE 0 END)::text
FROM tasks t LEFT JOIN attempts a ON a.task_id = t.id AND a.attempt = t.attempt
WHERE t.id = :p::jsonb ->> 'id'

-- How many tasks pass several filters; the planner knows the values and which index serves best.

-- name: task.count_group
SELECT json_build_object('total', count(*))::text FROM tasks t
WHERE t.group_id = (:p::jsonb ->> 'group_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))

-- name: task.count_worker
SELECT json_build_object('total', count(*))::text FROM tasks t
WHERE t.worker_id = (:p::jsonb ->> 'worker_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))

-- name: task.count_problem
SELECT json_build_object('total', count(*))::text FROM tasks t
WHERE t.problem_id = (:p::jsonb ->> 'problem_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))

-- name: task.count_backend
SELECT json_build_object('total', count(*))::text FROM tasks t
WHERE t.backend_type = (:p::jsonb ->> 'backend_type')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))

-- name: task.count_status
SELECT json_build_object('total', count(*))::text FROM tasks t
WHERE t.status = (:p::jsonb ->> 'status')
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
