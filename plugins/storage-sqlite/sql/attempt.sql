-- name: attempt.insert
INSERT INTO attempts (task_id, attempt, worker_id, status, started_at, deadline, lease_until)
SELECT r.value ->> 'task_id', r.value ->> 'attempt', r.value ->> 'worker_id', 'running',
       r.value ->> 'started_at', r.value ->> 'deadline', r.value ->> 'lease_until'
FROM json_each(:p, '$.rows') r

-- name: attempt.end
UPDATE attempts SET
    status = r.value ->> 'status', completed_at = r.value ->> 'completed_at',
    failure_kind = r.value ->> 'failure_kind', failure_phase = r.value ->> 'failure_phase',
    failure_message = r.value ->> 'failure_message', error_details = r.value ->> 'error_details',
    digest = r.value ->> 'digest', result = r.value ->> 'result',
    success = r.value ->> 'success', reward = r.value ->> 'reward',
    position = r.value ->> 'position'
FROM json_each(:p, '$.rows') r
WHERE attempts.task_id = r.value ->> 'task_id' AND attempts.attempt = r.value ->> 'attempt'
  AND attempts.status = 'running'
RETURNING json_quote(task_id)

-- name: attempt.renew
UPDATE attempts SET lease_until = r.value ->> 'lease_until',
                    handle = coalesce(r.value ->> 'handle', handle)
FROM json_each(:p, '$.rows') r
WHERE attempts.task_id = r.value ->> 'task_id' AND attempts.attempt = r.value ->> 'attempt'
  AND attempts.status = 'running'

-- name: attempt.renew_of_workers
UPDATE attempts SET lease_until = :p ->> 'lease_until'
WHERE status = 'running' AND worker_id IN (SELECT value FROM json_each(:p, '$.workers'))

-- name: attempt.of_tasks
SELECT v.json FROM attempt_json v
WHERE v.task_id IN (SELECT value FROM json_each(:p, '$.ids'))
ORDER BY v.task_id, v.attempt

-- name: attempt.load
SELECT v.json FROM json_each(:p, '$.rows') r
JOIN attempt_json v ON v.task_id = r.value ->> 'task_id' AND v.attempt = r.value ->> 'attempt'

-- name: attempt.running_of_worker
SELECT v.json FROM attempts a
JOIN attempt_json v ON v.task_id = a.task_id AND v.attempt = a.attempt
WHERE a.status = 'running' AND a.worker_id = :p ->> 'worker_id'
ORDER BY a.started_at, a.task_id

-- name: attempt.expired
-- The running ones are few beside the history, so no index on the times: renewals stay cheap.
SELECT v.json FROM attempts a
JOIN attempt_json v ON v.task_id = a.task_id AND v.attempt = a.attempt
WHERE a.status = 'running'
  AND (a.deadline <= :p ->> 'now'
       OR (:p ->> 'expire_leases' AND (a.lease_until <= :p ->> 'now'
                                       OR a.lease_until > :p ->> 'lease_horizon')))
ORDER BY min(a.deadline, a.lease_until), a.task_id
LIMIT :p ->> 'limit'

-- name: attempt.take_positions
-- The last one taken. The one writer needs no count kept for it.
SELECT json_object('position', coalesce(max(position), 0)) FROM attempts
WHERE position IS NOT NULL AND :p ->> 'count' > 0

-- name: attempt.feed
-- A bounded stretch of the feed, with what the filters need beside each row.
SELECT json_object('position', a.position, 'task_id', a.task_id, 'attempt', a.attempt,
                   'matches',
                   (:p ->> 'status' IS NULL OR a.status = :p ->> 'status')
                   AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
                   AND (:p ->> 'group_id' IS NULL OR coalesce(t.group_id = :p ->> 'group_id', 0)))
FROM attempts a JOIN tasks t ON t.id = a.task_id
WHERE a.position > :p ->> 'after' AND a.position IS NOT NULL
ORDER BY a.position
LIMIT :p ->> 'limit'
