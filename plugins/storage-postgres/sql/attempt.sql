-- name: attempt.insert
INSERT INTO attempts (task_id, attempt, worker_id, status, started_at, deadline, lease_until)
SELECT r.task_id, r.attempt, r.worker_id, 'running', r.started_at, r.deadline, r.lease_until
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    task_id text, attempt bigint, worker_id text, started_at bigint, deadline bigint,
    lease_until bigint)

-- name: attempt.end
UPDATE attempts SET
    status = r.status, completed_at = r.completed_at, failure_kind = r.failure_kind,
    failure_phase = r.failure_phase, failure_message = r.failure_message,
    error_details = r.error_details, digest = r.digest, result = r.result, success = r.success,
    reward = r.reward, position = r.position
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    task_id text, attempt bigint, status text, completed_at bigint, failure_kind text,
    failure_phase text, failure_message text, error_details text, digest text, result text,
    success bigint, reward text, position bigint)
WHERE attempts.task_id = r.task_id AND attempts.attempt = r.attempt AND attempts.status = 'running'
RETURNING to_json(attempts.task_id)::text

-- name: attempt.renew
UPDATE attempts SET lease_until = r.lease_until, handle = coalesce(r.handle, attempts.handle)
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    task_id text, attempt bigint, lease_until bigint, handle text)
WHERE attempts.task_id = r.task_id AND attempts.attempt = r.attempt AND attempts.status = 'running'

-- name: attempt.renew_of_workers
-- What is locked is being renewed or ended just now. Waiting for it could be a deadlock.
WITH mine AS MATERIALIZED (
    SELECT a.task_id, a.attempt FROM attempts a
    WHERE a.status = 'running'
      AND a.worker_id = ANY (ARRAY(SELECT jsonb_array_elements_text(:p::jsonb -> 'workers')))
    FOR NO KEY UPDATE SKIP LOCKED)
UPDATE attempts SET lease_until = (:p::jsonb ->> 'lease_until')::bigint
FROM mine
WHERE attempts.task_id = mine.task_id AND attempts.attempt = mine.attempt

-- name: attempt.of_tasks
SELECT v.json FROM attempt_json v
WHERE v.task_id = ANY (ARRAY(SELECT jsonb_array_elements_text(:p::jsonb -> 'ids')))
ORDER BY v.task_id, v.attempt

-- name: attempt.load
SELECT v.json
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (task_id text, attempt bigint)
JOIN attempt_json v ON v.task_id = r.task_id AND v.attempt = r.attempt

-- name: attempt.running_of_worker
SELECT v.json FROM attempts a
JOIN attempt_json v ON v.task_id = a.task_id AND v.attempt = a.attempt
WHERE a.status = 'running' AND a.worker_id = :p::jsonb ->> 'worker_id'
ORDER BY a.started_at, a.task_id

-- name: attempt.expired
-- The running ones are few beside the history, so no index on the times: renewals stay cheap.
SELECT v.json FROM attempts a
JOIN attempt_json v ON v.task_id = a.task_id AND v.attempt = a.attempt
WHERE a.status = 'running'
  AND (a.deadline <= (:p::jsonb ->> 'now')::bigint
       OR ((:p::jsonb ->> 'expire_leases')::int <> 0
           AND (a.lease_until <= (:p::jsonb ->> 'now')::bigint
                OR a.lease_until > (:p::jsonb ->> 'lease_horizon')::bigint)))
ORDER BY least(a.deadline, a.lease_until), a.task_id
LIMIT (:p::jsonb ->> 'limit')::bigint

-- name: attempt.take_positions
-- Whoever ends attempts next waits here for our commit.
UPDATE feed_head SET position = position + (:p::jsonb ->> 'count')::bigint
RETURNING json_build_object('position', position - (:p::jsonb ->> 'count')::bigint)::text

-- name: attempt.feed
-- A bounded stretch of the feed, with what the filters need beside each row.
SELECT json_build_object(
    'position', a.position, 'task_id', a.task_id, 'attempt', a.attempt, 'matches',
    (((:p::jsonb ->> 'status') IS NULL OR a.status = (:p::jsonb ->> 'status'))
     AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
     AND ((:p::jsonb ->> 'group_id') IS NULL
          OR coalesce(t.group_id = (:p::jsonb ->> 'group_id'), false)))::int)::text
FROM attempts a JOIN tasks t ON t.id = a.task_id
WHERE a.position > (:p::jsonb ->> 'after')::bigint AND a.position IS NOT NULL
ORDER BY a.position
LIMIT (:p::jsonb ->> 'limit')::bigint
