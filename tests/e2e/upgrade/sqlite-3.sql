PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE schema_migrations (number BIGINT NOT NULL CONSTRAINT schema_migrations_pk PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL);
INSERT INTO schema_migrations VALUES(1,'initial','39ad39e497a54848',1795831409114506);
INSERT INTO schema_migrations VALUES(2,'task_origin','2da391bb2f62bea0',1795831409114506);
INSERT INTO schema_migrations VALUES(3,'scale','ec33a1bb2856971f',1795831409114506);
CREATE TABLE tasks (
    id              TEXT NOT NULL CONSTRAINT tasks_pk PRIMARY KEY,
    problem_id      TEXT NOT NULL,
    status          TEXT NOT NULL,
    priority        BIGINT NOT NULL,
    backend_type    TEXT,
    group_id        TEXT,
    worker_id       TEXT,
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
INSERT INTO tasks VALUES('01a21fe4-aa4b-7533-bf3a-52c3eb873f6a','problem-0','completed',9,NULL,'g','worker-001-mine',1,30,30,0,1795831409233649,1795831409398907,1795831409347357,1795831409398907,NULL,7);
INSERT INTO tasks VALUES('01a21fe4-aa6d-73b2-b9f0-d5420a3685cc','problem-1','failed',8,NULL,'g','worker-001-mine',1,30,30,0,1795831409261567,1795831409422745,1795831409347357,1795831409422745,NULL,7);
INSERT INTO tasks VALUES('01a21fe4-aa7c-7245-9b3c-d3af7ddd0f89','problem-2','cancelled',7,NULL,'g','worker-001-mine',1,30,30,0,1795831409276229,1795831409439713,1795831409347357,1795831409439713,NULL,3);
INSERT INTO tasks VALUES('01a21fe4-aa91-7262-b790-36599179e933','problem-3','cancelled',6,NULL,'g',NULL,0,30,30,0,1795831409304244,1795831409460217,NULL,1795831409460217,NULL,2);
INSERT INTO tasks VALUES('01a21fe4-aaaa-7fba-921d-d694d012a69e','problem-4','pending',5,NULL,'g',NULL,0,30,30,0,1795831409323683,1795831409323683,NULL,NULL,NULL,1);
CREATE TABLE task_inputs (
    task_id      TEXT NOT NULL CONSTRAINT task_inputs_pk PRIMARY KEY
                 CONSTRAINT task_inputs_task REFERENCES tasks (id),
    agent_config TEXT NOT NULL,
    metadata     TEXT NOT NULL,
    callback_url TEXT
, request_id TEXT, traceparent TEXT) WITHOUT ROWID;
INSERT INTO task_inputs VALUES('01a21fe4-aa4b-7533-bf3a-52c3eb873f6a','{}','{"n":0}',NULL,NULL,NULL);
INSERT INTO task_inputs VALUES('01a21fe4-aa6d-73b2-b9f0-d5420a3685cc','{}','{"n":1}',NULL,NULL,NULL);
INSERT INTO task_inputs VALUES('01a21fe4-aa7c-7245-9b3c-d3af7ddd0f89','{}','{"n":2}',NULL,NULL,NULL);
INSERT INTO task_inputs VALUES('01a21fe4-aa91-7262-b790-36599179e933','{}','{"n":3}',NULL,NULL,NULL);
INSERT INTO task_inputs VALUES('01a21fe4-aaaa-7fba-921d-d694d012a69e','{}','{"n":4}',NULL,NULL,NULL);
CREATE TABLE attempts (
    task_id         TEXT NOT NULL CONSTRAINT attempts_task REFERENCES tasks (id),
    attempt         BIGINT NOT NULL,
    worker_id       TEXT NOT NULL,
    status          TEXT NOT NULL,
    started_at      BIGINT NOT NULL,
    deadline        BIGINT NOT NULL,
    lease_until     BIGINT NOT NULL,
    completed_at    BIGINT,
    failure_kind    TEXT,
    failure_phase   TEXT,
    failure_message TEXT,
    error_details   TEXT,
    handle          TEXT,
    digest          TEXT,
    result          TEXT,
    success         BIGINT,
    reward          TEXT,
    position        BIGINT,
    CONSTRAINT attempts_pk PRIMARY KEY (task_id, attempt),
    CONSTRAINT attempts_status_known CHECK (
        status IN ('running', 'completed', 'failed', 'timeout', 'cancelled')),
    CONSTRAINT attempts_end_has_a_time_and_place CHECK (
        (completed_at IS NULL) = (status = 'running') AND (position IS NULL) = (status = 'running')),
    CONSTRAINT attempts_result_completes CHECK ((result IS NOT NULL) = (status = 'completed'))
);
INSERT INTO attempts VALUES('01a21fe4-aa4b-7533-bf3a-52c3eb873f6a',1,'worker-001-mine','completed',1795831409347357,1795833209347357,1795831469366062,1795831409398907,NULL,NULL,NULL,NULL,NULL,'14e96aaf0a99ac7d9f68ba01aee71c02d39e1f9fb2b8f791ac8c865b9c40ffbf','{"logs":[],"metrics":{},"output":{"k":"v"},"reward":1.0,"success":true}',1,'1',1);
INSERT INTO attempts VALUES('01a21fe4-aa6d-73b2-b9f0-d5420a3685cc',1,'worker-001-mine','failed',1795831409347357,1795833209347357,1795831469388595,1795831409422745,'task','loop','broke','broke',NULL,'e663666e718d729f7de19d7980cc420a45e986d617582a403edf75f91a766bd6',NULL,NULL,NULL,2);
INSERT INTO attempts VALUES('01a21fe4-aa7c-7245-9b3c-d3af7ddd0f89',1,'worker-001-mine','cancelled',1795831409347357,1795833209347357,1795831469347357,1795831409439713,'cancelled','','cancelled while it ran',NULL,NULL,'',NULL,NULL,NULL,3);
CREATE TABLE events (
    task_id TEXT NOT NULL,
    seq     BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    kind    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    number  BIGINT,
    ref     TEXT,
    text    TEXT NOT NULL,
    extra   TEXT,
    CONSTRAINT events_pk PRIMARY KEY (task_id, seq),
    CONSTRAINT events_kind_known CHECK (kind IN ('log', 'step', 'phase', 'status')),
    CONSTRAINT events_numbered CHECK ((number IS NOT NULL) = (kind IN ('log', 'step')))
) WITHOUT ROWID;
INSERT INTO events VALUES('01a21fe4-aa4b-7533-bf3a-52c3eb873f6a',1,0,'status',1795831409233649,NULL,NULL,'pending','{"completed_at":null,"started_at":null,"worker_id":null}');
INSERT INTO events VALUES('01a21fe4-aa4b-7533-bf3a-52c3eb873f6a',2,1,'status',1795831409347357,NULL,NULL,'running','{"completed_at":null,"started_at":1795831409347357,"worker_id":"worker-001-mine"}');
INSERT INTO events VALUES('01a21fe4-aa4b-7533-bf3a-52c3eb873f6a',3,1,'phase',1795831409358501,NULL,'setup','begin',NULL);
INSERT INTO events VALUES('01a21fe4-aa4b-7533-bf3a-52c3eb873f6a',4,1,'log',1795831409358501,2,'01a21fe4-aace-787a-b652-1e3fd7113f8c',replace('ä ''quoted'' "line"\n\','\n',char(10)),'{}');
INSERT INTO events VALUES('01a21fe4-aa4b-7533-bf3a-52c3eb873f6a',5,1,'phase',1795831409358501,NULL,'setup','end',NULL);
INSERT INTO events VALUES('01a21fe4-aa4b-7533-bf3a-52c3eb873f6a',6,1,'step',1795831409358501,1,NULL,'{"action":"a","observation":"o","reward":0.5,"step":1}',NULL);
INSERT INTO events VALUES('01a21fe4-aa4b-7533-bf3a-52c3eb873f6a',7,1,'status',1795831409398907,NULL,NULL,'completed','{"completed_at":1795831409398907,"started_at":1795831409347357,"worker_id":"worker-001-mine"}');
INSERT INTO events VALUES('01a21fe4-aa6d-73b2-b9f0-d5420a3685cc',1,0,'status',1795831409261567,NULL,NULL,'pending','{"completed_at":null,"started_at":null,"worker_id":null}');
INSERT INTO events VALUES('01a21fe4-aa6d-73b2-b9f0-d5420a3685cc',2,1,'status',1795831409347357,NULL,NULL,'running','{"completed_at":null,"started_at":1795831409347357,"worker_id":"worker-001-mine"}');
INSERT INTO events VALUES('01a21fe4-aa6d-73b2-b9f0-d5420a3685cc',3,1,'phase',1795831409388495,NULL,'setup','begin',NULL);
INSERT INTO events VALUES('01a21fe4-aa6d-73b2-b9f0-d5420a3685cc',4,1,'log',1795831409388495,2,'01a21fe4-aaec-784d-b4c1-e90d3b1242a7',replace('ä ''quoted'' "line"\n\','\n',char(10)),'{}');
INSERT INTO events VALUES('01a21fe4-aa6d-73b2-b9f0-d5420a3685cc',5,1,'phase',1795831409388495,NULL,'setup','end',NULL);
INSERT INTO events VALUES('01a21fe4-aa6d-73b2-b9f0-d5420a3685cc',6,1,'step',1795831409388495,1,NULL,'{"action":"a","observation":"o","reward":0.5,"step":1}',NULL);
INSERT INTO events VALUES('01a21fe4-aa6d-73b2-b9f0-d5420a3685cc',7,1,'status',1795831409422745,NULL,NULL,'failed','{"completed_at":1795831409422745,"started_at":1795831409347357,"worker_id":"worker-001-mine"}');
INSERT INTO events VALUES('01a21fe4-aa7c-7245-9b3c-d3af7ddd0f89',1,0,'status',1795831409276229,NULL,NULL,'pending','{"completed_at":null,"started_at":null,"worker_id":null}');
INSERT INTO events VALUES('01a21fe4-aa7c-7245-9b3c-d3af7ddd0f89',2,1,'status',1795831409347357,NULL,NULL,'running','{"completed_at":null,"started_at":1795831409347357,"worker_id":"worker-001-mine"}');
INSERT INTO events VALUES('01a21fe4-aa7c-7245-9b3c-d3af7ddd0f89',3,1,'status',1795831409439713,NULL,NULL,'cancelled','{"completed_at":1795831409439713,"started_at":1795831409347357,"worker_id":"worker-001-mine"}');
INSERT INTO events VALUES('01a21fe4-aa91-7262-b790-36599179e933',1,0,'status',1795831409304244,NULL,NULL,'pending','{"completed_at":null,"started_at":null,"worker_id":null}');
INSERT INTO events VALUES('01a21fe4-aa91-7262-b790-36599179e933',2,0,'status',1795831409460217,NULL,NULL,'cancelled','{"completed_at":1795831409460217,"started_at":null,"worker_id":null}');
INSERT INTO events VALUES('01a21fe4-aaaa-7fba-921d-d694d012a69e',1,0,'status',1795831409323683,NULL,NULL,'pending','{"completed_at":null,"started_at":null,"worker_id":null}');
CREATE TABLE idempotency_keys (
    space       TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    tasks       TEXT NOT NULL,
    CONSTRAINT idempotency_keys_pk PRIMARY KEY (space, key),
    CONSTRAINT idempotency_keys_space_known CHECK (space IN ('task', 'batch'))
) WITHOUT ROWID;
CREATE TABLE workers (
    id                 TEXT NOT NULL CONSTRAINT workers_pk PRIMARY KEY,
    backend_type       TEXT NOT NULL,
    status             TEXT NOT NULL,
    last_heartbeat     BIGINT NOT NULL,
    current_task_id    TEXT,
    max_parallel_tasks BIGINT NOT NULL,
    supported_problems TEXT NOT NULL,
    capabilities       TEXT NOT NULL,
    metadata           TEXT NOT NULL,
    registered_at      BIGINT NOT NULL,
    tasks_completed    BIGINT NOT NULL,
    tasks_failed       BIGINT NOT NULL,
    CONSTRAINT workers_status_known CHECK (status IN ('idle', 'busy', 'offline')),
    CONSTRAINT workers_has_slots CHECK (max_parallel_tasks BETWEEN 1 AND 1000)
) WITHOUT ROWID;
INSERT INTO workers VALUES('worker-001-mine','mine','offline',1795831409326000,NULL,3,'[]','{"max_parallel_tasks":3,"supported_problems":[]}','{}',1795831409326000,1,1);
CREATE TABLE cancels (
    worker_id TEXT NOT NULL,
    task_id   TEXT NOT NULL,
    told      BIGINT NOT NULL,
    CONSTRAINT cancels_pk PRIMARY KEY (worker_id, task_id)
) WITHOUT ROWID;
CREATE TABLE deliveries (
    id      TEXT NOT NULL CONSTRAINT deliveries_pk PRIMARY KEY,
    task_id TEXT NOT NULL CONSTRAINT deliveries_task REFERENCES tasks (id),
    status  TEXT NOT NULL,
    url     TEXT NOT NULL,
    tries   BIGINT NOT NULL,
    due_at  BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE task_counts (
    scope     TEXT NOT NULL,
    name      TEXT NOT NULL,
    pending   BIGINT NOT NULL,
    running   BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    failed    BIGINT NOT NULL,
    timeout   BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    successes BIGINT NOT NULL,
    total     BIGINT NOT NULL,
    CONSTRAINT task_counts_pk PRIMARY KEY (scope, name)
) WITHOUT ROWID;
INSERT INTO task_counts VALUES('all','',1,0,1,1,0,2,1,5);
INSERT INTO task_counts VALUES('group','g',1,0,1,1,0,2,0,5);
INSERT INTO task_counts VALUES('holder','worker-001-mine',0,0,1,1,0,1,0,3);
INSERT INTO task_counts VALUES('problem','problem-0',0,0,1,0,0,0,0,1);
INSERT INTO task_counts VALUES('problem','problem-1',0,0,0,1,0,0,0,1);
INSERT INTO task_counts VALUES('problem','problem-2',0,0,0,0,0,1,0,1);
INSERT INTO task_counts VALUES('problem','problem-3',0,0,0,0,0,1,0,1);
INSERT INTO task_counts VALUES('problem','problem-4',1,0,0,0,0,0,0,1);
INSERT INTO task_counts VALUES('worker','worker-001-mine',0,0,1,1,0,1,0,3);
CREATE TABLE histograms (
    scope  TEXT NOT NULL,
    name   TEXT NOT NULL,
    bucket BIGINT NOT NULL,
    count  BIGINT NOT NULL,
    sum    BIGINT NOT NULL,
    CONSTRAINT histograms_pk PRIMARY KEY (scope, name, bucket)
) WITHOUT ROWID;
INSERT INTO histograms VALUES('duration','',223,1,51550);
INSERT INTO histograms VALUES('duration','',231,1,75388);
INSERT INTO histograms VALUES('duration','',235,1,92356);
INSERT INTO histograms VALUES('queue','',229,1,71128);
INSERT INTO histograms VALUES('queue','',233,1,85790);
INSERT INTO histograms VALUES('queue','',239,1,113708);
INSERT INTO histograms VALUES('worker','worker-001-mine',223,1,51550);
INSERT INTO histograms VALUES('worker','worker-001-mine',231,1,75388);
INSERT INTO histograms VALUES('worker','worker-001-mine',235,1,92356);
CREATE INDEX tasks_by_created ON tasks (created_at, id);
CREATE INDEX tasks_by_priority ON tasks (priority, id);
CREATE INDEX tasks_by_status ON tasks (status, created_at, id);
CREATE INDEX tasks_by_problem ON tasks (problem_id, created_at, id);
CREATE INDEX tasks_by_worker ON tasks (worker_id, created_at, id) WHERE worker_id IS NOT NULL;
CREATE INDEX tasks_by_backend ON tasks (backend_type, created_at, id)
    WHERE backend_type IS NOT NULL;
CREATE INDEX tasks_by_group ON tasks (group_id, created_at, id) WHERE group_id IS NOT NULL;
CREATE INDEX attempts_running ON attempts (worker_id) WHERE status = 'running';
CREATE UNIQUE INDEX attempts_one_running ON attempts (task_id) WHERE status = 'running';
CREATE UNIQUE INDEX attempts_feed ON attempts (position) WHERE position IS NOT NULL;
CREATE INDEX events_steps ON events (task_id, attempt, number, seq) WHERE kind = 'step';
CREATE INDEX events_phases ON events (task_id, attempt, seq) WHERE kind = 'phase';
CREATE INDEX deliveries_due ON deliveries (due_at, id);
CREATE INDEX task_counts_largest ON task_counts (scope, total DESC, name);
CREATE VIEW attempt_json AS
SELECT a.task_id AS task_id, a.attempt AS attempt, json_object(
    'task_id', a.task_id, 'attempt', a.attempt, 'worker_id', a.worker_id, 'status', a.status,
    'started_at', a.started_at, 'deadline', a.deadline, 'lease_until', a.lease_until,
    'completed_at', a.completed_at, 'failure_kind', a.failure_kind,
    'failure_phase', a.failure_phase, 'failure_message', a.failure_message,
    'error_details', a.error_details, 'handle', a.handle, 'digest', a.digest,
    'result', a.result, 'success', a.success, 'reward', a.reward,
    'position', a.position) AS json
FROM attempts a;
CREATE VIEW worker_json AS
SELECT w.id AS id, json_object(
    'id', w.id, 'backend_type', w.backend_type, 'status', w.status,
    'last_heartbeat', w.last_heartbeat, 'current_task_id', w.current_task_id,
    'max_parallel_tasks', w.max_parallel_tasks, 'supported_problems', w.supported_problems,
    'capabilities', w.capabilities, 'metadata', w.metadata, 'registered_at', w.registered_at,
    'tasks_completed', w.tasks_completed, 'tasks_failed', w.tasks_failed,
    'running', (SELECT count(*) FROM attempts a
                WHERE a.worker_id = w.id AND a.status = 'running')) AS json
FROM workers w;
CREATE VIEW event_json AS
SELECT e.task_id AS task_id, e.seq AS seq, json_object(
    'seq', e.seq, 'attempt', e.attempt, 'kind', e.kind, 'at', e.at, 'number', e.number,
    'ref', e.ref, 'text', e.text, 'extra', e.extra) AS json
FROM events e;
CREATE VIEW task_json AS
SELECT t.id AS id, json_object(
    'id', t.id, 'problem_id', t.problem_id, 'status', t.status, 'priority', t.priority,
    'backend_type', t.backend_type, 'group_id', t.group_id, 'worker_id', t.worker_id,
    'attempt', t.attempt, 'max_steps', t.max_steps, 'timeout_minutes', t.timeout_minutes,
    'max_retries', t.max_retries, 'created_at', t.created_at, 'updated_at', t.updated_at,
    'started_at', t.started_at, 'completed_at', t.completed_at, 'not_before', t.not_before,
    'last_seq', t.last_seq, 'agent_config', i.agent_config, 'metadata', i.metadata,
    'callback_url', i.callback_url, 'request_id', i.request_id, 'traceparent', i.traceparent) AS json
FROM tasks t JOIN task_inputs i ON i.task_id = t.id;
CREATE INDEX tasks_claim_by_backend
    ON tasks ((coalesce(backend_type, '')), priority DESC, created_at, id)
    WHERE status = 'pending';
COMMIT;
