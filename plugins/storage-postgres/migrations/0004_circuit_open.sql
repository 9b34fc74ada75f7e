-- Why a worker claims nothing for now, in its own words; null where it claims.
ALTER TABLE workers ADD COLUMN circuit_open TEXT;

DROP VIEW worker_json;
CREATE VIEW worker_json AS
SELECT w.id AS id, json_build_object(
    'id', w.id, 'backend_type', w.backend_type, 'status', w.status,
    'last_heartbeat', w.last_heartbeat, 'current_task_id', w.current_task_id,
    'max_parallel_tasks', w.max_parallel_tasks, 'supported_problems', w.supported_problems,
    'capabilities', w.capabilities, 'metadata', w.metadata, 'registered_at', w.registered_at,
    'tasks_completed', w.tasks_completed, 'tasks_failed', w.tasks_failed,
    'circuit_open', w.circuit_open,
    'running', (SELECT count(*) FROM attempts a
                WHERE a.worker_id = w.id AND a.status = 'running'))::text AS json
FROM workers w;
