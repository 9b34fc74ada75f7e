-- Where a submission came from: for logs and traces.
ALTER TABLE task_inputs ADD COLUMN request_id TEXT COLLATE "C";
ALTER TABLE task_inputs ADD COLUMN traceparent TEXT COLLATE "C";

CREATE OR REPLACE VIEW task_json AS
SELECT t.id AS id, json_build_object(
    'id', t.id, 'problem_id', t.problem_id, 'status', t.status, 'priority', t.priority,
    'backend_type', t.backend_type, 'group_id', t.group_id, 'worker_id', t.worker_id,
    'attempt', t.attempt, 'max_steps', t.max_steps, 'timeout_minutes', t.timeout_minutes,
    'max_retries', t.max_retries, 'created_at', t.created_at, 'updated_at', t.updated_at,
    'started_at', t.started_at, 'completed_at', t.completed_at, 'not_before', t.not_before,
    'last_seq', t.last_seq, 'agent_config', i.agent_config, 'metadata', i.metadata,
    'callback_url', i.callback_url, 'request_id', i.request_id, 'traceparent', i.traceparent)::text AS json
FROM tasks t JOIN task_inputs i ON i.task_id = t.id;
