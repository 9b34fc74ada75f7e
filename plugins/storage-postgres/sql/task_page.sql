-- Planned with the values (plan_cache_mode), so that a filter that is null costs nothing.
-- One page of ids. A variant for each sort order and for the most selective filter, which its index
-- serves; the other filters are looked at row by row. Keyset: `value` and `id` are those of the
-- last row of the page before.

-- name: task.page_any_created_up
SELECT to_json(t.id)::text FROM tasks t
WHERE ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.created_at, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_any_created_down
SELECT to_json(t.id)::text FROM tasks t
WHERE ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.created_at, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_any_priority_up
SELECT to_json(t.id)::text FROM tasks t
WHERE ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.priority, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_any_priority_down
SELECT to_json(t.id)::text FROM tasks t
WHERE ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.priority, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_group_created_up
SELECT to_json(t.id)::text FROM tasks t
WHERE t.group_id = (:p::jsonb ->> 'group_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND (t.created_at, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_group_created_down
SELECT to_json(t.id)::text FROM tasks t
WHERE t.group_id = (:p::jsonb ->> 'group_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND (t.created_at, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_group_priority_up
SELECT to_json(t.id)::text FROM tasks t
WHERE t.group_id = (:p::jsonb ->> 'group_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND (t.priority, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_group_priority_down
SELECT to_json(t.id)::text FROM tasks t
WHERE t.group_id = (:p::jsonb ->> 'group_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND (t.priority, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_worker_created_up
SELECT to_json(t.id)::text FROM tasks t
WHERE t.worker_id = (:p::jsonb ->> 'worker_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.created_at, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_worker_created_down
SELECT to_json(t.id)::text FROM tasks t
WHERE t.worker_id = (:p::jsonb ->> 'worker_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.created_at, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_worker_priority_up
SELECT to_json(t.id)::text FROM tasks t
WHERE t.worker_id = (:p::jsonb ->> 'worker_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.priority, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_worker_priority_down
SELECT to_json(t.id)::text FROM tasks t
WHERE t.worker_id = (:p::jsonb ->> 'worker_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.priority, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_problem_created_up
SELECT to_json(t.id)::text FROM tasks t
WHERE t.problem_id = (:p::jsonb ->> 'problem_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.created_at, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_problem_created_down
SELECT to_json(t.id)::text FROM tasks t
WHERE t.problem_id = (:p::jsonb ->> 'problem_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.created_at, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_problem_priority_up
SELECT to_json(t.id)::text FROM tasks t
WHERE t.problem_id = (:p::jsonb ->> 'problem_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.priority, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_problem_priority_down
SELECT to_json(t.id)::text FROM tasks t
WHERE t.problem_id = (:p::jsonb ->> 'problem_id')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.priority, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_backend_created_up
SELECT to_json(t.id)::text FROM tasks t
WHERE t.backend_type = (:p::jsonb ->> 'backend_type')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.created_at, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_backend_created_down
SELECT to_json(t.id)::text FROM tasks t
WHERE t.backend_type = (:p::jsonb ->> 'backend_type')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.created_at, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_backend_priority_up
SELECT to_json(t.id)::text FROM tasks t
WHERE t.backend_type = (:p::jsonb ->> 'backend_type')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.priority, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_backend_priority_down
SELECT to_json(t.id)::text FROM tasks t
WHERE t.backend_type = (:p::jsonb ->> 'backend_type')
  AND ((:p::jsonb ->> 'status') IS NULL OR t.status = (:p::jsonb ->> 'status'))
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.priority, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_status_created_up
SELECT to_json(t.id)::text FROM tasks t
WHERE t.status = (:p::jsonb ->> 'status')
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.created_at, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_status_created_down
SELECT to_json(t.id)::text FROM tasks t
WHERE t.status = (:p::jsonb ->> 'status')
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.created_at, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.created_at DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_status_priority_up
SELECT to_json(t.id)::text FROM tasks t
WHERE t.status = (:p::jsonb ->> 'status')
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.priority, t.id) > ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority, t.id
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint

-- name: task.page_status_priority_down
SELECT to_json(t.id)::text FROM tasks t
WHERE t.status = (:p::jsonb ->> 'status')
  AND ((:p::jsonb ->> 'problem_id') IS NULL OR t.problem_id = (:p::jsonb ->> 'problem_id'))
  AND ((:p::jsonb ->> 'worker_id') IS NULL OR t.worker_id = (:p::jsonb ->> 'worker_id'))
  AND ((:p::jsonb ->> 'backend_type') IS NULL OR t.backend_type = (:p::jsonb ->> 'backend_type'))
  AND ((:p::jsonb ->> 'group_id') IS NULL OR t.group_id = (:p::jsonb ->> 'group_id'))
  AND (t.priority, t.id) < ((:p::jsonb ->> 'value')::bigint, (:p::jsonb ->> 'id'))
ORDER BY t.priority DESC, t.id DESC
LIMIT (:p::jsonb ->> 'limit')::bigint OFFSET (:p::jsonb ->> 'offset')::bigint
