"""The first schema: mirror, ownership, plans, outbox, ledger, lease, runs and alerts.

A migration is frozen once released: it imports nothing of syncd, so that later code cannot change what it built.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TYPES = {
    "sqlite": {
        "text": "TEXT",
        "big": "INTEGER",
        "serial": "INTEGER",
        "flag": "INTEGER",
        "bytes": "BLOB",
        "real": "REAL",
        "strict": "STRICT",
    },
    "postgresql": {
        "text": 'TEXT COLLATE "C"',
        "big": "BIGINT",
        "serial": "BIGSERIAL",
        "flag": "BOOLEAN",
        "bytes": "BYTEA",
        "real": "DOUBLE PRECISION",
        "strict": "",
    },
}

_SCHEMA = (
    """
    CREATE TABLE systems (
      system {text} NOT NULL, account_id {text}, as_of {text}, complete {flag} NOT NULL, complete_run {text},
      mapping_revision {text}, last_outcome {text}, last_error {text}, teams_readable {flag} NOT NULL,
      native_sync {text}, changed_at {text} NOT NULL,
      CONSTRAINT pk_systems PRIMARY KEY (system)
    ) {strict}
    """,
    """
    CREATE TABLE records (
      id {text} NOT NULL, system {text} NOT NULL, kind {text} NOT NULL, stamp {text} NOT NULL, owner {text},
      account {text}, deleted {flag} NOT NULL, merged_into {text}, merged_from TEXT, modified_by {text},
      fields TEXT NOT NULL, content_hash {text} NOT NULL, change_seq {big} NOT NULL, first_seen {text} NOT NULL,
      changed_at {text} NOT NULL, run_id {text}, name_key {text}, domain {text},
      CONSTRAINT pk_records PRIMARY KEY (id, system, kind)
    ) {strict}
    """,
    "CREATE INDEX ix_records_account ON records (account, system, kind, deleted) WHERE account IS NOT NULL",
    "CREATE UNIQUE INDEX ix_records_change_seq ON records (change_seq)",
    "CREATE INDEX ix_records_live ON records (system, kind, deleted)",
    "CREATE INDEX ix_records_domain ON records (domain) WHERE domain IS NOT NULL",
    "CREATE INDEX ix_records_name_key ON records (name_key) WHERE name_key IS NOT NULL",
    """
    CREATE TABLE object_schemas (
      system {text} NOT NULL, kind {text} NOT NULL, object {text} NOT NULL, revision {text} NOT NULL,
      document {text} NOT NULL, changed_at {text} NOT NULL,
      CONSTRAINT pk_object_schemas PRIMARY KEY (system, kind)
    ) {strict}
    """,
    """
    CREATE TABLE currency_rates (
      system {text} NOT NULL, currency {text} NOT NULL, since {text} NOT NULL, units {text} NOT NULL,
      read_at {text} NOT NULL,
      CONSTRAINT pk_currency_rates PRIMARY KEY (system, currency, since)
    ) {strict}
    """,
    """
    CREATE TABLE cursors (
      system {text} NOT NULL, kind {text} NOT NULL, lane {text} NOT NULL, through {text}, window_lower {text},
      window_upper {text}, resume {text},
      CONSTRAINT pk_cursors PRIMARY KEY (system, kind, lane)
    ) {strict}
    """,
    """
    CREATE TABLE owner_changes (
      seq {serial} NOT NULL, ref {text} NOT NULL, field {text} NOT NULL, at {text} NOT NULL, "old" {text},
      "new" {text}, modified_by {text}, source {text}, told {flag} NOT NULL, seen_at {text} NOT NULL, run_id {text},
      CONSTRAINT pk_owner_changes PRIMARY KEY (seq)
    ) {strict}
    """,
    "CREATE INDEX ix_owner_changes_ref ON owner_changes (ref, seq)",
    """
    CREATE TABLE stage_entries (
      ref {text} NOT NULL, at {text} NOT NULL, stage {text} NOT NULL, told {flag} NOT NULL,
      CONSTRAINT pk_stage_entries PRIMARY KEY (ref, at)
    ) {strict}
    """,
    """
    CREATE TABLE users (
      system {text} NOT NULL, id {text} NOT NULL, email {text} NOT NULL, name {text} NOT NULL,
      active {flag} NOT NULL, eligible {flag} NOT NULL, login {text}, fields TEXT NOT NULL,
      vanished {flag} NOT NULL, changed_at {text} NOT NULL, run_id {text},
      CONSTRAINT pk_users PRIMARY KEY (system, id)
    ) {strict}
    """,
    """
    CREATE TABLE teams (
      system {text} NOT NULL, account {text} NOT NULL, members TEXT NOT NULL, restorable {flag} NOT NULL,
      changed_at {text} NOT NULL,
      CONSTRAINT pk_teams PRIMARY KEY (system, account)
    ) {strict}
    """,
    """
    CREATE TABLE company_links (
      ref {text} NOT NULL, company {text} NOT NULL, evidence {text}, since {text} NOT NULL,
      CONSTRAINT pk_company_links PRIMARY KEY (ref)
    ) {strict}
    """,
    "CREATE INDEX ix_company_links_company ON company_links (company)",
    """
    CREATE TABLE link_candidates (
      salesforce {text} NOT NULL, hubspot {text} NOT NULL, score INTEGER NOT NULL, reason {text} NOT NULL,
      state {text} NOT NULL, decided_by {text}, changed_at {text} NOT NULL,
      CONSTRAINT pk_link_candidates PRIMARY KEY (salesforce, hubspot),
      CONSTRAINT ck_link_candidates_state CHECK (state IN ('open', 'confirmed', 'rejected'))
    ) {strict}
    """,
    """
    CREATE TABLE owner_marks (
      ref {text} NOT NULL, field {text} NOT NULL, kind {text} NOT NULL, owner {text}, source {text} NOT NULL,
      at {text} NOT NULL,
      CONSTRAINT pk_owner_marks PRIMARY KEY (ref, field),
      CONSTRAINT ck_owner_marks_source CHECK (source IN ('adopted', 'first-seen', 'written', 'expected'))
    ) {strict}
    """,
    "CREATE INDEX ix_owner_marks_kind ON owner_marks (kind)",
    """
    CREATE TABLE adoptions (
      id {serial} NOT NULL, at {text} NOT NULL, run_id {text}, counts TEXT NOT NULL,
      CONSTRAINT pk_adoptions PRIMARY KEY (id)
    ) {strict}
    """,
    """
    CREATE TABLE applied (
      company {text} NOT NULL, role {text} NOT NULL, territory {text}, owner {text}, at {text} NOT NULL,
      pack_revision {text} NOT NULL, rates_as_of {text}, amounts {text},
      CONSTRAINT pk_applied PRIMARY KEY (company, role)
    ) {strict}
    """,
    """
    CREATE TABLE book_versions (
      name {text} NOT NULL, number {big} NOT NULL,
      CONSTRAINT pk_book_versions PRIMARY KEY (name)
    ) {strict}
    """,
    """
    CREATE TABLE adopted_overrides (
      id {serial} NOT NULL, account {text} NOT NULL, role {text} NOT NULL, owner {text} NOT NULL,
      who {text} NOT NULL, why {text} NOT NULL, expires {text}, at {text} NOT NULL, ended_at {text},
      CONSTRAINT pk_adopted_overrides PRIMARY KEY (id)
    ) {strict}
    """,
    """
    CREATE TABLE blocked (
      ref {text} NOT NULL, field {text} NOT NULL, new_owner {text}, code {text} NOT NULL, message {text} NOT NULL,
      until {text} NOT NULL, rule_text {text} NOT NULL,
      CONSTRAINT pk_blocked PRIMARY KEY (ref, field)
    ) {strict}
    """,
    """
    CREATE TABLE rotations (
      role {text} NOT NULL, rotation {text} NOT NULL, member {text} NOT NULL, given INTEGER NOT NULL,
      due {text} NOT NULL, eligible INTEGER NOT NULL, eligible_seconds {big} NOT NULL, since {text}, last {text},
      CONSTRAINT pk_rotations PRIMARY KEY (role, rotation, member)
    ) {strict}
    """,
    """
    CREATE TABLE assignments (
      plan_id {text} NOT NULL, company {text} NOT NULL, role {text} NOT NULL, owner {text} NOT NULL,
      territory {text}, reason {text} NOT NULL, at {text} NOT NULL,
      CONSTRAINT pk_assignments PRIMARY KEY (plan_id, company, role)
    ) {strict}
    """,
    "CREATE INDEX ix_assignments_at ON assignments (at)",
    """
    CREATE TABLE feed_cursors (
      subscriber {text} NOT NULL, seq {big} NOT NULL, at {text} NOT NULL, attempts INTEGER NOT NULL,
      failing_since {text}, due_at {text}, reason {text},
      CONSTRAINT pk_feed_cursors PRIMARY KEY (subscriber)
    ) {strict}
    """,
    """
    CREATE TABLE scores (
      company {text} NOT NULL, run_id {text} NOT NULL, at {text} NOT NULL, pack_revision {text} NOT NULL,
      score INTEGER, band {text}, parts TEXT NOT NULL,
      CONSTRAINT pk_scores PRIMARY KEY (company, run_id)
    ) {strict}
    """,
    "CREATE INDEX ix_scores_at ON scores (at)",
    """
    CREATE TABLE retrievals (
      company {text} NOT NULL, noticed_at {text}, noticed_owner {text}, retrieved_at {text}, from_owner {text},
      to_owner {text}, territory {text},
      CONSTRAINT pk_retrievals PRIMARY KEY (company)
    ) {strict}
    """,
    """
    CREATE TABLE plans (
      plan_id {text} NOT NULL, hash {text} NOT NULL, kind {text} NOT NULL, status {text} NOT NULL,
      pack_revision {text} NOT NULL, created_at {text} NOT NULL, expires_at {text} NOT NULL,
      document {bytes} NOT NULL,
      CONSTRAINT pk_plans PRIMARY KEY (plan_id),
      CONSTRAINT ck_plans_status CHECK (status IN ('preview', 'offered', 'approved', 'applied', 'superseded',
      'expired'))
    ) {strict}
    """,
    "CREATE INDEX ix_plans_created_at ON plans (created_at)",
    """
    CREATE TABLE approvals (
      plan_id {text} NOT NULL, plan_hash {text} NOT NULL, who {text} NOT NULL, why {text} NOT NULL,
      limits TEXT NOT NULL, at {text} NOT NULL,
      CONSTRAINT pk_approvals PRIMARY KEY (plan_id),
      CONSTRAINT fk_approvals_plan_id FOREIGN KEY(plan_id) REFERENCES plans (plan_id)
    ) {strict}
    """,
    """
    CREATE TABLE outbox (
      id {serial} NOT NULL, plan_id {text} NOT NULL, ref {text} NOT NULL, field {text} NOT NULL, "old" {text},
      "new" {text}, because {text} NOT NULL, parent {text}, fingerprint {text} NOT NULL, money {text},
      state {text} NOT NULL, attempts INTEGER NOT NULL, attempt {text}, epoch {big}, stamp {text},
      code {text}, message {text}, changed_at {text} NOT NULL,
      CONSTRAINT pk_outbox PRIMARY KEY (id),
      CONSTRAINT ck_outbox_state CHECK (state IN ('approved', 'sending', 'confirmed', 'skipped_already',
      'stale', 'conflict', 'rejected', 'blocked', 'dead')),
      CONSTRAINT fk_outbox_plan_id FOREIGN KEY(plan_id) REFERENCES plans (plan_id)
    ) {strict}
    """,
    "CREATE INDEX ix_outbox_plan_id ON outbox (plan_id)",
    "CREATE UNIQUE INDEX uq_outbox_open_ref ON outbox (ref, field) WHERE state IN ('approved', 'sending')",
    """
    CREATE TABLE receipts (
      id {serial} NOT NULL, outbox_id {big} NOT NULL, plan_id {text} NOT NULL, ref {text} NOT NULL,
      field {text} NOT NULL, at {text} NOT NULL, state {text} NOT NULL, attempt {text}, epoch {big}, code {text},
      message {text}, request_id {text}, before {text}, after {text},
      CONSTRAINT pk_receipts PRIMARY KEY (id),
      CONSTRAINT fk_receipts_outbox_id FOREIGN KEY(outbox_id) REFERENCES outbox (id)
    ) {strict}
    """,
    "CREATE INDEX ix_receipts_outbox_id ON receipts (outbox_id)",
    "CREATE INDEX ix_receipts_plan_id ON receipts (plan_id)",
    "CREATE INDEX ix_receipts_ref ON receipts (ref)",
    """
    CREATE TABLE saved_teams (
      outbox_id {big} NOT NULL, ref {text} NOT NULL, members TEXT NOT NULL, saved_at {text} NOT NULL,
      done {flag} NOT NULL, lost TEXT, done_at {text},
      CONSTRAINT pk_saved_teams PRIMARY KEY (outbox_id),
      CONSTRAINT fk_saved_teams_outbox_id FOREIGN KEY(outbox_id) REFERENCES outbox (id)
    ) {strict}
    """,
    "CREATE INDEX ix_saved_teams_ref ON saved_teams (ref)",
    """
    CREATE TABLE ledger (
      seq {big} NOT NULL, at {text} NOT NULL, event {text} NOT NULL, ref {text}, actor {text}, run_id {text},
      facts TEXT NOT NULL, payload_hash {text}, previous {text} NOT NULL, hash {text} NOT NULL,
      CONSTRAINT pk_ledger PRIMARY KEY (seq)
    ) {strict}
    """,
    "CREATE INDEX ix_ledger_event ON ledger (event, seq)",
    "CREATE INDEX ix_ledger_ref ON ledger (ref, seq)",
    """
    CREATE TABLE ledger_payloads (
      seq {big} NOT NULL, salt {text} NOT NULL, payload TEXT NOT NULL,
      CONSTRAINT pk_ledger_payloads PRIMARY KEY (seq),
      CONSTRAINT fk_ledger_payloads_seq FOREIGN KEY(seq) REFERENCES ledger (seq)
    ) {strict}
    """,
    """
    CREATE TABLE ledger_head (
      id INTEGER NOT NULL, seq {big} NOT NULL, hash {text} NOT NULL,
      CONSTRAINT pk_ledger_head PRIMARY KEY (id),
      CONSTRAINT ck_ledger_head_one CHECK (id = 1)
    ) {strict}
    """,
    """
    CREATE TABLE leases (
      id INTEGER NOT NULL, holder {text}, epoch {big} NOT NULL, until {text} NOT NULL, writes_from {text},
      CONSTRAINT pk_leases PRIMARY KEY (id),
      CONSTRAINT ck_leases_one CHECK (id = 1)
    ) {strict}
    """,
    """
    CREATE TABLE packs (
      revision {text} NOT NULL, source {text} NOT NULL, stored_at {text} NOT NULL, active {flag} NOT NULL,
      archive {bytes} NOT NULL,
      CONSTRAINT pk_packs PRIMARY KEY (revision)
    ) {strict}
    """,
    """
    CREATE TABLE runs (
      run_id {text} NOT NULL, job {text} NOT NULL, started_at {text} NOT NULL, finished_at {text},
      outcome {text}, detail TEXT NOT NULL, summary TEXT NOT NULL,
      CONSTRAINT pk_runs PRIMARY KEY (run_id)
    ) {strict}
    """,
    "CREATE INDEX ix_runs_job ON runs (job, started_at)",
    "CREATE INDEX ix_runs_started_at ON runs (started_at)",
    """
    CREATE TABLE episodes (
      id {serial} NOT NULL, fingerprint {text} NOT NULL, monitor {text} NOT NULL, subject {text} NOT NULL,
      labels TEXT NOT NULL, severity {text} NOT NULL, state {text} NOT NULL, started_at {text} NOT NULL,
      fired_at {text}, resolved_at {text}, summary {text} NOT NULL, detail TEXT NOT NULL,
      acknowledged_by {text}, acknowledged_at {text},
      CONSTRAINT pk_episodes PRIMARY KEY (id),
      CONSTRAINT ck_episodes_state CHECK (state IN ('pending', 'firing', 'resolved'))
    ) {strict}
    """,
    "CREATE INDEX ix_episodes_state ON episodes (state, started_at)",
    "CREATE UNIQUE INDEX uq_episodes_open_fingerprint ON episodes (fingerprint) WHERE state IN ('pending', 'firing')",
    """
    CREATE TABLE notices (
      id {serial} NOT NULL, topic {text} NOT NULL, episode_id {big}, receiver {text} NOT NULL,
      reason {text} NOT NULL, sequence INTEGER NOT NULL, body TEXT NOT NULL, state {text} NOT NULL,
      created_at {text} NOT NULL, due_at {text} NOT NULL, attempts INTEGER NOT NULL, finished_at {text}, outcome {text},
      CONSTRAINT pk_notices PRIMARY KEY (id),
      CONSTRAINT uq_notices_topic_receiver_reason_sequence UNIQUE (topic, receiver, reason, sequence),
      CONSTRAINT ck_notices_state CHECK (state IN ('queued', 'sending', 'sent', 'failed')),
      CONSTRAINT fk_notices_episode_id FOREIGN KEY(episode_id) REFERENCES episodes (id)
    ) {strict}
    """,
    "CREATE INDEX ix_notices_due ON notices (state, due_at)",
    "CREATE INDEX ix_notices_episode_id ON notices (episode_id)",
    """
    CREATE TABLE monitor_baselines (
      monitor {text} NOT NULL, baseline_key {text} NOT NULL,
      CONSTRAINT pk_monitor_baselines PRIMARY KEY (monitor)
    ) {strict}
    """,
    """
    CREATE TABLE monitor_states (
      monitor {text} NOT NULL, subject {text} NOT NULL, state {text} NOT NULL,
      CONSTRAINT pk_monitor_states PRIMARY KEY (monitor, subject)
    ) {strict}
    """,
    """
    CREATE TABLE silences (
      id {serial} NOT NULL, matchers TEXT NOT NULL, starts_at {text} NOT NULL, ends_at {text} NOT NULL,
      author {text} NOT NULL, comment {text} NOT NULL, created_at {text} NOT NULL,
      CONSTRAINT pk_silences PRIMARY KEY (id)
    ) {strict}
    """,
    "CREATE INDEX ix_silences_ends_at ON silences (ends_at)",
    """
    CREATE TABLE tallies (
      name {text} NOT NULL, labels TEXT NOT NULL, value {real} NOT NULL,
      CONSTRAINT pk_tallies PRIMARY KEY (name, labels)
    ) {strict}
    """,
    """
    CREATE TABLE lead_tracks (
      id {text} NOT NULL, system {text} NOT NULL, person {text}, state {text} NOT NULL, reason {text} NOT NULL,
      "text" {text} NOT NULL, created_at {text} NOT NULL, seen_at {text} NOT NULL, seen_change {big} NOT NULL,
      waiting_since {text}, owner {text}, rep {text}, assigned_at {text}, assigned_by {text}, clock_from {text},
      due_at {text}, touched_at {text}, breached_at {text}, reassigned_at {text}, matched {text}, plan_id {text},
      decided_at {text},
      CONSTRAINT pk_lead_tracks PRIMARY KEY (id, system),
      CONSTRAINT ck_lead_tracks_state CHECK (state IN ('waiting', 'queued', 'assigned', 'touched', 'closed'))
    ) {strict}
    """,
    "CREATE INDEX ix_lead_tracks_state ON lead_tracks (state)",
    "CREATE INDEX ix_lead_tracks_person ON lead_tracks (person)",
    "CREATE INDEX ix_lead_tracks_assigned_at ON lead_tracks (assigned_at)",
)

_SQLITE_TRIGGERS = (
    """
    CREATE TRIGGER ledger_insert BEFORE INSERT ON ledger
    WHEN EXISTS (SELECT 1 FROM ledger WHERE seq >= NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TRIGGER ledger_update BEFORE UPDATE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TRIGGER ledger_delete BEFORE DELETE ON ledger
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END
    """,
    """
    CREATE TRIGGER ledger_head_update BEFORE UPDATE ON ledger_head WHEN NEW.seq <= OLD.seq
    BEGIN SELECT RAISE(ABORT, 'the head of the ledger only moves on'); END
    """,
    """
    CREATE TRIGGER ledger_head_delete BEFORE DELETE ON ledger_head
    BEGIN SELECT RAISE(ABORT, 'the head of the ledger only moves on'); END
    """,
)

_POSTGRESQL_TRIGGERS = (
    """
    CREATE FUNCTION syncd_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
    """,
    """
    CREATE TRIGGER ledger_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION syncd_refuse_change()
    """,
    """
    CREATE TRIGGER ledger_head_update BEFORE UPDATE ON ledger_head
    FOR EACH ROW WHEN (NEW.seq <= OLD.seq) EXECUTE FUNCTION syncd_refuse_change()
    """,
    """
    CREATE TRIGGER ledger_head_delete BEFORE DELETE OR TRUNCATE ON ledger_head
    FOR EACH STATEMENT EXECUTE FUNCTION syncd_refuse_change()
    """,
)


def upgrade() -> None:
    """Build everything."""
    dialect = op.get_bind().dialect.name
    for statement in _SCHEMA:
        op.execute(statement.format(**_TYPES[dialect]))
    for statement in _SQLITE_TRIGGERS if dialect == "sqlite" else _POSTGRESQL_TRIGGERS:
        op.execute(statement)
    op.execute("INSERT INTO ledger_head (id, seq, hash) VALUES (1, 0, '')")


def downgrade() -> None:
    """There is nothing before the first schema."""
    raise RuntimeError("the first schema cannot be taken away; restore a backup instead")
