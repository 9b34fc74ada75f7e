--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: opslab_glob(text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.opslab_glob(glob text, subject text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (convert_to(subject, 'UTF8'::name) ~~ convert_to(replace(replace(replace(replace(replace(glob, '\'::text, '\\'::text), '%'::text, '\%'::text), '_'::text, '\_'::text), '*'::text, '%'::text), '?'::text, '_'::text), 'UTF8'::name));


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: attempts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.attempts (
    task_id text NOT NULL COLLATE pg_catalog."C",
    attempt bigint NOT NULL,
    worker_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    started_at bigint NOT NULL,
    deadline bigint NOT NULL,
    lease_until bigint NOT NULL,
    completed_at bigint,
    failure_kind text COLLATE pg_catalog."C",
    failure_phase text COLLATE pg_catalog."C",
    failure_message text COLLATE pg_catalog."C",
    error_details text COLLATE pg_catalog."C",
    handle text COLLATE pg_catalog."C",
    digest text COLLATE pg_catalog."C",
    result text COLLATE pg_catalog."C",
    success bigint,
    reward text COLLATE pg_catalog."C",
    "position" bigint,
    CONSTRAINT attempts_end_has_a_time_and_place CHECK ((((completed_at IS NULL) = (status = 'running'::text)) AND (("position" IS NULL) = (status = 'running'::text)))),
    CONSTRAINT attempts_result_completes CHECK (((result IS NOT NULL) = (status = 'completed'::text))),
    CONSTRAINT attempts_status_known CHECK ((status = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text, 'timeout'::text, 'cancelled'::text])))
);


--
-- Name: attempt_json; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.attempt_json AS
 SELECT a.task_id,
    a.attempt,
    (json_build_object('task_id', a.task_id, 'attempt', a.attempt, 'worker_id', a.worker_id, 'status', a.status, 'started_at', a.started_at, 'deadline', a.deadline, 'lease_until', a.lease_until, 'completed_at', a.completed_at, 'failure_kind', a.failure_kind, 'failure_phase', a.failure_phase, 'failure_message', a.failure_message, 'error_details', a.error_details, 'handle', a.handle, 'digest', a.digest, 'result', a.result, 'success', a.success, 'reward', a.reward, 'position', a."position"))::text AS json
   FROM public.attempts a;


--
-- Name: cancels; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cancels (
    worker_id text NOT NULL COLLATE pg_catalog."C",
    task_id text NOT NULL COLLATE pg_catalog."C",
    told bigint NOT NULL
);


--
-- Name: deliveries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.deliveries (
    id text NOT NULL COLLATE pg_catalog."C",
    task_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    url text NOT NULL COLLATE pg_catalog."C",
    tries bigint NOT NULL,
    due_at bigint NOT NULL
);


--
-- Name: events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.events (
    task_id text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    attempt bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    number bigint,
    ref text COLLATE pg_catalog."C",
    text text NOT NULL COLLATE pg_catalog."C",
    extra text COLLATE pg_catalog."C",
    CONSTRAINT events_kind_known CHECK ((kind = ANY (ARRAY['log'::text, 'step'::text, 'phase'::text, 'status'::text]))),
    CONSTRAINT events_numbered CHECK (((number IS NOT NULL) = (kind = ANY (ARRAY['log'::text, 'step'::text]))))
);


--
-- Name: event_json; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.event_json AS
 SELECT e.task_id,
    e.seq,
    (json_build_object('seq', e.seq, 'attempt', e.attempt, 'kind', e.kind, 'at', e.at, 'number', e.number, 'ref', e.ref, 'text', e.text, 'extra', e.extra))::text AS json
   FROM public.events e;


--
-- Name: feed_head; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.feed_head (
    one bigint NOT NULL,
    "position" bigint NOT NULL,
    CONSTRAINT feed_head_single CHECK ((one = 1))
)
WITH (fillfactor='10');


--
-- Name: histograms; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.histograms (
    scope text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    bucket bigint NOT NULL,
    shard bigint NOT NULL,
    count bigint NOT NULL,
    sum bigint NOT NULL
)
WITH (fillfactor='50');


--
-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_keys (
    space text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    fingerprint text NOT NULL COLLATE pg_catalog."C",
    tasks text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT idempotency_keys_space_known CHECK ((space = ANY (ARRAY['task'::text, 'batch'::text])))
);


--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    number bigint NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at bigint NOT NULL
);


--
-- Name: task_counts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.task_counts (
    scope text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    shard bigint NOT NULL,
    pending bigint NOT NULL,
    running bigint NOT NULL,
    completed bigint NOT NULL,
    failed bigint NOT NULL,
    timeout bigint NOT NULL,
    cancelled bigint NOT NULL,
    successes bigint NOT NULL,
    total bigint NOT NULL
)
WITH (fillfactor='50');


--
-- Name: task_inputs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.task_inputs (
    task_id text NOT NULL COLLATE pg_catalog."C",
    agent_config text NOT NULL COLLATE pg_catalog."C",
    metadata text NOT NULL COLLATE pg_catalog."C",
    callback_url text COLLATE pg_catalog."C",
    request_id text COLLATE pg_catalog."C",
    traceparent text COLLATE pg_catalog."C"
);


--
-- Name: tasks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tasks (
    id text NOT NULL COLLATE pg_catalog."C",
    problem_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    priority bigint NOT NULL,
    backend_type text COLLATE pg_catalog."C",
    group_id text COLLATE pg_catalog."C",
    worker_id text COLLATE pg_catalog."C",
    attempt bigint NOT NULL,
    max_steps bigint NOT NULL,
    timeout_minutes bigint NOT NULL,
    max_retries bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    started_at bigint,
    completed_at bigint,
    not_before bigint,
    last_seq bigint NOT NULL,
    CONSTRAINT tasks_end_has_a_time CHECK (((completed_at IS NULL) = (status = ANY (ARRAY['pending'::text, 'running'::text])))),
    CONSTRAINT tasks_only_the_queue_waits CHECK (((not_before IS NULL) OR (status = 'pending'::text))),
    CONSTRAINT tasks_queue_has_no_worker CHECK (((status <> 'pending'::text) OR ((worker_id IS NULL) AND (started_at IS NULL)))),
    CONSTRAINT tasks_run_has_a_worker CHECK (((status <> 'running'::text) OR ((worker_id IS NOT NULL) AND (started_at IS NOT NULL) AND (attempt > 0)))),
    CONSTRAINT tasks_status_known CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text, 'timeout'::text, 'cancelled'::text])))
);


--
-- Name: task_json; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.task_json AS
 SELECT t.id,
    (json_build_object('id', t.id, 'problem_id', t.problem_id, 'status', t.status, 'priority', t.priority, 'backend_type', t.backend_type, 'group_id', t.group_id, 'worker_id', t.worker_id, 'attempt', t.attempt, 'max_steps', t.max_steps, 'timeout_minutes', t.timeout_minutes, 'max_retries', t.max_retries, 'created_at', t.created_at, 'updated_at', t.updated_at, 'started_at', t.started_at, 'completed_at', t.completed_at, 'not_before', t.not_before, 'last_seq', t.last_seq, 'agent_config', i.agent_config, 'metadata', i.metadata, 'callback_url', i.callback_url, 'request_id', i.request_id, 'traceparent', i.traceparent))::text AS json
   FROM (public.tasks t
     JOIN public.task_inputs i ON ((i.task_id = t.id)));


--
-- Name: workers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.workers (
    id text NOT NULL COLLATE pg_catalog."C",
    backend_type text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    last_heartbeat bigint NOT NULL,
    current_task_id text COLLATE pg_catalog."C",
    max_parallel_tasks bigint NOT NULL,
    supported_problems text NOT NULL COLLATE pg_catalog."C",
    capabilities text NOT NULL COLLATE pg_catalog."C",
    metadata text NOT NULL COLLATE pg_catalog."C",
    registered_at bigint NOT NULL,
    tasks_completed bigint NOT NULL,
    tasks_failed bigint NOT NULL,
    CONSTRAINT workers_has_slots CHECK (((max_parallel_tasks >= 1) AND (max_parallel_tasks <= 1000))),
    CONSTRAINT workers_status_known CHECK ((status = ANY (ARRAY['idle'::text, 'busy'::text, 'offline'::text])))
);


--
-- Name: worker_json; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.worker_json AS
 SELECT w.id,
    (json_build_object('id', w.id, 'backend_type', w.backend_type, 'status', w.status, 'last_heartbeat', w.last_heartbeat, 'current_task_id', w.current_task_id, 'max_parallel_tasks', w.max_parallel_tasks, 'supported_problems', w.supported_problems, 'capabilities', w.capabilities, 'metadata', w.metadata, 'registered_at', w.registered_at, 'tasks_completed', w.tasks_completed, 'tasks_failed', w.tasks_failed, 'running', ( SELECT count(*) AS count
           FROM public.attempts a
          WHERE ((a.worker_id = w.id) AND (a.status = 'running'::text)))))::text AS json
   FROM public.workers w;


--
-- Data for Name: attempts; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.attempts (task_id, attempt, worker_id, status, started_at, deadline, lease_until, completed_at, failure_kind, failure_phase, failure_message, error_details, handle, digest, result, success, reward, "position") FROM stdin;
01a21fe4-bee5-7391-a8b0-d65502b7b038	1	worker-001-mine	completed	1795831414593283	1795833214593283	1795831474618331	1795831414678090	\N	\N	\N	\N	\N	14e96aaf0a99ac7d9f68ba01aee71c02d39e1f9fb2b8f791ac8c865b9c40ffbf	{"logs":[],"metrics":{},"output":{"k":"v"},"reward":1.0,"success":true}	1	1	1
01a21fe4-beff-773f-a768-4dde98ec2965	1	worker-001-mine	failed	1795831414593283	1795833214593283	1795831474652727	1795831414699923	task	loop	broke	broke	\N	e663666e718d729f7de19d7980cc420a45e986d617582a403edf75f91a766bd6	\N	\N	\N	2
01a21fe4-bf10-731a-ab41-1f195151c8db	1	worker-001-mine	cancelled	1795831414593283	1795833214593283	1795831474593283	1795831414720813	cancelled		cancelled while it ran	\N	\N		\N	\N	\N	3
\.


--
-- Data for Name: cancels; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.cancels (worker_id, task_id, told) FROM stdin;
\.


--
-- Data for Name: deliveries; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.deliveries (id, task_id, status, url, tries, due_at) FROM stdin;
\.


--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.events (task_id, seq, attempt, kind, at, number, ref, text, extra) FROM stdin;
01a21fe4-bee5-7391-a8b0-d65502b7b038	1	0	status	1795831414505583	\N	\N	pending	{"completed_at":null,"started_at":null,"worker_id":null}
01a21fe4-beff-773f-a768-4dde98ec2965	1	0	status	1795831414527639	\N	\N	pending	{"completed_at":null,"started_at":null,"worker_id":null}
01a21fe4-bf10-731a-ab41-1f195151c8db	1	0	status	1795831414544306	\N	\N	pending	{"completed_at":null,"started_at":null,"worker_id":null}
01a21fe4-bf16-7449-ab52-f9b22f31fb58	1	0	status	1795831414550420	\N	\N	pending	{"completed_at":null,"started_at":null,"worker_id":null}
01a21fe4-bf21-7768-9d60-650ee6f29a63	1	0	status	1795831414562420	\N	\N	pending	{"completed_at":null,"started_at":null,"worker_id":null}
01a21fe4-bee5-7391-a8b0-d65502b7b038	2	1	status	1795831414593283	\N	\N	running	{"completed_at":null,"started_at":1795831414593283,"worker_id":"worker-001-mine"}
01a21fe4-beff-773f-a768-4dde98ec2965	2	1	status	1795831414593283	\N	\N	running	{"completed_at":null,"started_at":1795831414593283,"worker_id":"worker-001-mine"}
01a21fe4-bf10-731a-ab41-1f195151c8db	2	1	status	1795831414593283	\N	\N	running	{"completed_at":null,"started_at":1795831414593283,"worker_id":"worker-001-mine"}
01a21fe4-bee5-7391-a8b0-d65502b7b038	3	1	phase	1795831414617896	\N	setup	begin	\N
01a21fe4-bee5-7391-a8b0-d65502b7b038	4	1	log	1795831414617896	2	01a21fe4-bf59-7ed0-95bf-5a4d03eb07e8	ä 'quoted' "line"\n\\	{}
01a21fe4-bee5-7391-a8b0-d65502b7b038	5	1	phase	1795831414617896	\N	setup	end	\N
01a21fe4-bee5-7391-a8b0-d65502b7b038	6	1	step	1795831414617896	1	\N	{"action":"a","observation":"o","reward":0.5,"step":1}	\N
01a21fe4-beff-773f-a768-4dde98ec2965	3	1	phase	1795831414646542	\N	setup	begin	\N
01a21fe4-beff-773f-a768-4dde98ec2965	4	1	log	1795831414646542	2	01a21fe4-bf76-790a-80c6-a0a86d9069ea	ä 'quoted' "line"\n\\	{}
01a21fe4-beff-773f-a768-4dde98ec2965	5	1	phase	1795831414646542	\N	setup	end	\N
01a21fe4-beff-773f-a768-4dde98ec2965	6	1	step	1795831414646542	1	\N	{"action":"a","observation":"o","reward":0.5,"step":1}	\N
01a21fe4-bee5-7391-a8b0-d65502b7b038	7	1	status	1795831414678090	\N	\N	completed	{"completed_at":1795831414678090,"started_at":1795831414593283,"worker_id":"worker-001-mine"}
01a21fe4-beff-773f-a768-4dde98ec2965	7	1	status	1795831414699923	\N	\N	failed	{"completed_at":1795831414699923,"started_at":1795831414593283,"worker_id":"worker-001-mine"}
01a21fe4-bf10-731a-ab41-1f195151c8db	3	1	status	1795831414720813	\N	\N	cancelled	{"completed_at":1795831414720813,"started_at":1795831414593283,"worker_id":"worker-001-mine"}
01a21fe4-bf16-7449-ab52-f9b22f31fb58	2	0	status	1795831414739965	\N	\N	cancelled	{"completed_at":1795831414739965,"started_at":null,"worker_id":null}
\.


--
-- Data for Name: feed_head; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.feed_head (one, "position") FROM stdin;
1	3
\.


--
-- Data for Name: histograms; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.histograms (scope, name, bucket, shard, count, sum) FROM stdin;
queue		222	0	1	48977
queue		228	0	1	65644
queue		234	0	1	87700
duration		233	0	1	84807
worker	worker-001-mine	233	0	1	84807
duration		238	0	1	106640
worker	worker-001-mine	238	0	1	106640
duration		241	0	1	127530
worker	worker-001-mine	241	0	1	127530
\.


--
-- Data for Name: idempotency_keys; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.idempotency_keys (space, key, fingerprint, tasks) FROM stdin;
\.


--
-- Data for Name: schema_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.schema_migrations (number, name, checksum, applied_at) FROM stdin;
1	initial	353a174a2b52d529	1795831414131595
2	task_origin	c26bf30177a19af0	1795831414131595
3	scale	22b43459bcfd9355	1795831414131595
\.


--
-- Data for Name: task_counts; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.task_counts (scope, name, shard, pending, running, completed, failed, timeout, cancelled, successes, total) FROM stdin;
worker	worker-001-mine	0	0	0	1	1	0	1	0	3
all		0	1	0	1	1	0	2	1	5
group	g	0	1	0	1	1	0	2	0	5
problem	problem-3	0	0	0	0	0	0	1	0	1
problem	problem-4	0	1	0	0	0	0	0	0	1
problem	problem-0	0	0	0	1	0	0	0	0	1
problem	problem-1	0	0	0	0	1	0	0	0	1
holder	worker-001-mine	0	0	0	1	1	0	1	0	3
problem	problem-2	0	0	0	0	0	0	1	0	1
\.


--
-- Data for Name: task_inputs; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.task_inputs (task_id, agent_config, metadata, callback_url, request_id, traceparent) FROM stdin;
01a21fe4-bee5-7391-a8b0-d65502b7b038	{}	{"n":0}	\N	\N	\N
01a21fe4-beff-773f-a768-4dde98ec2965	{}	{"n":1}	\N	\N	\N
01a21fe4-bf10-731a-ab41-1f195151c8db	{}	{"n":2}	\N	\N	\N
01a21fe4-bf16-7449-ab52-f9b22f31fb58	{}	{"n":3}	\N	\N	\N
01a21fe4-bf21-7768-9d60-650ee6f29a63	{}	{"n":4}	\N	\N	\N
\.


--
-- Data for Name: tasks; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.tasks (id, problem_id, status, priority, backend_type, group_id, worker_id, attempt, max_steps, timeout_minutes, max_retries, created_at, updated_at, started_at, completed_at, not_before, last_seq) FROM stdin;
01a21fe4-bf21-7768-9d60-650ee6f29a63	problem-4	pending	5	\N	g	\N	0	30	30	0	1795831414562420	1795831414562420	\N	\N	\N	1
01a21fe4-bee5-7391-a8b0-d65502b7b038	problem-0	completed	9	\N	g	worker-001-mine	1	30	30	0	1795831414505583	1795831414678090	1795831414593283	1795831414678090	\N	7
01a21fe4-beff-773f-a768-4dde98ec2965	problem-1	failed	8	\N	g	worker-001-mine	1	30	30	0	1795831414527639	1795831414699923	1795831414593283	1795831414699923	\N	7
01a21fe4-bf10-731a-ab41-1f195151c8db	problem-2	cancelled	7	\N	g	worker-001-mine	1	30	30	0	1795831414544306	1795831414720813	1795831414593283	1795831414720813	\N	3
01a21fe4-bf16-7449-ab52-f9b22f31fb58	problem-3	cancelled	6	\N	g	\N	0	30	30	0	1795831414550420	1795831414739965	\N	1795831414739965	\N	2
\.


--
-- Data for Name: workers; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.workers (id, backend_type, status, last_heartbeat, current_task_id, max_parallel_tasks, supported_problems, capabilities, metadata, registered_at, tasks_completed, tasks_failed) FROM stdin;
worker-001-mine	mine	offline	1795831414583704	\N	3	[]	{"max_parallel_tasks":3,"supported_problems":[]}	{}	1795831414583704	1	1
\.


--
-- Name: attempts attempts_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pk PRIMARY KEY (task_id, attempt);


--
-- Name: cancels cancels_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cancels
    ADD CONSTRAINT cancels_pk PRIMARY KEY (worker_id, task_id);


--
-- Name: deliveries deliveries_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pk PRIMARY KEY (id);


--
-- Name: events events_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pk PRIMARY KEY (task_id, seq);


--
-- Name: feed_head feed_head_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.feed_head
    ADD CONSTRAINT feed_head_pk PRIMARY KEY (one);


--
-- Name: histograms histograms_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.histograms
    ADD CONSTRAINT histograms_pk PRIMARY KEY (scope, name, bucket, shard);


--
-- Name: idempotency_keys idempotency_keys_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pk PRIMARY KEY (space, key);


--
-- Name: schema_migrations schema_migrations_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pk PRIMARY KEY (number);


--
-- Name: task_counts task_counts_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task_counts
    ADD CONSTRAINT task_counts_pk PRIMARY KEY (scope, name, shard);


--
-- Name: task_inputs task_inputs_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task_inputs
    ADD CONSTRAINT task_inputs_pk PRIMARY KEY (task_id);


--
-- Name: tasks tasks_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pk PRIMARY KEY (id);


--
-- Name: workers workers_pk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pk PRIMARY KEY (id);


--
-- Name: attempts_feed; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX attempts_feed ON public.attempts USING btree ("position") WHERE ("position" IS NOT NULL);


--
-- Name: attempts_one_running; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX attempts_one_running ON public.attempts USING btree (task_id) WHERE (status = 'running'::text);


--
-- Name: attempts_running; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attempts_running ON public.attempts USING btree (worker_id) WHERE (status = 'running'::text);


--
-- Name: deliveries_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX deliveries_due ON public.deliveries USING btree (due_at, id);


--
-- Name: events_phases; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_phases ON public.events USING btree (task_id, attempt, seq) WHERE (kind = 'phase'::text);


--
-- Name: events_steps; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX events_steps ON public.events USING btree (task_id, attempt, number, seq) WHERE (kind = 'step'::text);


--
-- Name: tasks_by_backend; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_by_backend ON public.tasks USING btree (backend_type, created_at, id) WHERE (backend_type IS NOT NULL);


--
-- Name: tasks_by_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_by_created ON public.tasks USING btree (created_at, id);


--
-- Name: tasks_by_group; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_by_group ON public.tasks USING btree (group_id, created_at, id) WHERE (group_id IS NOT NULL);


--
-- Name: tasks_by_priority; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_by_priority ON public.tasks USING btree (priority, id);


--
-- Name: tasks_by_problem; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_by_problem ON public.tasks USING btree (problem_id, created_at, id);


--
-- Name: tasks_by_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_by_status ON public.tasks USING btree (status, created_at, id);


--
-- Name: tasks_by_worker; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_by_worker ON public.tasks USING btree (worker_id, created_at, id) WHERE (worker_id IS NOT NULL);


--
-- Name: tasks_claim_by_backend; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_claim_by_backend ON public.tasks USING btree (COALESCE(backend_type, ''::text), priority DESC, created_at, id) WHERE (status = 'pending'::text);


--
-- Name: attempts attempts_task; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_task FOREIGN KEY (task_id) REFERENCES public.tasks(id);


--
-- Name: deliveries deliveries_task; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_task FOREIGN KEY (task_id) REFERENCES public.tasks(id);


--
-- Name: task_inputs task_inputs_task; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.task_inputs
    ADD CONSTRAINT task_inputs_task FOREIGN KEY (task_id) REFERENCES public.tasks(id);


--
-- PostgreSQL database dump complete
--


