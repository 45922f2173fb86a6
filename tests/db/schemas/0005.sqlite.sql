BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE alias (
	job_id INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	version_id INTEGER NOT NULL, 
	changed DOUBLE NOT NULL, 
	CONSTRAINT pk_alias PRIMARY KEY (job_id, name), 
	CONSTRAINT fk_alias_job_id_job FOREIGN KEY(job_id) REFERENCES job (id) ON DELETE CASCADE, 
	CONSTRAINT fk_alias_version_id_version FOREIGN KEY(version_id) REFERENCES version (id) ON DELETE CASCADE
);
INSERT INTO "alias" VALUES(1,'production',1,1767225604.0);
CREATE TABLE batch (
	id INTEGER NOT NULL, 
	job_id INTEGER NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	created DOUBLE NOT NULL, 
	concurrency INTEGER NOT NULL, 
	options JSON NOT NULL, 
	CONSTRAINT pk_batch PRIMARY KEY (id), 
	CONSTRAINT fk_batch_job_id_job FOREIGN KEY(job_id) REFERENCES job (id) ON DELETE CASCADE
);
INSERT INTO "batch" VALUES(1,1,'sweep',1767225606.0,2,'{"axes": {"C": ["1", "2"]}}');
CREATE TABLE deployment (
	id INTEGER NOT NULL, 
	job_id INTEGER, 
	job VARCHAR(200) NOT NULL, 
	version INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	selector VARCHAR(100) NOT NULL, 
	target VARCHAR(100) NOT NULL, 
	place TEXT NOT NULL, 
	files JSON NOT NULL, 
	revision VARCHAR(200) NOT NULL, 
	runs TEXT NOT NULL, 
	author VARCHAR(200) NOT NULL, 
	created DOUBLE NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	problem TEXT NOT NULL, 
	CONSTRAINT pk_deployment PRIMARY KEY (id), 
	CONSTRAINT fk_deployment_job_id_job FOREIGN KEY(job_id) REFERENCES job (id) ON DELETE SET NULL
);
CREATE TABLE job (
	id INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	created DOUBLE NOT NULL, 
	owner VARCHAR(200) NOT NULL, 
	paused BOOLEAN NOT NULL, 
	hidden BOOLEAN NOT NULL, 
	policies JSON NOT NULL, notebook TEXT, 
	CONSTRAINT pk_job PRIMARY KEY (id), 
	CONSTRAINT uq_job_name UNIQUE (name)
);
INSERT INTO "job" VALUES(1,'churn',1767225600.25,'ada',0,0,'{"retries": 2, "notify": ["secret:HOOK"]}',NULL);
INSERT INTO "job" VALUES(2,'notebook:6680d11b1efb8d9fc6c724724b0b4ed5',1767225601.5,'ada',1,1,'{}','Ünïcode/b.ipynb');
CREATE TABLE run (
	id VARCHAR(64) NOT NULL, 
	job_id INTEGER, 
	version_id INTEGER, 
	schedule_id INTEGER, 
	batch_id INTEGER, 
	repairs VARCHAR(64), 
	slot DOUBLE, 
	"trigger" VARCHAR(20) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	priority INTEGER NOT NULL, 
	serial BOOLEAN NOT NULL, 
	parameters JSON NOT NULL, 
	options JSON NOT NULL, 
	created DOUBLE NOT NULL, 
	not_before DOUBLE NOT NULL, 
	started DOUBLE, 
	finished DOUBLE, 
	attempt INTEGER NOT NULL, 
	recoveries INTEGER NOT NULL, 
	worker VARCHAR(200) NOT NULL, 
	lease VARCHAR(64), 
	lease_until DOUBLE, 
	stop_reason TEXT NOT NULL, 
	output TEXT NOT NULL, 
	metrics JSON NOT NULL, 
	error JSON, 
	notes JSON NOT NULL, 
	verdict JSON, steps_completed INTEGER DEFAULT '0' NOT NULL, environment_changes JSON DEFAULT '[]' NOT NULL, 
	CONSTRAINT pk_run PRIMARY KEY (id), 
	CONSTRAINT fk_run_batch_id_batch FOREIGN KEY(batch_id) REFERENCES batch (id) ON DELETE CASCADE, 
	CONSTRAINT fk_run_job_id_job FOREIGN KEY(job_id) REFERENCES job (id) ON DELETE CASCADE, 
	CONSTRAINT fk_run_schedule_id_schedule FOREIGN KEY(schedule_id) REFERENCES schedule (id) ON DELETE SET NULL, 
	CONSTRAINT fk_run_version_id_version FOREIGN KEY(version_id) REFERENCES version (id) ON DELETE CASCADE, 
	CONSTRAINT uq_run_schedule_id_slot UNIQUE (schedule_id, slot)
);
INSERT INTO "run" VALUES('20260101-060000-00000001',1,1,1,NULL,NULL,1767243600.0,'schedule','completed',0,1,'{"day": "2026-01-01T06:00:00+01:00"}','{}',1767243600.1,0.0,1767243600.2,1767243607.4,1,0,'host:1:a',NULL,NULL,'','/home/ada/out.ipynb','{"auc": 0.91}',NULL,'["a note"]','{"verdict": "reproduced"}',0,'[]');
INSERT INTO "run" VALUES('20260101-070000-00000002',1,2,NULL,1,'20260101-060000-00000001',NULL,'sweep','running',-10,0,'{"C": 1}','{"use_cache": false}',1767247200.0,0.0,1767247201.0,NULL,2,3,'host:1:a','token',1767247231.0,'','','{}','{"step": "fit", "cell": 4, "ename": "E"}','[]',NULL,2,'[]');
CREATE TABLE run_file (
	run_id VARCHAR(64) NOT NULL, 
	path TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_run_file PRIMARY KEY (run_id, path), 
	CONSTRAINT fk_run_file_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "run_file" VALUES('20260101-060000-00000001','done.ipynb','f1');
CREATE TABLE run_store (
	location TEXT NOT NULL, 
	next_at DOUBLE NOT NULL, 
	failures INTEGER NOT NULL, 
	problem TEXT NOT NULL, 
	lease VARCHAR(64), 
	lease_until DOUBLE, 
	CONSTRAINT pk_run_store PRIMARY KEY (location)
);
CREATE TABLE schedule (
	id INTEGER NOT NULL, 
	job_id INTEGER NOT NULL, 
	version VARCHAR(100) NOT NULL, 
	cron VARCHAR(200) NOT NULL, 
	zone VARCHAR(100) NOT NULL, 
	parameters JSON NOT NULL, 
	missed VARCHAR(20) NOT NULL, 
	overlap VARCHAR(20) NOT NULL, 
	paused BOOLEAN NOT NULL, 
	created DOUBLE NOT NULL, 
	fired_until DOUBLE NOT NULL, 
	next_at DOUBLE, 
	problem TEXT NOT NULL, 
	CONSTRAINT pk_schedule PRIMARY KEY (id), 
	CONSTRAINT fk_schedule_job_id_job FOREIGN KEY(job_id) REFERENCES job (id) ON DELETE CASCADE
);
INSERT INTO "schedule" VALUES(1,1,'@production','0 6 * * MON-FRI','Europe/Paris','{"day": "{{ scheduled_time }}"}','all','queue',0,1767225605.0,1767243600.0,1767330000.0,'');
CREATE TABLE step_run (
	run_id VARCHAR(64) NOT NULL, 
	position INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	attempts INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, why JSON, 
	CONSTRAINT pk_step_run PRIMARY KEY (run_id, position), 
	CONSTRAINT fk_step_run_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "step_run" VALUES('20260101-060000-00000001',0,'load','completed',1,0.5,NULL);
INSERT INTO "step_run" VALUES('20260101-060000-00000001',1,'fit','completed',2,6.25,NULL);
CREATE TABLE version (
	id INTEGER NOT NULL, 
	job_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	created DOUBLE NOT NULL, 
	author VARCHAR(200) NOT NULL, 
	message TEXT NOT NULL, 
	provenance JSON NOT NULL, 
	writes_files BOOLEAN, 
	CONSTRAINT pk_version PRIMARY KEY (id), 
	CONSTRAINT fk_version_job_id_job FOREIGN KEY(job_id) REFERENCES job (id) ON DELETE CASCADE, 
	CONSTRAINT uq_version_job_id_digest UNIQUE (job_id, digest), 
	CONSTRAINT uq_version_job_id_number UNIQUE (job_id, number)
);
INSERT INTO "version" VALUES(1,1,1,'a1',1767225602.0,'ada','first','{"git": {"commit": "c0ffee"}}',NULL);
INSERT INTO "version" VALUES(2,1,2,'a2',1767225603.0,'ada','it''s better','{}',0);
CREATE TABLE worker (
	id VARCHAR(200) NOT NULL, 
	host VARCHAR(200) NOT NULL, 
	pid INTEGER NOT NULL, 
	began DOUBLE NOT NULL, 
	heard DOUBLE NOT NULL, 
	facts JSON NOT NULL, 
	CONSTRAINT pk_worker PRIMARY KEY (id)
);
INSERT INTO "worker" VALUES('host:1:a','host',1,1767225600.0,1767247201.0,'{"started": "123"}');
CREATE INDEX ix_schedule_job_id ON schedule (job_id);
CREATE INDEX ix_schedule_fired_until ON schedule (fired_until);
CREATE INDEX ix_schedule_next_at ON schedule (next_at);
CREATE INDEX ix_run_batch_id ON run (batch_id);
CREATE INDEX ix_run_created ON run (created, id);
CREATE INDEX ix_run_job ON run (job_id, created, id);
CREATE INDEX ix_run_queue ON run (state, not_before);
CREATE INDEX ix_deployment_job ON deployment (job, created);
COMMIT;
