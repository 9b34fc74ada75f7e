-- name: event.insert
INSERT INTO events (task_id, seq, attempt, kind, at, number, ref, text, extra)
SELECT r.value ->> 'task_id', r.value ->> 'seq', r.value ->> 'attempt', r.value ->> 'kind',
       r.value ->> 'at', r.value ->> 'number', r.value ->> 'ref', r.value ->> 'text',
       r.value ->> 'extra'
FROM json_each(:p, '$.rows') r

-- name: event.after
SELECT v.json FROM event_json v
WHERE v.task_id = :p ->> 'task_id' AND v.seq > :p ->> 'after'
ORDER BY v.seq
LIMIT :p ->> 'limit'

-- name: event.logs
SELECT v.json FROM events e JOIN event_json v ON v.task_id = e.task_id AND v.seq = e.seq
WHERE e.task_id = :p ->> 'task_id' AND e.seq > :p ->> 'after'
  AND e.kind = 'log' AND e.number >= :p ->> 'min_level'
  AND (:p ->> 'since' IS NULL OR e.at > :p ->> 'since')
ORDER BY e.seq
LIMIT :p ->> 'limit'

-- name: event.steps
SELECT v.json FROM events e JOIN event_json v ON v.task_id = e.task_id AND v.seq = e.seq
WHERE e.task_id = :p ->> 'task_id' AND e.kind = 'step'
  AND e.attempt = coalesce(nullif(:p ->> 'attempt', 0),
                           (SELECT t.attempt FROM tasks t WHERE t.id = :p ->> 'task_id'))
ORDER BY e.number, e.seq

-- name: event.phases
SELECT json_object('task_id', e.task_id, 'ref', e.ref, 'text', e.text, 'at', e.at)
FROM tasks t JOIN events e ON e.task_id = t.id AND e.attempt = t.attempt AND e.kind = 'phase'
WHERE t.id IN (SELECT value FROM json_each(:p, '$.ids'))
ORDER BY e.task_id, e.seq
