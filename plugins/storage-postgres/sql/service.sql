-- name: key.find
SELECT json_build_object('space', k.space, 'key', k.key, 'fingerprint', k.fingerprint,
                         'tasks', k.tasks)::text
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (space text, key text)
JOIN idempotency_keys k ON k.space = r.space AND k.key = r.key

-- name: key.insert
INSERT INTO idempotency_keys (space, key, fingerprint, tasks)
SELECT r.space, r.key, r.fingerprint, r.tasks
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    space text, key text, fingerprint text, tasks text)
ORDER BY r.space, r.key

-- name: count.add
INSERT INTO task_counts (scope, name, shard, pending, running, completed, failed, timeout,
                         cancelled, successes, total)
SELECT r.scope, r.name, current_setting('opslab.shard')::bigint, r.pending, r.running, r.completed,
       r.failed, r.timeout, r.cancelled, r.successes, r.total
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    scope text, name text, pending bigint, running bigint, completed bigint, failed bigint,
    timeout bigint, cancelled bigint, successes bigint, total bigint)
ORDER BY r.scope, r.name
ON CONFLICT (scope, name, shard) DO UPDATE SET
    pending = task_counts.pending + excluded.pending,
    running = task_counts.running + excluded.running,
    completed = task_counts.completed + excluded.completed,
    failed = task_counts.failed + excluded.failed,
    timeout = task_counts.timeout + excluded.timeout,
    cancelled = task_counts.cancelled + excluded.cancelled,
    successes = task_counts.successes + excluded.successes,
    total = task_counts.total + excluded.total

-- name: count.one
SELECT json_build_object(
    'name', c.name, 'pending', sum(c.pending)::bigint, 'running', sum(c.running)::bigint,
    'completed', sum(c.completed)::bigint, 'failed', sum(c.failed)::bigint,
    'timeout', sum(c.timeout)::bigint, 'cancelled', sum(c.cancelled)::bigint,
    'successes', sum(c.successes)::bigint)::text
FROM task_counts c WHERE c.scope = :p::jsonb ->> 'scope' AND c.name = :p::jsonb ->> 'name'
GROUP BY c.name

-- name: count.some
SELECT json_build_object(
    'scope', c.scope, 'name', c.name, 'pending', sum(c.pending)::bigint,
    'running', sum(c.running)::bigint, 'completed', sum(c.completed)::bigint,
    'failed', sum(c.failed)::bigint, 'timeout', sum(c.timeout)::bigint,
    'cancelled', sum(c.cancelled)::bigint, 'successes', sum(c.successes)::bigint)::text
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS k (scope text, name text)
JOIN task_counts c ON c.scope = k.scope AND c.name = k.name
GROUP BY c.scope, c.name

-- name: count.largest
SELECT json_build_object(
    'name', c.name, 'pending', sum(c.pending)::bigint, 'running', sum(c.running)::bigint,
    'completed', sum(c.completed)::bigint, 'failed', sum(c.failed)::bigint,
    'timeout', sum(c.timeout)::bigint, 'cancelled', sum(c.cancelled)::bigint,
    'successes', sum(c.successes)::bigint)::text
FROM task_counts c WHERE c.scope = :p::jsonb ->> 'scope'
GROUP BY c.name
ORDER BY sum(c.total) DESC, c.name
LIMIT (:p::jsonb ->> 'limit')::bigint

-- name: histogram.add
INSERT INTO histograms (scope, name, bucket, shard, count, sum)
SELECT r.scope, r.name, r.bucket, current_setting('opslab.shard')::bigint, r.count, r.sum
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    scope text, name text, bucket bigint, count bigint, sum bigint)
ORDER BY r.scope, r.name, r.bucket
ON CONFLICT (scope, name, bucket, shard) DO UPDATE SET
    count = histograms.count + excluded.count, sum = histograms.sum + excluded.sum

-- name: histogram.read
SELECT json_build_object('bucket', h.bucket, 'count', sum(h.count)::bigint,
                         'sum', sum(h.sum)::bigint)::text
FROM histograms h WHERE h.scope = :p::jsonb ->> 'scope' AND h.name = :p::jsonb ->> 'name'
GROUP BY h.bucket
ORDER BY h.bucket

-- name: delivery.insert
INSERT INTO deliveries (id, task_id, status, url, tries, due_at)
SELECT r.id, r.task_id, r.status, r.url, 0, r.due_at
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    id text, task_id text, status text, url text, due_at bigint)

-- name: delivery.take
WITH due AS MATERIALIZED (
    SELECT d.id FROM deliveries d WHERE d.due_at <= (:p::jsonb ->> 'now')::bigint
    ORDER BY d.due_at, d.id LIMIT (:p::jsonb ->> 'limit')::bigint
    FOR UPDATE SKIP LOCKED)
UPDATE deliveries SET tries = tries + 1, due_at = (:p::jsonb ->> 'held_until')::bigint
FROM due WHERE deliveries.id = due.id
RETURNING json_build_object('id', deliveries.id, 'task_id', deliveries.task_id,
                            'status', deliveries.status, 'url', deliveries.url,
                            'tries', deliveries.tries - 1)::text

-- name: delivery.done
DELETE FROM deliveries
WHERE id = ANY (ARRAY(SELECT jsonb_array_elements_text(:p::jsonb -> 'ids')))

-- name: delivery.again
UPDATE deliveries SET due_at = r.due_at, tries = r.tries
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (id text, due_at bigint, tries bigint)
WHERE deliveries.id = r.id

-- name: storage.now
SELECT json_build_object(
    'now', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
    'p', :p::jsonb IS NOT NULL)::text

-- name: storage.ping
SELECT json_build_object('one', 1, 'p', :p::jsonb IS NOT NULL)::text
