BEGIN TRANSACTION;
CREATE TABLE application_versions (
    version_id TEXT NOT NULL PRIMARY KEY,
    version_name TEXT NOT NULL UNIQUE,
    version_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL);
CREATE TABLE blobs (
	address VARCHAR(64) NOT NULL, 
	bytes BIGINT NOT NULL, 
	owner VARCHAR(200) NOT NULL, 
	touched FLOAT NOT NULL, 
	doomed BOOLEAN NOT NULL, 
	PRIMARY KEY (address)
);
INSERT INTO "blobs" VALUES('cc5f9d426149573efd73c8240b83e7ec5ea742ab8fa348764d5603a8dbf06a4d',80,'alice',1.79594193586000800137e+09,0);
INSERT INTO "blobs" VALUES('28e5c97a85bf5aa1862c2a9005e230ccea4bb903dcc2ade9bc7baf89ecee669c',82,'alice',1.79594193587598061566e+09,0);
INSERT INTO "blobs" VALUES('c72a80c04c8475175b3554682fd9df7908083436dc809e40bfcc296b64cd05c0',83,'alice',1.79594193590398287776e+09,0);
INSERT INTO "blobs" VALUES('c13fd23067ed98c4c6a31ddd0ae15ffb0752f5a67ab71ae12f7bbcdde73dbf05',82,'alice',1.79594193592401885984e+09,0);
INSERT INTO "blobs" VALUES('4ac8f4623660d39ead55734c9c4f845eca4ae9030c1ed48a2e6a381b236e58f6',83,'alice',1.79594193594401478771e+09,0);
INSERT INTO "blobs" VALUES('13d95b8f145d1355ea0f5e690e649584dfaf73e2a1cc6bf49ff3a62d9e5a9b89',80,'alice',1.79594193596799373631e+09,0);
INSERT INTO "blobs" VALUES('4e3a8685dee25731161a78e63b5f00a9ede4825d7369c09a5c148eb1cd7b74d7',80,'alice',1.7959419359840064048e+09,0);
INSERT INTO "blobs" VALUES('76dcb3643d134beefb1c82b408ddf677db236a0f3853beb2d9ef44a2fab9c74e',80,'alice',1.79594193599599599841e+09,0);
INSERT INTO "blobs" VALUES('fc963f744763fcc9e770dc8ce1827d442cf016d750bc95497ade5ee1da8c53f2',85,'alice',1.79594193601200866703e+09,0);
CREATE TABLE dbos_migrations (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO "dbos_migrations" VALUES(125);
CREATE TABLE events (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	job VARCHAR(36) NOT NULL, 
	time FLOAT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	segments_done INTEGER NOT NULL, 
	segments_total INTEGER NOT NULL, 
	progress FLOAT NOT NULL, 
	message TEXT NOT NULL
);
INSERT INTO "events" VALUES(1,'00000000-0000-4000-8000-000000000001',1.79594193628844046592e+09,'state','queued',0,0,0.0,'');
INSERT INTO "events" VALUES(2,'00000000-0000-4000-8000-000000000002',1.79594193632659649851e+09,'state','queued',0,0,0.0,'');
INSERT INTO "events" VALUES(3,'00000000-0000-4000-8000-000000000001',1.79594193635341501237e+09,'state','running',0,0,0.0,'');
INSERT INTO "events" VALUES(4,'00000000-0000-4000-8000-000000000001',1.79594193636131286618e+09,'progress','running',0,4,0.0,'planned');
INSERT INTO "events" VALUES(5,'00000000-0000-4000-8000-000000000001',1.79594193638529014585e+09,'segment','running',1,4,0.25,'');
INSERT INTO "events" VALUES(6,'00000000-0000-4000-8000-000000000001',1.79594193641660356515e+09,'segment','running',2,4,0.5,'');
INSERT INTO "events" VALUES(7,'00000000-0000-4000-8000-000000000001',1.79594193643235874174e+09,'segment','running',3,4,0.75,'');
INSERT INTO "events" VALUES(8,'00000000-0000-4000-8000-000000000001',1.79594193644444513318e+09,'segment','running',4,4,1.0,'');
INSERT INTO "events" VALUES(9,'00000000-0000-4000-8000-000000000001',1.7959419364527053833e+09,'state','done',4,4,1.0,'');
CREATE TABLE frames (
	job VARCHAR(36) NOT NULL, 
	drawing INTEGER NOT NULL, 
	blob VARCHAR(64) NOT NULL, 
	PRIMARY KEY (job, drawing)
);
INSERT INTO "frames" VALUES('00000000-0000-4000-8000-000000000001',0,'cc5f9d426149573efd73c8240b83e7ec5ea742ab8fa348764d5603a8dbf06a4d');
INSERT INTO "frames" VALUES('00000000-0000-4000-8000-000000000001',1,'28e5c97a85bf5aa1862c2a9005e230ccea4bb903dcc2ade9bc7baf89ecee669c');
INSERT INTO "frames" VALUES('00000000-0000-4000-8000-000000000001',2,'c72a80c04c8475175b3554682fd9df7908083436dc809e40bfcc296b64cd05c0');
INSERT INTO "frames" VALUES('00000000-0000-4000-8000-000000000001',3,'c13fd23067ed98c4c6a31ddd0ae15ffb0752f5a67ab71ae12f7bbcdde73dbf05');
INSERT INTO "frames" VALUES('00000000-0000-4000-8000-000000000001',4,'4ac8f4623660d39ead55734c9c4f845eca4ae9030c1ed48a2e6a381b236e58f6');
INSERT INTO "frames" VALUES('00000000-0000-4000-8000-000000000001',5,'13d95b8f145d1355ea0f5e690e649584dfaf73e2a1cc6bf49ff3a62d9e5a9b89');
INSERT INTO "frames" VALUES('00000000-0000-4000-8000-000000000001',6,'4e3a8685dee25731161a78e63b5f00a9ede4825d7369c09a5c148eb1cd7b74d7');
INSERT INTO "frames" VALUES('00000000-0000-4000-8000-000000000001',7,'76dcb3643d134beefb1c82b408ddf677db236a0f3853beb2d9ef44a2fab9c74e');
CREATE TABLE inputs (
	job VARCHAR(36) NOT NULL, 
	blob VARCHAR(64) NOT NULL, 
	PRIMARY KEY (job, blob)
);
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000001','cc5f9d426149573efd73c8240b83e7ec5ea742ab8fa348764d5603a8dbf06a4d');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000001','28e5c97a85bf5aa1862c2a9005e230ccea4bb903dcc2ade9bc7baf89ecee669c');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000001','c72a80c04c8475175b3554682fd9df7908083436dc809e40bfcc296b64cd05c0');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000001','c13fd23067ed98c4c6a31ddd0ae15ffb0752f5a67ab71ae12f7bbcdde73dbf05');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000001','4ac8f4623660d39ead55734c9c4f845eca4ae9030c1ed48a2e6a381b236e58f6');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000001','13d95b8f145d1355ea0f5e690e649584dfaf73e2a1cc6bf49ff3a62d9e5a9b89');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000001','4e3a8685dee25731161a78e63b5f00a9ede4825d7369c09a5c148eb1cd7b74d7');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000001','76dcb3643d134beefb1c82b408ddf677db236a0f3853beb2d9ef44a2fab9c74e');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000001','fc963f744763fcc9e770dc8ce1827d442cf016d750bc95497ade5ee1da8c53f2');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000002','cc5f9d426149573efd73c8240b83e7ec5ea742ab8fa348764d5603a8dbf06a4d');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000002','28e5c97a85bf5aa1862c2a9005e230ccea4bb903dcc2ade9bc7baf89ecee669c');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000002','c72a80c04c8475175b3554682fd9df7908083436dc809e40bfcc296b64cd05c0');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000002','c13fd23067ed98c4c6a31ddd0ae15ffb0752f5a67ab71ae12f7bbcdde73dbf05');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000002','4ac8f4623660d39ead55734c9c4f845eca4ae9030c1ed48a2e6a381b236e58f6');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000002','13d95b8f145d1355ea0f5e690e649584dfaf73e2a1cc6bf49ff3a62d9e5a9b89');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000002','4e3a8685dee25731161a78e63b5f00a9ede4825d7369c09a5c148eb1cd7b74d7');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000002','76dcb3643d134beefb1c82b408ddf677db236a0f3853beb2d9ef44a2fab9c74e');
INSERT INTO "inputs" VALUES('00000000-0000-4000-8000-000000000002','fc963f744763fcc9e770dc8ce1827d442cf016d750bc95497ade5ee1da8c53f2');
CREATE TABLE jobs (
	id VARCHAR(36) NOT NULL, 
	manifest TEXT NOT NULL, 
	queue VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	segments_done INTEGER NOT NULL, 
	segments_total INTEGER NOT NULL, 
	progress FLOAT NOT NULL, 
	problem TEXT, 
	created FLOAT NOT NULL, 
	started FLOAT, 
	started_progress FLOAT NOT NULL, 
	worker VARCHAR(64), 
	finished FLOAT, 
	crashes INTEGER NOT NULL, 
	owner VARCHAR(200) DEFAULT '' NOT NULL, 
	priority VARCHAR(8) DEFAULT 'normal' NOT NULL, 
	fingerprint VARCHAR(64) DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "jobs" VALUES('00000000-0000-4000-8000-000000000001','{"name": "Lantern <b>walk</b>", "frame_start": 101, "fps": 24.0, "width": 24, "height": 16, "drawings": ["cc5f9d426149573efd73c8240b83e7ec5ea742ab8fa348764d5603a8dbf06a4d", "28e5c97a85bf5aa1862c2a9005e230ccea4bb903dcc2ade9bc7baf89ecee669c", "c72a80c04c8475175b3554682fd9df7908083436dc809e40bfcc296b64cd05c0", "c13fd23067ed98c4c6a31ddd0ae15ffb0752f5a67ab71ae12f7bbcdde73dbf05", "4ac8f4623660d39ead55734c9c4f845eca4ae9030c1ed48a2e6a381b236e58f6", "13d95b8f145d1355ea0f5e690e649584dfaf73e2a1cc6bf49ff3a62d9e5a9b89", "4e3a8685dee25731161a78e63b5f00a9ede4825d7369c09a5c148eb1cd7b74d7", "76dcb3643d134beefb1c82b408ddf677db236a0f3853beb2d9ef44a2fab9c74e"], "timing": [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7], "keyframes": [{"frame": 105, "blob": "fc963f744763fcc9e770dc8ce1827d442cf016d750bc95497ade5ee1da8c53f2"}], "preset": "tiny", "prompt": "", "seed": 0, "finish": "flats", "quality": "final", "background": "kept", "priority": "normal", "parent": null}','cpu','done',4,4,1.0,NULL,1.79594193627684879308e+09,1.79594193635947680471e+09,0.0,NULL,1.79594193645174670216e+09,0,'alice','normal','e6cd6a96e33bcfc644b10c4520d9b3039bf83d91b46c1d9111605fd3eda67ba0');
INSERT INTO "jobs" VALUES('00000000-0000-4000-8000-000000000002','{"name": "Lantern <b>walk</b>", "frame_start": 101, "fps": 24.0, "width": 24, "height": 16, "drawings": ["cc5f9d426149573efd73c8240b83e7ec5ea742ab8fa348764d5603a8dbf06a4d", "28e5c97a85bf5aa1862c2a9005e230ccea4bb903dcc2ade9bc7baf89ecee669c", "c72a80c04c8475175b3554682fd9df7908083436dc809e40bfcc296b64cd05c0", "c13fd23067ed98c4c6a31ddd0ae15ffb0752f5a67ab71ae12f7bbcdde73dbf05", "4ac8f4623660d39ead55734c9c4f845eca4ae9030c1ed48a2e6a381b236e58f6", "13d95b8f145d1355ea0f5e690e649584dfaf73e2a1cc6bf49ff3a62d9e5a9b89", "4e3a8685dee25731161a78e63b5f00a9ede4825d7369c09a5c148eb1cd7b74d7", "76dcb3643d134beefb1c82b408ddf677db236a0f3853beb2d9ef44a2fab9c74e"], "timing": [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7], "keyframes": [{"frame": 105, "blob": "fc963f744763fcc9e770dc8ce1827d442cf016d750bc95497ade5ee1da8c53f2"}], "preset": "tiny", "prompt": "", "seed": 1, "finish": "flats", "quality": "final", "background": "kept", "priority": "normal", "parent": null}','cpu','queued',0,0,0.0,NULL,1.79594193632568264011e+09,NULL,0.0,NULL,NULL,0,'alice','normal','96b5c21271b9744b74e496294ac01e970d4f4175767ab4e681afce380ba3a78d');
CREATE TABLE notifications (
    message_uuid TEXT NOT NULL DEFAULT (hex(randomblob(16))) PRIMARY KEY,
    destination_uuid TEXT NOT NULL,
    topic TEXT,
    message TEXT NOT NULL,
    created_at_epoch_ms INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000), "serialization" TEXT DEFAULT NULL, "consumed" BOOLEAN NOT NULL DEFAULT FALSE, consumed_by_function_id INTEGER,
    FOREIGN KEY (destination_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE "operation_outputs" (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    function_name TEXT NOT NULL DEFAULT '',
    output TEXT,
    error TEXT,
    child_workflow_id TEXT,
    started_at_epoch_ms INTEGER,
    completed_at_epoch_ms INTEGER,
    serialization TEXT,
    application_name TEXT DEFAULT NULL,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    PRIMARY KEY (workflow_uuid, function_id)
);
CREATE TABLE pictures (
	address VARCHAR(64) NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	has_lines BOOLEAN NOT NULL, 
	has_clear BOOLEAN NOT NULL, 
	PRIMARY KEY (address)
);
CREATE TABLE queues (
    queue_id TEXT PRIMARY KEY DEFAULT (hex(randomblob(16))),
    name TEXT NOT NULL UNIQUE,
    concurrency INTEGER,
    worker_concurrency INTEGER,
    rate_limit_max INTEGER,
    rate_limit_period_sec REAL,
    priority_enabled BOOLEAN NOT NULL DEFAULT FALSE,
    partition_queue BOOLEAN NOT NULL DEFAULT FALSE,
    polling_interval_sec REAL NOT NULL DEFAULT 1.0,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL, "partition_concurrency" INTEGER DEFAULT NULL, "partition_worker_concurrency" INTEGER DEFAULT NULL, "partition_rate_limit_max" INTEGER DEFAULT NULL, "partition_rate_limit_period_sec" REAL DEFAULT NULL);
CREATE TABLE segments (
	job VARCHAR(36) NOT NULL, 
	number INTEGER NOT NULL, 
	drawings TEXT NOT NULL, 
	"key" VARCHAR(64), 
	state VARCHAR(64), 
	guesses TEXT, 
	begun FLOAT, 
	finished FLOAT, 
	reused BOOLEAN NOT NULL, 
	PRIMARY KEY (job, number)
);
INSERT INTO "segments" VALUES('00000000-0000-4000-8000-000000000001',0,'[0, 1]','key0','cc5f9d426149573efd73c8240b83e7ec5ea742ab8fa348764d5603a8dbf06a4d','{"0": 0.1}',1.0,2.0,0);
INSERT INTO "segments" VALUES('00000000-0000-4000-8000-000000000001',1,'[2, 3]','key1','cc5f9d426149573efd73c8240b83e7ec5ea742ab8fa348764d5603a8dbf06a4d','{"2": 0.1}',1.0,2.0,0);
INSERT INTO "segments" VALUES('00000000-0000-4000-8000-000000000001',2,'[4, 5]','key2','cc5f9d426149573efd73c8240b83e7ec5ea742ab8fa348764d5603a8dbf06a4d','{"4": 0.1}',1.0,2.0,0);
INSERT INTO "segments" VALUES('00000000-0000-4000-8000-000000000001',3,'[6, 7]','key3','cc5f9d426149573efd73c8240b83e7ec5ea742ab8fa348764d5603a8dbf06a4d','{"6": 0.1}',1.0,2.0,0);
CREATE TABLE sessions (
	digest VARCHAR(64) NOT NULL, 
	token VARCHAR(64) NOT NULL, 
	expires FLOAT NOT NULL, 
	PRIMARY KEY (digest)
);
CREATE TABLE streams (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    "offset" INTEGER NOT NULL, function_id INTEGER NOT NULL DEFAULT 0, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key, "offset"),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE tokens (
	digest VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	role VARCHAR(16) DEFAULT 'submit' NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "tokens" VALUES('f9c5c8117e595c50d33dd0a8b859926b2ecb0595c039d2274d195464bcc4c265','alice',1.79594193601936721804e+09,'admin');
CREATE TABLE workers (
	id VARCHAR(64) NOT NULL, 
	device VARCHAR(16) NOT NULL, 
	beat FLOAT NOT NULL, 
	"left" BOOLEAN NOT NULL, 
	host VARCHAR(200) DEFAULT '' NOT NULL, 
	title VARCHAR(200) DEFAULT '' NOT NULL, 
	memory_total BIGINT DEFAULT '0' NOT NULL, 
	memory_free BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE workflow_events (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_events_history (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, function_id, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid)
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_input (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    inputs TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
INSERT INTO "workflow_input" VALUES('00000000-0000-4000-8000-000000000001','{"namedArgs":{},"positionalArgs":["00000000-0000-4000-8000-000000000001"]}',1795941936000);
INSERT INTO "workflow_input" VALUES('00000000-0000-4000-8000-000000000002','{"namedArgs":{},"positionalArgs":["00000000-0000-4000-8000-000000000002"]}',1795941936000);
CREATE TABLE workflow_output (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    output TEXT,
    error TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
CREATE TABLE workflow_schedules (
    schedule_id TEXT PRIMARY KEY,
    schedule_name TEXT NOT NULL UNIQUE,
    workflow_name TEXT NOT NULL,
    workflow_class_name TEXT,
    schedule TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'ACTIVE',
    context TEXT NOT NULL
, "last_fired_at" TEXT DEFAULT NULL, "automatic_backfill" BOOLEAN NOT NULL DEFAULT FALSE, "cron_timezone" TEXT DEFAULT NULL, "queue_name" TEXT DEFAULT NULL, "application_name" TEXT DEFAULT NULL);
CREATE TABLE workflow_status (
    workflow_uuid TEXT PRIMARY KEY,
    status TEXT,
    name TEXT,
    authenticated_user TEXT,
    assumed_role TEXT,
    authenticated_roles TEXT,
    request TEXT,
    output TEXT,
    error TEXT,
    executor_id TEXT,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    application_version TEXT,
    application_id TEXT,
    class_name TEXT DEFAULT NULL,
    config_name TEXT DEFAULT NULL,
    recovery_attempts INTEGER DEFAULT 0,
    queue_name TEXT,
    workflow_timeout_ms INTEGER,
    workflow_deadline_epoch_ms INTEGER,
    inputs TEXT,
    started_at_epoch_ms INTEGER,
    deduplication_id TEXT,
    priority INTEGER NOT NULL DEFAULT 0
, queue_partition_key TEXT, forked_from TEXT, "owner_xid" TEXT DEFAULT NULL, "parent_workflow_id" TEXT DEFAULT NULL, "serialization" TEXT DEFAULT NULL, "delay_until_epoch_ms" BIGINT DEFAULT NULL, "was_forked_from" BOOLEAN NOT NULL DEFAULT FALSE, "rate_limited" BOOLEAN NOT NULL DEFAULT FALSE, "completed_at" BIGINT, "attributes" TEXT, "schedule_name" TEXT, "debounce_deadline_epoch_ms" BIGINT DEFAULT NULL, "is_debounced" BOOLEAN NOT NULL DEFAULT FALSE, "application_name" TEXT DEFAULT NULL, "creator_xid" TEXT DEFAULT NULL);
INSERT INTO "workflow_status" VALUES('00000000-0000-4000-8000-000000000001','ENQUEUED','color_shot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795941936000,1795941936000,'2',NULL,NULL,NULL,0,'cpu',NULL,NULL,NULL,NULL,NULL,2,NULL,NULL,NULL,NULL,'portable_json',NULL,0,0,NULL,'null',NULL,NULL,0,'longanimation-color','65b70447-c333-4f04-9b9a-e017680b498a');
INSERT INTO "workflow_status" VALUES('00000000-0000-4000-8000-000000000002','ENQUEUED','color_shot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795941936000,1795941936000,'2',NULL,NULL,NULL,0,'cpu',NULL,NULL,NULL,NULL,NULL,2,NULL,NULL,NULL,NULL,'portable_json',NULL,0,0,NULL,'null',NULL,NULL,0,'longanimation-color','0a0354ef-9e44-4c21-8249-1219f9e408bc');
CREATE INDEX blobs_by_owner ON blobs (owner);
CREATE INDEX blobs_by_age ON blobs (touched);
CREATE INDEX events_by_job ON events (job, number);
CREATE INDEX frames_by_blob ON frames (blob);
CREATE INDEX inputs_by_blob ON inputs (blob);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_fingerprint ON jobs (fingerprint);
CREATE INDEX segments_by_key ON segments ("key");
CREATE INDEX segments_by_state ON segments (state);
CREATE INDEX workflow_status_created_at_index ON workflow_status (created_at);
CREATE INDEX idx_workflow_topic ON notifications (destination_uuid, topic);
CREATE INDEX "idx_workflow_status_delayed" ON "workflow_status" ("delay_until_epoch_ms") WHERE status = 'DELAYED';
CREATE INDEX "idx_workflow_status_forked_from" ON "workflow_status" ("forked_from") WHERE "forked_from" IS NOT NULL;
CREATE INDEX "idx_workflow_status_parent_workflow_id" ON "workflow_status" ("parent_workflow_id") WHERE "parent_workflow_id" IS NOT NULL;
CREATE UNIQUE INDEX "uq_workflow_status_dedup_id" ON "workflow_status" ("queue_name", "deduplication_id") WHERE "deduplication_id" IS NOT NULL;
CREATE INDEX "idx_workflow_status_pending" ON "workflow_status" ("created_at") WHERE "status" = 'PENDING';
CREATE INDEX "idx_workflow_status_failed" ON "workflow_status" ("status", "created_at") WHERE "status" IN ('ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED');
CREATE INDEX "idx_workflow_status_rate_limited" ON "workflow_status" ("queue_name", "started_at_epoch_ms") WHERE "rate_limited" = TRUE;
CREATE INDEX "idx_workflow_status_completed_at" ON "workflow_status" ("completed_at") WHERE "completed_at" IS NOT NULL;
CREATE INDEX "idx_workflow_status_started_at" ON "workflow_status" ("started_at_epoch_ms") WHERE "started_at_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_workflow_status_schedule_name" ON "workflow_status" ("schedule_name") WHERE "schedule_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_owner_version"
    ON application_versions ("application_name", "version_name")
    WHERE "application_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_unclaimed_version"
    ON application_versions ("version_name")
    WHERE "application_name" IS NULL;
CREATE INDEX idx_workflow_input_retention
    ON workflow_input (retention_timestamp);
CREATE INDEX idx_workflow_output_retention
    ON workflow_output (retention_timestamp);
CREATE INDEX idx_operation_outputs_retention
    ON operation_outputs (retention_timestamp);
CREATE INDEX "idx_workflow_status_in_flight_v2" ON "workflow_status" ("queue_name", "status", "priority", "created_at", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING');
CREATE INDEX "idx_workflow_status_partition_dequeue_v3" ON "workflow_status" ("queue_name", "status", "queue_partition_key", "priority", "created_at", "workflow_uuid", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING') AND "queue_partition_key" IS NOT NULL;
CREATE INDEX "idx_operation_outputs_completed_at_function_name_v2" ON "operation_outputs" ("completed_at_epoch_ms", "function_name", "application_name");
CREATE INDEX "idx_workflow_status_deadline" ON "workflow_status" ("workflow_deadline_epoch_ms") WHERE "status" IN ('ENQUEUED', 'PENDING', 'DELAYED') AND "workflow_deadline_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_application_versions_timestamp" ON "application_versions" ("version_timestamp" DESC);
CREATE INDEX "idx_application_versions_owner_timestamp" ON "application_versions" ("application_name", "version_timestamp" DESC);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',9);
COMMIT;
