-- migration 0001 f72aec34b33f732f
BEGIN TRANSACTION;
CREATE TABLE adopted_overrides (
      id INTEGER NOT NULL, account TEXT NOT NULL, role TEXT NOT NULL, owner TEXT NOT NULL,
      who TEXT NOT NULL, why TEXT NOT NULL, expires TEXT, at TEXT NOT NULL, ended_at TEXT,
      CONSTRAINT pk_adopted_overrides PRIMARY KEY (id)
    ) STRICT
    ;
CREATE TABLE adoptions (
      id INTEGER NOT NULL, at TEXT NOT NULL, run_id TEXT, counts TEXT NOT NULL,
      CONSTRAINT pk_adoptions PRIMARY KEY (id)
    ) STRICT
    ;
INSERT INTO "adoptions" VALUES(1,'2026-11-20T10:00:00.000Z','r1','{"owner-unknown":3}');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE applied (
      company TEXT NOT NULL, role TEXT NOT NULL, territory TEXT, owner TEXT, at TEXT NOT NULL,
      pack_revision TEXT NOT NULL, rates_as_of TEXT, amounts TEXT,
      CONSTRAINT pk_applied PRIMARY KEY (company, role)
    ) STRICT
    ;
CREATE TABLE approvals (
      plan_id TEXT NOT NULL, plan_hash TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,
      limits TEXT NOT NULL, at TEXT NOT NULL,
      CONSTRAINT pk_approvals PRIMARY KEY (plan_id),
      CONSTRAINT fk_approvals_plan_id FOREIGN KEY(plan_id) REFERENCES plans (plan_id)
    ) STRICT
    ;
CREATE TABLE assignments (
      plan_id TEXT NOT NULL, company TEXT NOT NULL, role TEXT NOT NULL, owner TEXT NOT NULL,
      territory TEXT, reason TEXT NOT NULL, at TEXT NOT NULL,
      CONSTRAINT pk_assignments PRIMARY KEY (plan_id, company, role)
    ) STRICT
    ;
CREATE TABLE blocked (
      ref TEXT NOT NULL, field TEXT NOT NULL, new_owner TEXT, code TEXT NOT NULL, message TEXT NOT NULL,
      until TEXT NOT NULL, rule_text TEXT NOT NULL,
      CONSTRAINT pk_blocked PRIMARY KEY (ref, field)
    ) STRICT
    ;
CREATE TABLE book_versions (
      name TEXT NOT NULL, number INTEGER NOT NULL,
      CONSTRAINT pk_book_versions PRIMARY KEY (name)
    ) STRICT
    ;
INSERT INTO "book_versions" VALUES('marks',1);
CREATE TABLE company_links (
      ref TEXT NOT NULL, company TEXT NOT NULL, evidence TEXT, since TEXT NOT NULL,
      CONSTRAINT pk_company_links PRIMARY KEY (ref)
    ) STRICT
    ;
CREATE TABLE currency_rates (
      system TEXT NOT NULL, currency TEXT NOT NULL, since TEXT NOT NULL, units TEXT NOT NULL,
      read_at TEXT NOT NULL,
      CONSTRAINT pk_currency_rates PRIMARY KEY (system, currency, since)
    ) STRICT
    ;
CREATE TABLE cursors (
      system TEXT NOT NULL, kind TEXT NOT NULL, lane TEXT NOT NULL, through TEXT, window_lower TEXT,
      window_upper TEXT, resume TEXT,
      CONSTRAINT pk_cursors PRIMARY KEY (system, kind, lane)
    ) STRICT
    ;
CREATE TABLE episodes (
      id INTEGER NOT NULL, fingerprint TEXT NOT NULL, monitor TEXT NOT NULL, subject TEXT NOT NULL,
      labels TEXT NOT NULL, severity TEXT NOT NULL, state TEXT NOT NULL, started_at TEXT NOT NULL,
      fired_at TEXT, resolved_at TEXT, summary TEXT NOT NULL, detail TEXT NOT NULL,
      acknowledged_by TEXT, acknowledged_at TEXT,
      CONSTRAINT pk_episodes PRIMARY KEY (id),
      CONSTRAINT ck_episodes_state CHECK (state IN ('pending', 'firing', 'resolved'))
    ) STRICT
    ;
CREATE TABLE feed_cursors (
      subscriber TEXT NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL, attempts INTEGER NOT NULL,
      failing_since TEXT, due_at TEXT, reason TEXT,
      CONSTRAINT pk_feed_cursors PRIMARY KEY (subscriber)
    ) STRICT
    ;
CREATE TABLE lead_tracks (
      id TEXT NOT NULL, system TEXT NOT NULL, person TEXT, state TEXT NOT NULL, reason TEXT NOT NULL,
      "text" TEXT NOT NULL, created_at TEXT NOT NULL, seen_at TEXT NOT NULL, seen_change INTEGER NOT NULL,
      waiting_since TEXT, owner TEXT, rep TEXT, assigned_at TEXT, assigned_by TEXT, clock_from TEXT,
      due_at TEXT, touched_at TEXT, breached_at TEXT, reassigned_at TEXT, matched TEXT, plan_id TEXT,
      decided_at TEXT,
      CONSTRAINT pk_lead_tracks PRIMARY KEY (id, system),
      CONSTRAINT ck_lead_tracks_state CHECK (state IN ('waiting', 'queued', 'assigned', 'touched', 'closed'))
    ) STRICT
    ;
CREATE TABLE leases (
      id INTEGER NOT NULL, holder TEXT, epoch INTEGER NOT NULL, until TEXT NOT NULL, writes_from TEXT,
      CONSTRAINT pk_leases PRIMARY KEY (id),
      CONSTRAINT ck_leases_one CHECK (id = 1)
    ) STRICT
    ;
INSERT INTO "leases" VALUES(1,'host:1',1,'2026-11-20T11:00:00.000Z',NULL);
CREATE TABLE ledger (
      seq INTEGER NOT NULL, at TEXT NOT NULL, event TEXT NOT NULL, ref TEXT, actor TEXT, run_id TEXT,
      facts TEXT NOT NULL, payload_hash TEXT, previous TEXT NOT NULL, hash TEXT NOT NULL,
      CONSTRAINT pk_ledger PRIMARY KEY (seq)
    ) STRICT
    ;
INSERT INTO "ledger" VALUES(1,'2026-11-20T10:00:00.000Z','baseline.adopted','salesforce:account:0','mei','r1','{"owner":"005a"}',NULL,'','7290357d5879a925806890162499abd2d1155e21f48678a8d7bfcdf98ec85bde');
INSERT INTO "ledger" VALUES(2,'2026-11-20T10:00:00.000Z','baseline.adopted','salesforce:account:1','mei','r1','{"owner":"005a"}',NULL,'7290357d5879a925806890162499abd2d1155e21f48678a8d7bfcdf98ec85bde','fed2a1bef5445d2fbee8deb6e21f44ff463dfbafd36f9cc75041a68ff379ba62');
INSERT INTO "ledger" VALUES(3,'2026-11-20T10:00:00.000Z','baseline.adopted','salesforce:account:2','mei','r1','{"owner":"005a"}',NULL,'fed2a1bef5445d2fbee8deb6e21f44ff463dfbafd36f9cc75041a68ff379ba62','966194d5445b7024534ddc38bca17d6f15f2a4fc8a13ea297b39fc193cf5d194');
CREATE TABLE ledger_head (
      id INTEGER NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL,
      CONSTRAINT pk_ledger_head PRIMARY KEY (id),
      CONSTRAINT ck_ledger_head_one CHECK (id = 1)
    ) STRICT
    ;
INSERT INTO "ledger_head" VALUES(1,3,'966194d5445b7024534ddc38bca17d6f15f2a4fc8a13ea297b39fc193cf5d194');
CREATE TABLE ledger_payloads (
      seq INTEGER NOT NULL, salt TEXT NOT NULL, payload TEXT NOT NULL,
      CONSTRAINT pk_ledger_payloads PRIMARY KEY (seq),
      CONSTRAINT fk_ledger_payloads_seq FOREIGN KEY(seq) REFERENCES ledger (seq)
    ) STRICT
    ;
CREATE TABLE link_candidates (
      salesforce TEXT NOT NULL, hubspot TEXT NOT NULL, score INTEGER NOT NULL, reason TEXT NOT NULL,
      state TEXT NOT NULL, decided_by TEXT, changed_at TEXT NOT NULL,
      CONSTRAINT pk_link_candidates PRIMARY KEY (salesforce, hubspot),
      CONSTRAINT ck_link_candidates_state CHECK (state IN ('open', 'confirmed', 'rejected'))
    ) STRICT
    ;
CREATE TABLE monitor_baselines (
      monitor TEXT NOT NULL, baseline_key TEXT NOT NULL,
      CONSTRAINT pk_monitor_baselines PRIMARY KEY (monitor)
    ) STRICT
    ;
CREATE TABLE monitor_states (
      monitor TEXT NOT NULL, subject TEXT NOT NULL, state TEXT NOT NULL,
      CONSTRAINT pk_monitor_states PRIMARY KEY (monitor, subject)
    ) STRICT
    ;
CREATE TABLE notices (
      id INTEGER NOT NULL, topic TEXT NOT NULL, episode_id INTEGER, receiver TEXT NOT NULL,
      reason TEXT NOT NULL, sequence INTEGER NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
      created_at TEXT NOT NULL, due_at TEXT NOT NULL, attempts INTEGER NOT NULL, finished_at TEXT, outcome TEXT,
      CONSTRAINT pk_notices PRIMARY KEY (id),
      CONSTRAINT uq_notices_topic_receiver_reason_sequence UNIQUE (topic, receiver, reason, sequence),
      CONSTRAINT ck_notices_state CHECK (state IN ('queued', 'sending', 'sent', 'failed')),
      CONSTRAINT fk_notices_episode_id FOREIGN KEY(episode_id) REFERENCES episodes (id)
    ) STRICT
    ;
CREATE TABLE object_schemas (
      system TEXT NOT NULL, kind TEXT NOT NULL, object TEXT NOT NULL, revision TEXT NOT NULL,
      document TEXT NOT NULL, changed_at TEXT NOT NULL,
      CONSTRAINT pk_object_schemas PRIMARY KEY (system, kind)
    ) STRICT
    ;
CREATE TABLE outbox (
      id INTEGER NOT NULL, plan_id TEXT NOT NULL, ref TEXT NOT NULL, field TEXT NOT NULL, "old" TEXT,
      "new" TEXT, because TEXT NOT NULL, parent TEXT, fingerprint TEXT NOT NULL, money TEXT,
      state TEXT NOT NULL, attempts INTEGER NOT NULL, attempt TEXT, epoch INTEGER, stamp TEXT,
      code TEXT, message TEXT, changed_at TEXT NOT NULL,
      CONSTRAINT pk_outbox PRIMARY KEY (id),
      CONSTRAINT ck_outbox_state CHECK (state IN ('approved', 'sending', 'confirmed', 'skipped_already',
      'stale', 'conflict', 'rejected', 'blocked', 'dead')),
      CONSTRAINT fk_outbox_plan_id FOREIGN KEY(plan_id) REFERENCES plans (plan_id)
    ) STRICT
    ;
CREATE TABLE owner_changes (
      seq INTEGER NOT NULL, ref TEXT NOT NULL, field TEXT NOT NULL, at TEXT NOT NULL, "old" TEXT,
      "new" TEXT, modified_by TEXT, source TEXT, told INTEGER NOT NULL, seen_at TEXT NOT NULL, run_id TEXT,
      CONSTRAINT pk_owner_changes PRIMARY KEY (seq)
    ) STRICT
    ;
CREATE TABLE owner_marks (
      ref TEXT NOT NULL, field TEXT NOT NULL, kind TEXT NOT NULL, owner TEXT, source TEXT NOT NULL,
      at TEXT NOT NULL,
      CONSTRAINT pk_owner_marks PRIMARY KEY (ref, field),
      CONSTRAINT ck_owner_marks_source CHECK (source IN ('adopted', 'first-seen', 'written', 'expected'))
    ) STRICT
    ;
INSERT INTO "owner_marks" VALUES('salesforce:account:0','owner','account','005a','adopted','2026-11-20T10:00:00.000Z');
INSERT INTO "owner_marks" VALUES('salesforce:account:1','owner','account','005a','adopted','2026-11-20T10:00:00.000Z');
INSERT INTO "owner_marks" VALUES('salesforce:account:2','owner','account','005a','adopted','2026-11-20T10:00:00.000Z');
CREATE TABLE packs (
      revision TEXT NOT NULL, source TEXT NOT NULL, stored_at TEXT NOT NULL, active INTEGER NOT NULL,
      archive BLOB NOT NULL,
      CONSTRAINT pk_packs PRIMARY KEY (revision)
    ) STRICT
    ;
CREATE TABLE plans (
      plan_id TEXT NOT NULL, hash TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL,
      pack_revision TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT NOT NULL,
      document BLOB NOT NULL,
      CONSTRAINT pk_plans PRIMARY KEY (plan_id),
      CONSTRAINT ck_plans_status CHECK (status IN ('preview', 'offered', 'approved', 'applied', 'superseded',
      'expired'))
    ) STRICT
    ;
CREATE TABLE receipts (
      id INTEGER NOT NULL, outbox_id INTEGER NOT NULL, plan_id TEXT NOT NULL, ref TEXT NOT NULL,
      field TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL, attempt TEXT, epoch INTEGER, code TEXT,
      message TEXT, request_id TEXT, before TEXT, after TEXT,
      CONSTRAINT pk_receipts PRIMARY KEY (id),
      CONSTRAINT fk_receipts_outbox_id FOREIGN KEY(outbox_id) REFERENCES outbox (id)
    ) STRICT
    ;
CREATE TABLE records (
      id TEXT NOT NULL, system TEXT NOT NULL, kind TEXT NOT NULL, stamp TEXT NOT NULL, owner TEXT,
      account TEXT, deleted INTEGER NOT NULL, merged_into TEXT, merged_from TEXT, modified_by TEXT,
      fields TEXT NOT NULL, content_hash TEXT NOT NULL, change_seq INTEGER NOT NULL, first_seen TEXT NOT NULL,
      changed_at TEXT NOT NULL, run_id TEXT, name_key TEXT, domain TEXT,
      CONSTRAINT pk_records PRIMARY KEY (id, system, kind)
    ) STRICT
    ;
INSERT INTO "records" VALUES('0','salesforce','account','2026-11-20T10:00:00.000Z','005a',NULL,0,NULL,NULL,NULL,'{"name":"M\u00fcller 0"}','2b4b3d6260aee90dce23b25b1de175e8',1,'2026-11-20T10:00:00.000Z','2026-11-20T10:00:00.000Z','r1','müller 0',NULL);
INSERT INTO "records" VALUES('1','salesforce','account','2026-11-20T10:00:00.000Z','005a',NULL,0,NULL,NULL,NULL,'{"name":"M\u00fcller 1"}','680bd81d3f828f8e04cc189b2831039e',2,'2026-11-20T10:00:00.000Z','2026-11-20T10:00:00.000Z','r1','müller 1',NULL);
INSERT INTO "records" VALUES('2','salesforce','account','2026-11-20T10:00:00.000Z','005a',NULL,0,NULL,NULL,NULL,'{"name":"M\u00fcller 2"}','e8979f98bb3010e99b43b872e97141e0',3,'2026-11-20T10:00:00.000Z','2026-11-20T10:00:00.000Z','r1','müller 2',NULL);
CREATE TABLE retrievals (
      company TEXT NOT NULL, noticed_at TEXT, noticed_owner TEXT, retrieved_at TEXT, from_owner TEXT,
      to_owner TEXT, territory TEXT,
      CONSTRAINT pk_retrievals PRIMARY KEY (company)
    ) STRICT
    ;
CREATE TABLE rotations (
      role TEXT NOT NULL, rotation TEXT NOT NULL, member TEXT NOT NULL, given INTEGER NOT NULL,
      due TEXT NOT NULL, eligible INTEGER NOT NULL, eligible_seconds INTEGER NOT NULL, since TEXT, last TEXT,
      CONSTRAINT pk_rotations PRIMARY KEY (role, rotation, member)
    ) STRICT
    ;
CREATE TABLE runs (
      run_id TEXT NOT NULL, job TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT,
      outcome TEXT, detail TEXT NOT NULL, summary TEXT NOT NULL,
      CONSTRAINT pk_runs PRIMARY KEY (run_id)
    ) STRICT
    ;
INSERT INTO "runs" VALUES('r1','pull','2026-11-20T10:00:00.000Z','2026-11-20T10:00:00.000Z','ok','{}','{"read":3}');
CREATE TABLE saved_teams (
      outbox_id INTEGER NOT NULL, ref TEXT NOT NULL, members TEXT NOT NULL, saved_at TEXT NOT NULL,
      done INTEGER NOT NULL, lost TEXT, done_at TEXT,
      CONSTRAINT pk_saved_teams PRIMARY KEY (outbox_id),
      CONSTRAINT fk_saved_teams_outbox_id FOREIGN KEY(outbox_id) REFERENCES outbox (id)
    ) STRICT
    ;
CREATE TABLE scores (
      company TEXT NOT NULL, run_id TEXT NOT NULL, at TEXT NOT NULL, pack_revision TEXT NOT NULL,
      score INTEGER, band TEXT, parts TEXT NOT NULL,
      CONSTRAINT pk_scores PRIMARY KEY (company, run_id)
    ) STRICT
    ;
CREATE TABLE silences (
      id INTEGER NOT NULL, matchers TEXT NOT NULL, starts_at TEXT NOT NULL, ends_at TEXT NOT NULL,
      author TEXT NOT NULL, comment TEXT NOT NULL, created_at TEXT NOT NULL,
      CONSTRAINT pk_silences PRIMARY KEY (id)
    ) STRICT
    ;
CREATE TABLE stage_entries (
      ref TEXT NOT NULL, at TEXT NOT NULL, stage TEXT NOT NULL, told INTEGER NOT NULL,
      CONSTRAINT pk_stage_entries PRIMARY KEY (ref, at)
    ) STRICT
    ;
CREATE TABLE systems (
      system TEXT NOT NULL, account_id TEXT, as_of TEXT, complete INTEGER NOT NULL, complete_run TEXT,
      mapping_revision TEXT, last_outcome TEXT, last_error TEXT, teams_readable INTEGER NOT NULL,
      native_sync TEXT, changed_at TEXT NOT NULL,
      CONSTRAINT pk_systems PRIMARY KEY (system)
    ) STRICT
    ;
CREATE TABLE tallies (
      name TEXT NOT NULL, labels TEXT NOT NULL, value REAL NOT NULL,
      CONSTRAINT pk_tallies PRIMARY KEY (name, labels)
    ) STRICT
    ;
CREATE TABLE teams (
      system TEXT NOT NULL, account TEXT NOT NULL, members TEXT NOT NULL, restorable INTEGER NOT NULL,
      changed_at TEXT NOT NULL,
      CONSTRAINT pk_teams PRIMARY KEY (system, account)
    ) STRICT
    ;
CREATE TABLE users (
      system TEXT NOT NULL, id TEXT NOT NULL, email TEXT NOT NULL, name TEXT NOT NULL,
      active INTEGER NOT NULL, eligible INTEGER NOT NULL, login TEXT, fields TEXT NOT NULL,
      vanished INTEGER NOT NULL, changed_at TEXT NOT NULL, run_id TEXT,
      CONSTRAINT pk_users PRIMARY KEY (system, id)
    ) STRICT
    ;
CREATE INDEX ix_records_account ON records (account, system, kind, deleted) WHERE account IS NOT NULL;
CREATE UNIQUE INDEX ix_records_change_seq ON records (change_seq);
CREATE INDEX ix_records_live ON records (system, kind, deleted);
CREATE INDEX ix_records_domain ON records (domain) WHERE domain IS NOT NULL;
CREATE INDEX ix_records_name_key ON records (name_key) WHERE name_key IS NOT NULL;
CREATE INDEX ix_owner_changes_ref ON owner_changes (ref, seq);
CREATE INDEX ix_company_links_company ON company_links (company);
CREATE INDEX ix_owner_marks_kind ON owner_marks (kind);
CREATE INDEX ix_assignments_at ON assignments (at);
CREATE INDEX ix_scores_at ON scores (at);
CREATE INDEX ix_plans_created_at ON plans (created_at);
CREATE INDEX ix_outbox_plan_id ON outbox (plan_id);
CREATE UNIQUE INDEX uq_outbox_open_ref ON outbox (ref, field) WHERE state IN ('approved', 'sending');
CREATE INDEX ix_receipts_outbox_id ON receipts (outbox_id);
CREATE INDEX ix_receipts_plan_id ON receipts (plan_id);
CREATE INDEX ix_receipts_ref ON receipts (ref);
CREATE INDEX ix_saved_teams_ref ON saved_teams (ref);
CREATE INDEX ix_ledger_event ON ledger (event, seq);
CREATE INDEX ix_ledger_ref ON ledger (ref, seq);
CREATE INDEX ix_runs_job ON runs (job, started_at);
CREATE INDEX ix_runs_started_at ON runs (started_at);
CREATE INDEX ix_episodes_state ON episodes (state, started_at);
CREATE UNIQUE INDEX uq_episodes_open_fingerprint ON episodes (fingerprint) WHERE state IN ('pending', 'firing');
CREATE INDEX ix_notices_due ON notices (state, due_at);
CREATE INDEX ix_notices_episode_id ON notices (episode_id);
CREATE INDEX ix_silences_ends_at ON silences (ends_at);
CREATE INDEX ix_lead_tracks_state ON lead_tracks (state);
CREATE INDEX ix_lead_tracks_person ON lead_tracks (person);
CREATE INDEX ix_lead_tracks_assigned_at ON lead_tracks (assigned_at);
CREATE TRIGGER ledger_insert BEFORE INSERT ON ledger
    WHEN EXISTS (SELECT 1 FROM ledger WHERE seq >= NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_update BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_delete BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_head_update BEFORE UPDATE ON ledger_head WHEN NEW.seq <= OLD.seq
    BEGIN SELECT RAISE(ABORT, 'the head of the ledger only moves on'); END;
CREATE TRIGGER ledger_head_delete BEFORE DELETE ON ledger_head
    BEGIN SELECT RAISE(ABORT, 'the head of the ledger only moves on'); END;
COMMIT;
