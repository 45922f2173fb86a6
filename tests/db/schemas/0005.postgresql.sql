CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.alias (
    job_id integer NOT NULL,
    name character varying(100) NOT NULL,
    version_id integer NOT NULL,
    changed double precision NOT NULL
);
CREATE TABLE public.batch (
    id integer NOT NULL,
    job_id integer NOT NULL,
    kind character varying(20) NOT NULL,
    created double precision NOT NULL,
    concurrency integer NOT NULL,
    options json NOT NULL
);
CREATE SEQUENCE public.batch_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.batch_id_seq OWNED BY public.batch.id;
CREATE TABLE public.deployment (
    id integer NOT NULL,
    job_id integer,
    job character varying(200) NOT NULL,
    version integer NOT NULL,
    digest character varying(64) NOT NULL,
    selector character varying(100) NOT NULL,
    target character varying(100) NOT NULL,
    place text NOT NULL,
    files json NOT NULL,
    revision character varying(200) NOT NULL,
    runs text NOT NULL,
    author character varying(200) NOT NULL,
    created double precision NOT NULL,
    state character varying(20) NOT NULL,
    problem text NOT NULL
);
CREATE SEQUENCE public.deployment_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.deployment_id_seq OWNED BY public.deployment.id;
CREATE TABLE public.job (
    id integer NOT NULL,
    name character varying(200) NOT NULL,
    created double precision NOT NULL,
    owner character varying(200) NOT NULL,
    paused boolean NOT NULL,
    hidden boolean NOT NULL,
    policies json NOT NULL,
    notebook text
);
CREATE SEQUENCE public.job_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.job_id_seq OWNED BY public.job.id;
CREATE TABLE public.run (
    id character varying(64) NOT NULL,
    job_id integer,
    version_id integer,
    schedule_id integer,
    batch_id integer,
    repairs character varying(64),
    slot double precision,
    trigger character varying(20) NOT NULL,
    state character varying(20) NOT NULL,
    priority integer NOT NULL,
    serial boolean NOT NULL,
    parameters json NOT NULL,
    options json NOT NULL,
    created double precision NOT NULL,
    not_before double precision NOT NULL,
    started double precision,
    finished double precision,
    attempt integer NOT NULL,
    recoveries integer NOT NULL,
    worker character varying(200) NOT NULL,
    lease character varying(64),
    lease_until double precision,
    stop_reason text NOT NULL,
    output text NOT NULL,
    metrics json NOT NULL,
    error json,
    notes json NOT NULL,
    verdict json,
    steps_completed integer DEFAULT 0 NOT NULL,
    environment_changes json DEFAULT '[]'::json NOT NULL
);
CREATE TABLE public.run_file (
    run_id character varying(64) NOT NULL,
    path text NOT NULL,
    digest character varying(64) NOT NULL
);
CREATE TABLE public.run_store (
    location text NOT NULL,
    next_at double precision NOT NULL,
    failures integer NOT NULL,
    problem text NOT NULL,
    lease character varying(64),
    lease_until double precision
);
CREATE TABLE public.schedule (
    id integer NOT NULL,
    job_id integer NOT NULL,
    version character varying(100) NOT NULL,
    cron character varying(200) NOT NULL,
    zone character varying(100) NOT NULL,
    parameters json NOT NULL,
    missed character varying(20) NOT NULL,
    overlap character varying(20) NOT NULL,
    paused boolean NOT NULL,
    created double precision NOT NULL,
    fired_until double precision NOT NULL,
    next_at double precision,
    problem text NOT NULL
);
CREATE SEQUENCE public.schedule_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.schedule_id_seq OWNED BY public.schedule.id;
CREATE TABLE public.step_run (
    run_id character varying(64) NOT NULL,
    "position" integer NOT NULL,
    name character varying(200) NOT NULL,
    state character varying(20) NOT NULL,
    attempts integer NOT NULL,
    seconds double precision NOT NULL,
    why json
);
CREATE TABLE public.version (
    id integer NOT NULL,
    job_id integer NOT NULL,
    number integer NOT NULL,
    digest character varying(64) NOT NULL,
    created double precision NOT NULL,
    author character varying(200) NOT NULL,
    message text NOT NULL,
    provenance json NOT NULL,
    writes_files boolean
);
CREATE SEQUENCE public.version_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.version_id_seq OWNED BY public.version.id;
CREATE TABLE public.worker (
    id character varying(200) NOT NULL,
    host character varying(200) NOT NULL,
    pid integer NOT NULL,
    began double precision NOT NULL,
    heard double precision NOT NULL,
    facts json NOT NULL
);
ALTER TABLE ONLY public.batch ALTER COLUMN id SET DEFAULT nextval('public.batch_id_seq'::regclass);
ALTER TABLE ONLY public.deployment ALTER COLUMN id SET DEFAULT nextval('public.deployment_id_seq'::regclass);
ALTER TABLE ONLY public.job ALTER COLUMN id SET DEFAULT nextval('public.job_id_seq'::regclass);
ALTER TABLE ONLY public.schedule ALTER COLUMN id SET DEFAULT nextval('public.schedule_id_seq'::regclass);
ALTER TABLE ONLY public.version ALTER COLUMN id SET DEFAULT nextval('public.version_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0005');
INSERT INTO public.alias VALUES (1, 'production', 1, 1767225604);
INSERT INTO public.batch VALUES (1, 1, 'sweep', 1767225606, 2, '{"axes": {"C": ["1", "2"]}}');
INSERT INTO public.job VALUES (1, 'churn', 1767225600.25, 'ada', false, false, '{"retries": 2, "notify": ["secret:HOOK"]}', NULL);
INSERT INTO public.job VALUES (2, 'notebook:6680d11b1efb8d9fc6c724724b0b4ed5', 1767225601.5, 'ada', true, true, '{}', 'Ünïcode/b.ipynb');
INSERT INTO public.run VALUES ('20260101-060000-00000001', 1, 1, 1, NULL, NULL, 1767243600, 'schedule', 'completed', 0, true, '{"day": "2026-01-01T06:00:00+01:00"}', '{}', 1767243600.1, 0, 1767243600.2, 1767243607.4, 1, 0, 'host:1:a', NULL, NULL, '', '/home/ada/out.ipynb', '{"auc": 0.91}', NULL, '["a note"]', '{"verdict": "reproduced"}', 0, '[]');
INSERT INTO public.run VALUES ('20260101-070000-00000002', 1, 2, NULL, 1, '20260101-060000-00000001', NULL, 'sweep', 'running', -10, false, '{"C": 1}', '{"use_cache": false}', 1767247200, 0, 1767247201, NULL, 2, 3, 'host:1:a', 'token', 1767247231, '', '', '{}', '{"step": "fit", "cell": 4, "ename": "E"}', '[]', NULL, 2, '[]');
INSERT INTO public.run_file VALUES ('20260101-060000-00000001', 'done.ipynb', 'f1');
INSERT INTO public.schedule VALUES (1, 1, '@production', '0 6 * * MON-FRI', 'Europe/Paris', '{"day": "{{ scheduled_time }}"}', 'all', 'queue', false, 1767225605, 1767243600, 1767330000, '');
INSERT INTO public.step_run VALUES ('20260101-060000-00000001', 0, 'load', 'completed', 1, 0.5, NULL);
INSERT INTO public.step_run VALUES ('20260101-060000-00000001', 1, 'fit', 'completed', 2, 6.25, NULL);
INSERT INTO public.version VALUES (1, 1, 1, 'a1', 1767225602, 'ada', 'first', '{"git": {"commit": "c0ffee"}}', NULL);
INSERT INTO public.version VALUES (2, 1, 2, 'a2', 1767225603, 'ada', 'it''s better', '{}', false);
INSERT INTO public.worker VALUES ('host:1:a', 'host', 1, 1767225600, 1767247201, '{"started": "123"}');
SELECT pg_catalog.setval('public.batch_id_seq', 1, true);
SELECT pg_catalog.setval('public.deployment_id_seq', 1, false);
SELECT pg_catalog.setval('public.job_id_seq', 2, true);
SELECT pg_catalog.setval('public.schedule_id_seq', 1, true);
SELECT pg_catalog.setval('public.version_id_seq', 2, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.alias
    ADD CONSTRAINT pk_alias PRIMARY KEY (job_id, name);
ALTER TABLE ONLY public.batch
    ADD CONSTRAINT pk_batch PRIMARY KEY (id);
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT pk_deployment PRIMARY KEY (id);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT pk_job PRIMARY KEY (id);
ALTER TABLE ONLY public.run
    ADD CONSTRAINT pk_run PRIMARY KEY (id);
ALTER TABLE ONLY public.run_file
    ADD CONSTRAINT pk_run_file PRIMARY KEY (run_id, path);
ALTER TABLE ONLY public.run_store
    ADD CONSTRAINT pk_run_store PRIMARY KEY (location);
ALTER TABLE ONLY public.schedule
    ADD CONSTRAINT pk_schedule PRIMARY KEY (id);
ALTER TABLE ONLY public.step_run
    ADD CONSTRAINT pk_step_run PRIMARY KEY (run_id, "position");
ALTER TABLE ONLY public.version
    ADD CONSTRAINT pk_version PRIMARY KEY (id);
ALTER TABLE ONLY public.worker
    ADD CONSTRAINT pk_worker PRIMARY KEY (id);
ALTER TABLE ONLY public.job
    ADD CONSTRAINT uq_job_name UNIQUE (name);
ALTER TABLE ONLY public.run
    ADD CONSTRAINT uq_run_schedule_id_slot UNIQUE (schedule_id, slot);
ALTER TABLE ONLY public.version
    ADD CONSTRAINT uq_version_job_id_digest UNIQUE (job_id, digest);
ALTER TABLE ONLY public.version
    ADD CONSTRAINT uq_version_job_id_number UNIQUE (job_id, number);
CREATE INDEX ix_deployment_job ON public.deployment USING btree (job, created);
CREATE INDEX ix_run_batch_id ON public.run USING btree (batch_id);
CREATE INDEX ix_run_created ON public.run USING btree (created, id);
CREATE INDEX ix_run_job ON public.run USING btree (job_id, created, id);
CREATE INDEX ix_run_queue ON public.run USING btree (state, not_before);
CREATE INDEX ix_schedule_fired_until ON public.schedule USING btree (fired_until);
CREATE INDEX ix_schedule_job_id ON public.schedule USING btree (job_id);
CREATE INDEX ix_schedule_next_at ON public.schedule USING btree (next_at);
ALTER TABLE ONLY public.alias
    ADD CONSTRAINT fk_alias_job_id_job FOREIGN KEY (job_id) REFERENCES public.job(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.alias
    ADD CONSTRAINT fk_alias_version_id_version FOREIGN KEY (version_id) REFERENCES public.version(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.batch
    ADD CONSTRAINT fk_batch_job_id_job FOREIGN KEY (job_id) REFERENCES public.job(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT fk_deployment_job_id_job FOREIGN KEY (job_id) REFERENCES public.job(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.run
    ADD CONSTRAINT fk_run_batch_id_batch FOREIGN KEY (batch_id) REFERENCES public.batch(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.run_file
    ADD CONSTRAINT fk_run_file_run_id_run FOREIGN KEY (run_id) REFERENCES public.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.run
    ADD CONSTRAINT fk_run_job_id_job FOREIGN KEY (job_id) REFERENCES public.job(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.run
    ADD CONSTRAINT fk_run_schedule_id_schedule FOREIGN KEY (schedule_id) REFERENCES public.schedule(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.run
    ADD CONSTRAINT fk_run_version_id_version FOREIGN KEY (version_id) REFERENCES public.version(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.schedule
    ADD CONSTRAINT fk_schedule_job_id_job FOREIGN KEY (job_id) REFERENCES public.job(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.step_run
    ADD CONSTRAINT fk_step_run_run_id_run FOREIGN KEY (run_id) REFERENCES public.run(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.version
    ADD CONSTRAINT fk_version_job_id_job FOREIGN KEY (job_id) REFERENCES public.job(id) ON DELETE CASCADE;
