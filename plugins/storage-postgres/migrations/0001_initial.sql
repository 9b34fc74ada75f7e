-- Times are BIGINT microseconds since the epoch, UTC. Ids are text. JSON that opslab does not look
-- into is text as it came. Texts sort by their bytes, as they do in SQLite and in C++.
CREATE TABLE tasks (
    id              TEXT COLLATE "C" NOT NULL CONSTRAINT tasks_pk PRIMARY KEY,
    problem_id      TEXT COLLATE "C" NOT NULL,
    status          TEXT COLLATE "C" NOT NULL,
    priority        BIGINT NOT NULL,
    backend_type    TEXT COLLATE "C",
    group_id        TEXT COLLATE "C",
    worker_id       TEXT COLLATE "C",
    attempt         BIGINT NOT NULL,
    max_steps       BIGINT NOT NULL,
    timeout_minutes BIGINT NOT NULL,
    max_retries     BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    started_at      BIGINT,
    completed_at    BIGINT,
    not_before      BIGINT,
    last_seq        BIGINT NOT NULL,
    CONSTRAINT tasks_status_known CHECK (
        status IN ('pending', 'running', 'completed', 'failed', 'timeout', 'cancelled')),
    CONSTRAINT tasks_end_has_a_time CHECK (
        (completed_at IS NULL) = (status IN ('pending', 'running'))),
    CONSTRAINT tasks_run_has_a_worker CHECK (
        status <> 'running' OR (worker_id IS NOT NULL AND started_at IS NOT NULL AND attempt > 0)),
    CONSTRAINT tasks_queue_has_no_worker CHECK (
        status <> 'pending' OR (worker_id IS NULL AND started_at IS NULL)),
    CONSTRAINT tasks_only_the_queue_waits CHECK (not_before IS NULL OR status = 'pending')
);

-- The order of the claim. Small: only what waits is in it.
CREATE INDEX tasks_claim ON tasks (priority DESC, created_at, id) WHERE status = 'pending';
CREATE INDEX tasks_by_created ON tasks (created_at, id);
CREATE INDEX tasks_by_priority ON tasks (priority, id);
CREATE INDEX tasks_by_status ON tasks (status, created_at, id);
CREATE INDEX tasks_by_problem ON tasks (problem_id, created_at, id);
CREATE INDEX tasks_by_worker ON tasks (worker_id, created_at, id) WHERE worker_id IS NOT NULL;
CREATE INDEX tasks_by_backend ON tasks (backend_type, created_at, id)
    WHERE backend_type IS NOT NULL;
CREATE INDEX tasks_by_group ON tasks (group_id, created_at, id) WHERE group_id IS NOT NULL;

-- What never changes, apart from the row that does: an update rewrites its whole row.
CREATE TABLE task_inputs (
    task_id      TEXT COLLATE "C" NOT NULL CONSTRAINT task_inputs_pk PRIMARY KEY
                 CONSTRAINT task_inputs_task REFERENCES tasks (id),
    agent_config TEXT COLLATE "C" NOT NULL,
    metadata     TEXT COLLATE "C" NOT NULL,
    callback_url TEXT COLLATE "C"
);

CREATE TABLE attempts (
    task_id         TEXT COLLATE "C" NOT NULL CONSTRAINT attempts_task REFERENCES tasks (id),
    attempt         BIGINT NOT NULL,
    worker_id       TEXT COLLATE "C" NOT NULL,
    status          TEXT COLLATE "C" NOT NULL,
    started_at      BIGINT NOT NULL,
    deadline        BIGINT NOT NULL,
    lease_until     BIGINT NOT NULL,
    completed_at    BIGINT,
    failure_kind    TEXT COLLATE "C",
    failure_phase   TEXT COLLATE "C",
    failure_message TEXT COLLATE "C",
    error_details   TEXT COLLATE "C",
    handle          TEXT COLLATE "C",
    digest          TEXT COLLATE "C",
    result          TEXT COLLATE "C",
    success         BIGINT,
    reward          TEXT COLLATE "C",
    position        BIGINT,
    CONSTRAINT attempts_pk PRIMARY KEY (task_id, attempt),
    CONSTRAINT attempts_status_known CHECK (
        status IN ('running', 'completed', 'failed', 'timeout', 'cancelled')),
    CONSTRAINT attempts_end_has_a_time_and_place CHECK (
        (completed_at IS NULL) = (status = 'running') AND (position IS NULL) = (status = 'running')),
    CONSTRAINT attempts_result_completes CHECK ((result IS NOT NULL) = (status = 'completed'))
);
CREATE INDEX attempts_running ON attempts (worker_id) WHERE status = 'running';
CREATE UNIQUE INDEX attempts_one_running ON attempts (task_id) WHERE status = 'running';
CREATE UNIQUE INDEX attempts_feed ON attempts (position) WHERE position IS NOT NULL;

-- log: ref id, text message, extra context. step: text body. phase: ref name, text edge.
-- status: text status, extra the times and the worker.
CREATE TABLE events (
    task_id TEXT COLLATE "C" NOT NULL,
    seq     BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    kind    TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL,
    number  BIGINT,
    ref     TEXT COLLATE "C",
    text    TEXT COLLATE "C" NOT NULL,
    extra   TEXT COLLATE "C",
    CONSTRAINT events_pk PRIMARY KEY (task_id, seq),
    CONSTRAINT events_kind_known CHECK (kind IN ('log', 'step', 'phase', 'status')),
    CONSTRAINT events_numbered CHECK ((number IS NOT NULL) = (kind IN ('log', 'step')))
);
CREATE INDEX events_steps ON events (task_id, attempt, number, seq) WHERE kind = 'step';
CREATE INDEX events_phases ON events (task_id, attempt, seq) WHERE kind = 'phase';

CREATE TABLE idempotency_keys (
    space       TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    tasks       TEXT COLLATE "C" NOT NULL,
    CONSTRAINT idempotency_keys_pk PRIMARY KEY (space, key),
    CONSTRAINT idempotency_keys_space_known CHECK (space IN ('task', 'batch'))
);

CREATE TABLE workers (
    id                 TEXT COLLATE "C" NOT NULL CONSTRAINT workers_pk PRIMARY KEY,
    backend_type       TEXT COLLATE "C" NOT NULL,
    status             TEXT COLLATE "C" NOT NULL,
    last_heartbeat     BIGINT NOT NULL,
    current_task_id    TEXT COLLATE "C",
    max_parallel_tasks BIGINT NOT NULL,
    supported_problems TEXT COLLATE "C" NOT NULL,
    capabilities       TEXT COLLATE "C" NOT NULL,
    metadata           TEXT COLLATE "C" NOT NULL,
    registered_at      BIGINT NOT NULL,
    tasks_completed    BIGINT NOT NULL,
    tasks_failed       BIGINT NOT NULL,
    CONSTRAINT workers_status_known CHECK (status IN ('idle', 'busy', 'offline')),
    CONSTRAINT workers_has_slots CHECK (max_parallel_tasks BETWEEN 1 AND 1000)
);

-- Cancelled runs that a worker has yet to hear of.
CREATE TABLE cancels (
    worker_id TEXT COLLATE "C" NOT NULL,
    task_id   TEXT COLLATE "C" NOT NULL,
    told      BIGINT NOT NULL,
    CONSTRAINT cancels_pk PRIMARY KEY (worker_id, task_id)
);

CREATE TABLE deliveries (
    id      TEXT COLLATE "C" NOT NULL CONSTRAINT deliveries_pk PRIMARY KEY,
    task_id TEXT COLLATE "C" NOT NULL CONSTRAINT deliveries_task REFERENCES tasks (id),
    status  TEXT COLLATE "C" NOT NULL,
    url     TEXT COLLATE "C" NOT NULL,
    tries   BIGINT NOT NULL,
    due_at  BIGINT NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (due_at, id);

-- The last place in the order of finishing. Its row stays locked until the commit that took places,
-- so no place becomes visible after a later one.
CREATE TABLE feed_head (
    one      BIGINT NOT NULL CONSTRAINT feed_head_pk PRIMARY KEY CONSTRAINT feed_head_single CHECK (one = 1),
    position BIGINT NOT NULL
) WITH (fillfactor = 10);
INSERT INTO feed_head (one, position) VALUES (1, 0);

-- Kept counts, changed in the transaction of what they count, so that reading them costs the same
-- at any size. Each session adds to a shard of its own, so that writers do not queue for a row;
-- readers add the shards up. scope: `all` (name empty) and `problem` count tasks, `worker` counts attempts.
CREATE TABLE task_counts (
    scope     TEXT COLLATE "C" NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    shard     BIGINT NOT NULL,
    pending   BIGINT NOT NULL,
    running   BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    failed    BIGINT NOT NULL,
    timeout   BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    successes BIGINT NOT NULL,
    total     BIGINT NOT NULL,
    CONSTRAINT task_counts_pk PRIMARY KEY (scope, name, shard)
) WITH (fillfactor = 50);

-- scope: `duration`, `queue` (name empty), `worker` (name the worker's id). A bucket spans a
-- twentieth; `sum` adds up the exact microseconds.
CREATE TABLE histograms (
    scope  TEXT COLLATE "C" NOT NULL,
    name   TEXT COLLATE "C" NOT NULL,
    bucket BIGINT NOT NULL,
    shard  BIGINT NOT NULL,
    count  BIGINT NOT NULL,
    sum    BIGINT NOT NULL,
    CONSTRAINT histograms_pk PRIMARY KEY (scope, name, bucket, shard)
) WITH (fillfactor = 50);

-- `*` is any run of bytes, `?` any one byte, everything else stands for itself.
CREATE FUNCTION opslab_glob(glob TEXT, subject TEXT) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN convert_to(subject, 'UTF8') LIKE convert_to(
        replace(replace(replace(replace(replace(
            glob, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'), '?', '_'), 'UTF8');

-- Rows as one JSON text each: what the statements answer.
CREATE VIEW task_json AS
SELECT t.id AS id, json_build_object(
    'id', t.id, 'problem_id', t.problem_id, 'status', t.status, 'priority', t.priority,
    'backend_type', t.backend_type, 'group_id', t.group_id, 'worker_id', t.worker_id,
    'attempt', t.attempt, 'max_steps', t.max_steps, 'timeout_minutes', t.timeout_minutes,
    'max_retries', t.max_retries, 'created_at', t.created_at, 'updated_at', t.updated_at,
    'started_at', t.started_at, 'completed_at', t.completed_at, 'not_before', t.not_before,
    'last_seq', t.last_seq, 'agent_config', i.agent_config, 'metadata', i.metadata,
    'callback_url', i.callback_url)::text AS json
FROM tasks t JOIN task_inputs i ON i.task_id = t.id;

CREATE VIEW attempt_json AS
SELECT a.task_id AS task_id, a.attempt AS attempt, json_build_object(
    'task_id', a.task_id, 'attempt', a.attempt, 'worker_id', a.worker_id, 'status', a.status,
    'started_at', a.started_at, 'deadline', a.deadline, 'lease_until', a.lease_until,
    'completed_at', a.completed_at, 'failure_kind', a.failure_kind,
    'failure_phase', a.failure_phase, 'failure_message', a.failure_message,
    'error_details', a.error_details, 'handle', a.handle, 'digest', a.digest,
    'result', a.result, 'success', a.success, 'reward', a.reward,
    'position', a.position)::text AS json
FROM attempts a;

CREATE VIEW worker_json AS
SELECT w.id AS id, json_build_object(
    'id', w.id, 'backend_type', w.backend_type, 'status', w.status,
    'last_heartbeat', w.last_heartbeat, 'current_task_id', w.current_task_id,
    'max_parallel_tasks', w.max_parallel_tasks, 'supported_problems', w.supported_problems,
    'capabilities', w.capabilities, 'metadata', w.metadata, 'registered_at', w.registered_at,
    'tasks_completed', w.tasks_completed, 'tasks_failed', w.tasks_failed,
    'running', (SELECT count(*) FROM attempts a
                WHERE a.worker_id = w.id AND a.status = 'running'))::text AS json
FROM workers w;

CREATE VIEW event_json AS
SELECT e.task_id AS task_id, e.seq AS seq, json_build_object(
    'seq', e.seq, 'attempt', e.attempt, 'kind', e.kind, 'at', e.at, 'number', e.number,
    'ref', e.ref, 'text', e.text, 'extra', e.extra)::text AS json
FROM events e;
