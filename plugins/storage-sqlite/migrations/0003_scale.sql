-- A claim reads the pending tasks of its backend and those of any, each in claim order, and meets no
-- other's. An expression, since an index on a column that is null has no order that PostgreSQL trusts.
CREATE INDEX tasks_claim_by_backend
    ON tasks ((coalesce(backend_type, '')), priority DESC, created_at, id)
    WHERE status = 'pending';
DROP INDEX tasks_claim;

-- Totals of lists by backend, by group and by the worker that has or had the task (`holder`).
INSERT INTO task_counts (scope, name, pending, running, completed, failed, timeout,
                         cancelled, successes, total)
SELECT 'backend', backend_type, count(*) FILTER (WHERE status = 'pending'),
       count(*) FILTER (WHERE status = 'running'), count(*) FILTER (WHERE status = 'completed'),
       count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'timeout'),
       count(*) FILTER (WHERE status = 'cancelled'), 0, count(*)
FROM tasks WHERE backend_type IS NOT NULL GROUP BY backend_type;
INSERT INTO task_counts (scope, name, pending, running, completed, failed, timeout,
                         cancelled, successes, total)
SELECT 'group', group_id, count(*) FILTER (WHERE status = 'pending'),
       count(*) FILTER (WHERE status = 'running'), count(*) FILTER (WHERE status = 'completed'),
       count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'timeout'),
       count(*) FILTER (WHERE status = 'cancelled'), 0, count(*)
FROM tasks WHERE group_id IS NOT NULL GROUP BY group_id;
INSERT INTO task_counts (scope, name, pending, running, completed, failed, timeout,
                         cancelled, successes, total)
SELECT 'holder', worker_id, count(*) FILTER (WHERE status = 'pending'),
       count(*) FILTER (WHERE status = 'running'), count(*) FILTER (WHERE status = 'completed'),
       count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'timeout'),
       count(*) FILTER (WHERE status = 'cancelled'), 0, count(*)
FROM tasks WHERE worker_id IS NOT NULL GROUP BY worker_id;
