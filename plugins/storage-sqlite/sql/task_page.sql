-- One page of ids. A variant for each sort order and for the most selective filter, which its index
-- serves; the other filters are looked at row by row. Keyset: `value` and `id` are those of the
-- last row of the page before.

-- name: task.page_any_created_up
SELECT json_quote(t.id) FROM tasks t
WHERE (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.created_at, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_any_created_down
SELECT json_quote(t.id) FROM tasks t
WHERE (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.created_at, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_any_priority_up
SELECT json_quote(t.id) FROM tasks t
WHERE (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.priority, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_any_priority_down
SELECT json_quote(t.id) FROM tasks t
WHERE (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.priority, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_group_created_up
SELECT json_quote(t.id) FROM tasks t
WHERE t.group_id = :p ->> 'group_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (t.created_at, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_group_created_down
SELECT json_quote(t.id) FROM tasks t
WHERE t.group_id = :p ->> 'group_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (t.created_at, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_group_priority_up
SELECT json_quote(t.id) FROM tasks t
WHERE t.group_id = :p ->> 'group_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (t.priority, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_group_priority_down
SELECT json_quote(t.id) FROM tasks t
WHERE t.group_id = :p ->> 'group_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (t.priority, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_worker_created_up
SELECT json_quote(t.id) FROM tasks t
WHERE t.worker_id = :p ->> 'worker_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.created_at, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_worker_created_down
SELECT json_quote(t.id) FROM tasks t
WHERE t.worker_id = :p ->> 'worker_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.created_at, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_worker_priority_up
SELECT json_quote(t.id) FROM tasks t
WHERE t.worker_id = :p ->> 'worker_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.priority, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_worker_priority_down
SELECT json_quote(t.id) FROM tasks t
WHERE t.worker_id = :p ->> 'worker_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.priority, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_problem_created_up
SELECT json_quote(t.id) FROM tasks t
WHERE t.problem_id = :p ->> 'problem_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.created_at, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_problem_created_down
SELECT json_quote(t.id) FROM tasks t
WHERE t.problem_id = :p ->> 'problem_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.created_at, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_problem_priority_up
SELECT json_quote(t.id) FROM tasks t
WHERE t.problem_id = :p ->> 'problem_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.priority, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_problem_priority_down
SELECT json_quote(t.id) FROM tasks t
WHERE t.problem_id = :p ->> 'problem_id'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.priority, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_backend_created_up
SELECT json_quote(t.id) FROM tasks t
WHERE t.backend_type = :p ->> 'backend_type'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.created_at, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_backend_created_down
SELECT json_quote(t.id) FROM tasks t
WHERE t.backend_type = :p ->> 'backend_type'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.created_at, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_backend_priority_up
SELECT json_quote(t.id) FROM tasks t
WHERE t.backend_type = :p ->> 'backend_type'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.priority, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_backend_priority_down
SELECT json_quote(t.id) FROM tasks t
WHERE t.backend_type = :p ->> 'backend_type'
  AND (:p ->> 'status' IS NULL OR t.status = :p ->> 'status')
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.priority, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_status_created_up
SELECT json_quote(t.id) FROM tasks t
WHERE t.status = :p ->> 'status'
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.created_at, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_status_created_down
SELECT json_quote(t.id) FROM tasks t
WHERE t.status = :p ->> 'status'
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.created_at, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.created_at DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_status_priority_up
SELECT json_quote(t.id) FROM tasks t
WHERE t.status = :p ->> 'status'
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.priority, t.id) > (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority, t.id
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'

-- name: task.page_status_priority_down
SELECT json_quote(t.id) FROM tasks t
WHERE t.status = :p ->> 'status'
  AND (:p ->> 'problem_id' IS NULL OR t.problem_id = :p ->> 'problem_id')
  AND (:p ->> 'worker_id' IS NULL OR t.worker_id = :p ->> 'worker_id')
  AND (:p ->> 'backend_type' IS NULL OR t.backend_type = :p ->> 'backend_type')
  AND (:p ->> 'group_id' IS NULL OR t.group_id = :p ->> 'group_id')
  AND (t.priority, t.id) < (:p ->> 'value', :p ->> 'id')
ORDER BY t.priority DESC, t.id DESC
LIMIT :p ->> 'limit' OFFSET :p ->> 'offset'
