-- name: event.insert
INSERT INTO events (task_id, seq, attempt, kind, at, number, ref, text, extra)
SELECT r.task_id, r.seq, r.attempt, r.kind, r.at, r.number, r.ref, r.text, r.extra
FROM jsonb_to_recordset(:p::jsonb -> 'rows') AS r (
    task_id text, seq bigint, attempt bigint, kind text, at bigint, number bigint, ref text,
    text text, extra text)

-- name: event.after
SELECT v.json FROM event_json v
WHERE v.task_id = :p::jsonb ->> 'task_id' AND v.seq > (:p::jsonb ->> 'after')::bigint
ORDER BY v.seq
LIMIT (:p::jsonb ->> 'limit')::bigint

-- name: event.logs
SELECT v.json FROM events e JOIN event_json v ON v.task_id = e.task_id AND v.seq = e.seq
WHERE e.task_id = :p::jsonb ->> 'task_id' AND e.seq > (:p::jsonb ->> 'after')::bigint
  AND e.kind = 'log' AND e.number >= (:p::jsonb ->> 'min_level')::bigint
  AND ((:p::jsonb ->> 'since') IS NULL OR e.at > (:p::jsonb ->> 'since')::bigint)
ORDER BY e.seq
LIMIT (:p::jsonb ->> 'limit')::bigint

-- name: event.steps
SELECT v.json FROM events e JOIN event_json v ON v.task_id = e.task_id AND v.seq = e.seq
WHERE e.task_id = :p::jsonb ->> 'task_id' AND e.kind = 'step'
  AND e.attempt = coalesce(nullif((:p::jsonb ->> 'attempt')::bigint, 0),
                           (SELECT t.attempt FROM tasks t WHERE t.id = :p::jsonb ->> 'task_id'))
ORDER BY e.number, e.seq

-- name: event.phases
SELECT json_build_object('task_id', e.task_id, 'ref', e.ref, 'text', e.text, 'at', e.at)::text
FROM tasks t JOIN events e ON e.task_id = t.id AND e.attempt = t.attempt AND e.kind = 'phase'
WHERE t.id = ANY (ARRAY(SELECT jsonb_array_elements_text(:p::jsonb -> 'ids')))
ORDER BY e.task_id, e.seq
