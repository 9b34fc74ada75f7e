-- name: key.find
SELECT json_object('space', k.space, 'key', k.key, 'fingerprint', k.fingerprint, 'tasks', k.tasks)
FROM json_each(:p, '$.rows') r
JOIN idempotency_keys k ON k.space = r.value ->> 'space' AND k.key = r.value ->> 'key'

-- name: key.insert
INSERT INTO idempotency_keys (space, key, fingerprint, tasks)
SELECT r.value ->> 'space', r.value ->> 'key', r.value ->> 'fingerprint', r.value ->> 'tasks'
FROM json_each(:p, '$.rows') r

-- name: count.add
INSERT INTO task_counts (scope, name, pending, running, completed, failed, timeout, cancelled,
                         successes, total)
SELECT r.value ->> 'scope', r.value ->> 'name', r.value ->> 'pending', r.value ->> 'running',
       r.value ->> 'completed', r.value ->> 'failed', r.value ->> 'timeout',
       r.value ->> 'cancelled', r.value ->> 'successes', r.value ->> 'total'
FROM json_each(:p, '$.rows') r
WHERE true
ON CONFLICT (scope, name) DO UPDATE SET
    pending = pending + excluded.pending, running = running + excluded.running,
    completed = completed + excluded.completed, failed = failed + excluded.failed,
    timeout = timeout + excluded.timeout, cancelled = cancelled + excluded.cancelled,
    successes = successes + excluded.successes, total = total + excluded.total

-- name: count.one
SELECT json_object('name', c.name, 'pending', c.pending, 'running', c.running,
                   'completed', c.completed, 'failed', c.failed, 'timeout', c.timeout,
                   'cancelled', c.cancelled, 'successes', c.successes)
FROM task_counts c WHERE c.scope = :p ->> 'scope' AND c.name = :p ->> 'name'

-- name: count.some
SELECT json_object('scope', c.scope, 'name', c.name, 'pending', c.pending, 'running', c.running,
                   'completed', c.completed, 'failed', c.failed, 'timeout', c.timeout,
                   'cancelled', c.cancelled, 'successes', c.successes)
FROM json_each(:p, '$.rows') k
JOIN task_counts c ON c.scope = k.value ->> 'scope' AND c.name = k.value ->> 'name'

-- name: count.largest
SELECT json_object('name', c.name, 'pending', c.pending, 'running', c.running,
                   'completed', c.completed, 'failed', c.failed, 'timeout', c.timeout,
                   'cancelled', c.cancelled, 'successes', c.successes)
FROM task_counts c WHERE c.scope = :p ->> 'scope'
ORDER BY c.total DESC, c.name
LIMIT :p ->> 'limit'

-- name: histogram.add
INSERT INTO histograms (scope, name, bucket, count, sum)
SELECT r.value ->> 'scope', r.value ->> 'name', r.value ->> 'bucket', r.value ->> 'count',
       r.value ->> 'sum'
FROM json_each(:p, '$.rows') r
WHERE true
ON CONFLICT (scope, name, bucket) DO UPDATE SET
    count = count + excluded.count, sum = sum + excluded.sum

-- name: histogram.read
SELECT json_object('bucket', h.bucket, 'count', h.count, 'sum', h.sum)
FROM histograms h WHERE h.scope = :p ->> 'scope' AND h.name = :p ->> 'name'
ORDER BY h.bucket

-- name: delivery.insert
INSERT INTO deliveries (id, task_id, status, url, tries, due_at)
SELECT r.value ->> 'id', r.value ->> 'task_id', r.value ->> 'status', r.value ->> 'url', 0,
       r.value ->> 'due_at'
FROM json_each(:p, '$.rows') r

-- name: delivery.take
UPDATE deliveries SET tries = tries + 1, due_at = :p ->> 'held_until'
WHERE id IN (SELECT d.id FROM deliveries d WHERE d.due_at <= :p ->> 'now'
             ORDER BY d.due_at, d.id LIMIT :p ->> 'limit')
RETURNING json_object('id', id, 'task_id', task_id, 'status', status, 'url', url,
                      'tries', tries - 1)

-- name: delivery.done
DELETE FROM deliveries WHERE id IN (SELECT value FROM json_each(:p, '$.ids'))

-- name: delivery.again
UPDATE deliveries SET due_at = r.value ->> 'due_at', tries = r.value ->> 'tries'
FROM json_each(:p, '$.rows') r
WHERE deliveries.id = r.value ->> 'id'

-- name: storage.now
-- None of its own: the one program that uses it has the time.
SELECT json_object('now', NULL, 'p', :p IS NOT NULL)

-- name: storage.ping
SELECT json_object('one', 1, 'p', :p IS NOT NULL)
