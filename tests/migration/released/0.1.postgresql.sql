-- migration 0001 f72aec34b33f732f
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
CREATE FUNCTION public.syncd_refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
    BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.adopted_overrides (
    id bigint NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    who text NOT NULL COLLATE pg_catalog."C",
    why text NOT NULL COLLATE pg_catalog."C",
    expires text COLLATE pg_catalog."C",
    at text NOT NULL COLLATE pg_catalog."C",
    ended_at text COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.adopted_overrides_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.adopted_overrides_id_seq OWNED BY public.adopted_overrides.id;
CREATE TABLE public.adoptions (
    id bigint NOT NULL,
    at text NOT NULL COLLATE pg_catalog."C",
    run_id text COLLATE pg_catalog."C",
    counts text NOT NULL
);
CREATE SEQUENCE public.adoptions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.adoptions_id_seq OWNED BY public.adoptions.id;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.applied (
    company text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    territory text COLLATE pg_catalog."C",
    owner text COLLATE pg_catalog."C",
    at text NOT NULL COLLATE pg_catalog."C",
    pack_revision text NOT NULL COLLATE pg_catalog."C",
    rates_as_of text COLLATE pg_catalog."C",
    amounts text COLLATE pg_catalog."C"
);
CREATE TABLE public.approvals (
    plan_id text NOT NULL COLLATE pg_catalog."C",
    plan_hash text NOT NULL COLLATE pg_catalog."C",
    who text NOT NULL COLLATE pg_catalog."C",
    why text NOT NULL COLLATE pg_catalog."C",
    limits text NOT NULL,
    at text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.assignments (
    plan_id text NOT NULL COLLATE pg_catalog."C",
    company text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    territory text COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    at text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.blocked (
    ref text NOT NULL COLLATE pg_catalog."C",
    field text NOT NULL COLLATE pg_catalog."C",
    new_owner text COLLATE pg_catalog."C",
    code text NOT NULL COLLATE pg_catalog."C",
    message text NOT NULL COLLATE pg_catalog."C",
    until text NOT NULL COLLATE pg_catalog."C",
    rule_text text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.book_versions (
    name text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL
);
CREATE TABLE public.company_links (
    ref text NOT NULL COLLATE pg_catalog."C",
    company text NOT NULL COLLATE pg_catalog."C",
    evidence text COLLATE pg_catalog."C",
    since text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.currency_rates (
    system text NOT NULL COLLATE pg_catalog."C",
    currency text NOT NULL COLLATE pg_catalog."C",
    since text NOT NULL COLLATE pg_catalog."C",
    units text NOT NULL COLLATE pg_catalog."C",
    read_at text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.cursors (
    system text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    lane text NOT NULL COLLATE pg_catalog."C",
    through text COLLATE pg_catalog."C",
    window_lower text COLLATE pg_catalog."C",
    window_upper text COLLATE pg_catalog."C",
    resume text COLLATE pg_catalog."C"
);
CREATE TABLE public.episodes (
    id bigint NOT NULL,
    fingerprint text NOT NULL COLLATE pg_catalog."C",
    monitor text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    labels text NOT NULL,
    severity text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    started_at text NOT NULL COLLATE pg_catalog."C",
    fired_at text COLLATE pg_catalog."C",
    resolved_at text COLLATE pg_catalog."C",
    summary text NOT NULL COLLATE pg_catalog."C",
    detail text NOT NULL,
    acknowledged_by text COLLATE pg_catalog."C",
    acknowledged_at text COLLATE pg_catalog."C",
    CONSTRAINT ck_episodes_state CHECK ((state = ANY (ARRAY['pending'::text, 'firing'::text, 'resolved'::text])))
);
CREATE SEQUENCE public.episodes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.episodes_id_seq OWNED BY public.episodes.id;
CREATE TABLE public.feed_cursors (
    subscriber text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    at text NOT NULL COLLATE pg_catalog."C",
    attempts integer NOT NULL,
    failing_since text COLLATE pg_catalog."C",
    due_at text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C"
);
CREATE TABLE public.lead_tracks (
    id text NOT NULL COLLATE pg_catalog."C",
    system text NOT NULL COLLATE pg_catalog."C",
    person text COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    text text NOT NULL COLLATE pg_catalog."C",
    created_at text NOT NULL COLLATE pg_catalog."C",
    seen_at text NOT NULL COLLATE pg_catalog."C",
    seen_change bigint NOT NULL,
    waiting_since text COLLATE pg_catalog."C",
    owner text COLLATE pg_catalog."C",
    rep text COLLATE pg_catalog."C",
    assigned_at text COLLATE pg_catalog."C",
    assigned_by text COLLATE pg_catalog."C",
    clock_from text COLLATE pg_catalog."C",
    due_at text COLLATE pg_catalog."C",
    touched_at text COLLATE pg_catalog."C",
    breached_at text COLLATE pg_catalog."C",
    reassigned_at text COLLATE pg_catalog."C",
    matched text COLLATE pg_catalog."C",
    plan_id text COLLATE pg_catalog."C",
    decided_at text COLLATE pg_catalog."C",
    CONSTRAINT ck_lead_tracks_state CHECK ((state = ANY (ARRAY['waiting'::text, 'queued'::text, 'assigned'::text, 'touched'::text, 'closed'::text])))
);
CREATE TABLE public.leases (
    id integer NOT NULL,
    holder text COLLATE pg_catalog."C",
    epoch bigint NOT NULL,
    until text NOT NULL COLLATE pg_catalog."C",
    writes_from text COLLATE pg_catalog."C",
    CONSTRAINT ck_leases_one CHECK ((id = 1))
);
CREATE TABLE public.ledger (
    seq bigint NOT NULL,
    at text NOT NULL COLLATE pg_catalog."C",
    event text NOT NULL COLLATE pg_catalog."C",
    ref text COLLATE pg_catalog."C",
    actor text COLLATE pg_catalog."C",
    run_id text COLLATE pg_catalog."C",
    facts text NOT NULL,
    payload_hash text COLLATE pg_catalog."C",
    previous text NOT NULL COLLATE pg_catalog."C",
    hash text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.ledger_head (
    id integer NOT NULL,
    seq bigint NOT NULL,
    hash text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT ck_ledger_head_one CHECK ((id = 1))
);
CREATE TABLE public.ledger_payloads (
    seq bigint NOT NULL,
    salt text NOT NULL COLLATE pg_catalog."C",
    payload text NOT NULL
);
CREATE TABLE public.link_candidates (
    salesforce text NOT NULL COLLATE pg_catalog."C",
    hubspot text NOT NULL COLLATE pg_catalog."C",
    score integer NOT NULL,
    reason text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    decided_by text COLLATE pg_catalog."C",
    changed_at text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT ck_link_candidates_state CHECK ((state = ANY (ARRAY['open'::text, 'confirmed'::text, 'rejected'::text])))
);
CREATE TABLE public.monitor_baselines (
    monitor text NOT NULL COLLATE pg_catalog."C",
    baseline_key text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.monitor_states (
    monitor text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.notices (
    id bigint NOT NULL,
    topic text NOT NULL COLLATE pg_catalog."C",
    episode_id bigint,
    receiver text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    sequence integer NOT NULL,
    body text NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    created_at text NOT NULL COLLATE pg_catalog."C",
    due_at text NOT NULL COLLATE pg_catalog."C",
    attempts integer NOT NULL,
    finished_at text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    CONSTRAINT ck_notices_state CHECK ((state = ANY (ARRAY['queued'::text, 'sending'::text, 'sent'::text, 'failed'::text])))
);
CREATE SEQUENCE public.notices_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.notices_id_seq OWNED BY public.notices.id;
CREATE TABLE public.object_schemas (
    system text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    object text NOT NULL COLLATE pg_catalog."C",
    revision text NOT NULL COLLATE pg_catalog."C",
    document text NOT NULL COLLATE pg_catalog."C",
    changed_at text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.outbox (
    id bigint NOT NULL,
    plan_id text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    field text NOT NULL COLLATE pg_catalog."C",
    old text COLLATE pg_catalog."C",
    new text COLLATE pg_catalog."C",
    because text NOT NULL COLLATE pg_catalog."C",
    parent text COLLATE pg_catalog."C",
    fingerprint text NOT NULL COLLATE pg_catalog."C",
    money text COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    attempts integer NOT NULL,
    attempt text COLLATE pg_catalog."C",
    epoch bigint,
    stamp text COLLATE pg_catalog."C",
    code text COLLATE pg_catalog."C",
    message text COLLATE pg_catalog."C",
    changed_at text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT ck_outbox_state CHECK ((state = ANY (ARRAY['approved'::text, 'sending'::text, 'confirmed'::text, 'skipped_already'::text, 'stale'::text, 'conflict'::text, 'rejected'::text, 'blocked'::text, 'dead'::text])))
);
CREATE SEQUENCE public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.outbox_id_seq OWNED BY public.outbox.id;
CREATE TABLE public.owner_changes (
    seq bigint NOT NULL,
    ref text NOT NULL COLLATE pg_catalog."C",
    field text NOT NULL COLLATE pg_catalog."C",
    at text NOT NULL COLLATE pg_catalog."C",
    old text COLLATE pg_catalog."C",
    new text COLLATE pg_catalog."C",
    modified_by text COLLATE pg_catalog."C",
    source text COLLATE pg_catalog."C",
    told boolean NOT NULL,
    seen_at text NOT NULL COLLATE pg_catalog."C",
    run_id text COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.owner_changes_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.owner_changes_seq_seq OWNED BY public.owner_changes.seq;
CREATE TABLE public.owner_marks (
    ref text NOT NULL COLLATE pg_catalog."C",
    field text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    owner text COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    at text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT ck_owner_marks_source CHECK ((source = ANY (ARRAY['adopted'::text, 'first-seen'::text, 'written'::text, 'expected'::text])))
);
CREATE TABLE public.packs (
    revision text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    stored_at text NOT NULL COLLATE pg_catalog."C",
    active boolean NOT NULL,
    archive bytea NOT NULL
);
CREATE TABLE public.plans (
    plan_id text NOT NULL COLLATE pg_catalog."C",
    hash text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    pack_revision text NOT NULL COLLATE pg_catalog."C",
    created_at text NOT NULL COLLATE pg_catalog."C",
    expires_at text NOT NULL COLLATE pg_catalog."C",
    document bytea NOT NULL,
    CONSTRAINT ck_plans_status CHECK ((status = ANY (ARRAY['preview'::text, 'offered'::text, 'approved'::text, 'applied'::text, 'superseded'::text, 'expired'::text])))
);
CREATE TABLE public.receipts (
    id bigint NOT NULL,
    outbox_id bigint NOT NULL,
    plan_id text NOT NULL COLLATE pg_catalog."C",
    ref text NOT NULL COLLATE pg_catalog."C",
    field text NOT NULL COLLATE pg_catalog."C",
    at text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    attempt text COLLATE pg_catalog."C",
    epoch bigint,
    code text COLLATE pg_catalog."C",
    message text COLLATE pg_catalog."C",
    request_id text COLLATE pg_catalog."C",
    before text COLLATE pg_catalog."C",
    after text COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.receipts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.receipts_id_seq OWNED BY public.receipts.id;
CREATE TABLE public.records (
    id text NOT NULL COLLATE pg_catalog."C",
    system text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    stamp text NOT NULL COLLATE pg_catalog."C",
    owner text COLLATE pg_catalog."C",
    account text COLLATE pg_catalog."C",
    deleted boolean NOT NULL,
    merged_into text COLLATE pg_catalog."C",
    merged_from text,
    modified_by text COLLATE pg_catalog."C",
    fields text NOT NULL,
    content_hash text NOT NULL COLLATE pg_catalog."C",
    change_seq bigint NOT NULL,
    first_seen text NOT NULL COLLATE pg_catalog."C",
    changed_at text NOT NULL COLLATE pg_catalog."C",
    run_id text COLLATE pg_catalog."C",
    name_key text COLLATE pg_catalog."C",
    domain text COLLATE pg_catalog."C"
);
CREATE TABLE public.retrievals (
    company text NOT NULL COLLATE pg_catalog."C",
    noticed_at text COLLATE pg_catalog."C",
    noticed_owner text COLLATE pg_catalog."C",
    retrieved_at text COLLATE pg_catalog."C",
    from_owner text COLLATE pg_catalog."C",
    to_owner text COLLATE pg_catalog."C",
    territory text COLLATE pg_catalog."C"
);
CREATE TABLE public.rotations (
    role text NOT NULL COLLATE pg_catalog."C",
    rotation text NOT NULL COLLATE pg_catalog."C",
    member text NOT NULL COLLATE pg_catalog."C",
    given integer NOT NULL,
    due text NOT NULL COLLATE pg_catalog."C",
    eligible integer NOT NULL,
    eligible_seconds bigint NOT NULL,
    since text COLLATE pg_catalog."C",
    last text COLLATE pg_catalog."C"
);
CREATE TABLE public.runs (
    run_id text NOT NULL COLLATE pg_catalog."C",
    job text NOT NULL COLLATE pg_catalog."C",
    started_at text NOT NULL COLLATE pg_catalog."C",
    finished_at text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    detail text NOT NULL,
    summary text NOT NULL
);
CREATE TABLE public.saved_teams (
    outbox_id bigint NOT NULL,
    ref text NOT NULL COLLATE pg_catalog."C",
    members text NOT NULL,
    saved_at text NOT NULL COLLATE pg_catalog."C",
    done boolean NOT NULL,
    lost text,
    done_at text COLLATE pg_catalog."C"
);
CREATE TABLE public.scores (
    company text NOT NULL COLLATE pg_catalog."C",
    run_id text NOT NULL COLLATE pg_catalog."C",
    at text NOT NULL COLLATE pg_catalog."C",
    pack_revision text NOT NULL COLLATE pg_catalog."C",
    score integer,
    band text COLLATE pg_catalog."C",
    parts text NOT NULL
);
CREATE TABLE public.silences (
    id bigint NOT NULL,
    matchers text NOT NULL,
    starts_at text NOT NULL COLLATE pg_catalog."C",
    ends_at text NOT NULL COLLATE pg_catalog."C",
    author text NOT NULL COLLATE pg_catalog."C",
    comment text NOT NULL COLLATE pg_catalog."C",
    created_at text NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.silences_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.silences_id_seq OWNED BY public.silences.id;
CREATE TABLE public.stage_entries (
    ref text NOT NULL COLLATE pg_catalog."C",
    at text NOT NULL COLLATE pg_catalog."C",
    stage text NOT NULL COLLATE pg_catalog."C",
    told boolean NOT NULL
);
CREATE TABLE public.systems (
    system text NOT NULL COLLATE pg_catalog."C",
    account_id text COLLATE pg_catalog."C",
    as_of text COLLATE pg_catalog."C",
    complete boolean NOT NULL,
    complete_run text COLLATE pg_catalog."C",
    mapping_revision text COLLATE pg_catalog."C",
    last_outcome text COLLATE pg_catalog."C",
    last_error text COLLATE pg_catalog."C",
    teams_readable boolean NOT NULL,
    native_sync text COLLATE pg_catalog."C",
    changed_at text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.tallies (
    name text NOT NULL COLLATE pg_catalog."C",
    labels text NOT NULL,
    value double precision NOT NULL
);
CREATE TABLE public.teams (
    system text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    members text NOT NULL,
    restorable boolean NOT NULL,
    changed_at text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.users (
    system text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    email text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    active boolean NOT NULL,
    eligible boolean NOT NULL,
    login text COLLATE pg_catalog."C",
    fields text NOT NULL,
    vanished boolean NOT NULL,
    changed_at text NOT NULL COLLATE pg_catalog."C",
    run_id text COLLATE pg_catalog."C"
);
ALTER TABLE ONLY public.adopted_overrides ALTER COLUMN id SET DEFAULT nextval('public.adopted_overrides_id_seq'::regclass);
ALTER TABLE ONLY public.adoptions ALTER COLUMN id SET DEFAULT nextval('public.adoptions_id_seq'::regclass);
ALTER TABLE ONLY public.episodes ALTER COLUMN id SET DEFAULT nextval('public.episodes_id_seq'::regclass);
ALTER TABLE ONLY public.notices ALTER COLUMN id SET DEFAULT nextval('public.notices_id_seq'::regclass);
ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);
ALTER TABLE ONLY public.owner_changes ALTER COLUMN seq SET DEFAULT nextval('public.owner_changes_seq_seq'::regclass);
ALTER TABLE ONLY public.receipts ALTER COLUMN id SET DEFAULT nextval('public.receipts_id_seq'::regclass);
ALTER TABLE ONLY public.silences ALTER COLUMN id SET DEFAULT nextval('public.silences_id_seq'::regclass);
INSERT INTO public.adoptions VALUES (1, '2026-11-20T10:00:00.000Z', 'r1', '{"owner-unknown":3}');
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.book_versions VALUES ('marks', 1);
INSERT INTO public.leases VALUES (1, 'host:1', 1, '2026-11-20T11:00:00.000Z', NULL);
INSERT INTO public.ledger VALUES (1, '2026-11-20T10:00:00.000Z', 'baseline.adopted', 'salesforce:account:0', 'mei', 'r1', '{"owner":"005a"}', NULL, '', '7290357d5879a925806890162499abd2d1155e21f48678a8d7bfcdf98ec85bde');
INSERT INTO public.ledger VALUES (2, '2026-11-20T10:00:00.000Z', 'baseline.adopted', 'salesforce:account:1', 'mei', 'r1', '{"owner":"005a"}', NULL, '7290357d5879a925806890162499abd2d1155e21f48678a8d7bfcdf98ec85bde', 'fed2a1bef5445d2fbee8deb6e21f44ff463dfbafd36f9cc75041a68ff379ba62');
INSERT INTO public.ledger VALUES (3, '2026-11-20T10:00:00.000Z', 'baseline.adopted', 'salesforce:account:2', 'mei', 'r1', '{"owner":"005a"}', NULL, 'fed2a1bef5445d2fbee8deb6e21f44ff463dfbafd36f9cc75041a68ff379ba62', '966194d5445b7024534ddc38bca17d6f15f2a4fc8a13ea297b39fc193cf5d194');
INSERT INTO public.ledger_head VALUES (1, 3, '966194d5445b7024534ddc38bca17d6f15f2a4fc8a13ea297b39fc193cf5d194');
INSERT INTO public.owner_marks VALUES ('salesforce:account:0', 'owner', 'account', '005a', 'adopted', '2026-11-20T10:00:00.000Z');
INSERT INTO public.owner_marks VALUES ('salesforce:account:1', 'owner', 'account', '005a', 'adopted', '2026-11-20T10:00:00.000Z');
INSERT INTO public.owner_marks VALUES ('salesforce:account:2', 'owner', 'account', '005a', 'adopted', '2026-11-20T10:00:00.000Z');
INSERT INTO public.records VALUES ('0', 'salesforce', 'account', '2026-11-20T10:00:00.000Z', '005a', NULL, false, NULL, NULL, NULL, '{"name":"M\u00fcller 0"}', '2b4b3d6260aee90dce23b25b1de175e8', 1, '2026-11-20T10:00:00.000Z', '2026-11-20T10:00:00.000Z', 'r1', 'müller 0', NULL);
INSERT INTO public.records VALUES ('1', 'salesforce', 'account', '2026-11-20T10:00:00.000Z', '005a', NULL, false, NULL, NULL, NULL, '{"name":"M\u00fcller 1"}', '680bd81d3f828f8e04cc189b2831039e', 2, '2026-11-20T10:00:00.000Z', '2026-11-20T10:00:00.000Z', 'r1', 'müller 1', NULL);
INSERT INTO public.records VALUES ('2', 'salesforce', 'account', '2026-11-20T10:00:00.000Z', '005a', NULL, false, NULL, NULL, NULL, '{"name":"M\u00fcller 2"}', 'e8979f98bb3010e99b43b872e97141e0', 3, '2026-11-20T10:00:00.000Z', '2026-11-20T10:00:00.000Z', 'r1', 'müller 2', NULL);
INSERT INTO public.runs VALUES ('r1', 'pull', '2026-11-20T10:00:00.000Z', '2026-11-20T10:00:00.000Z', 'ok', '{}', '{"read":3}');
SELECT pg_catalog.setval('public.adopted_overrides_id_seq', 1, false);
SELECT pg_catalog.setval('public.adoptions_id_seq', 1, true);
SELECT pg_catalog.setval('public.episodes_id_seq', 1, false);
SELECT pg_catalog.setval('public.notices_id_seq', 1, false);
SELECT pg_catalog.setval('public.outbox_id_seq', 1, false);
SELECT pg_catalog.setval('public.owner_changes_seq_seq', 1, false);
SELECT pg_catalog.setval('public.receipts_id_seq', 1, false);
SELECT pg_catalog.setval('public.silences_id_seq', 1, false);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.adopted_overrides
    ADD CONSTRAINT pk_adopted_overrides PRIMARY KEY (id);
ALTER TABLE ONLY public.adoptions
    ADD CONSTRAINT pk_adoptions PRIMARY KEY (id);
ALTER TABLE ONLY public.applied
    ADD CONSTRAINT pk_applied PRIMARY KEY (company, role);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT pk_approvals PRIMARY KEY (plan_id);
ALTER TABLE ONLY public.assignments
    ADD CONSTRAINT pk_assignments PRIMARY KEY (plan_id, company, role);
ALTER TABLE ONLY public.blocked
    ADD CONSTRAINT pk_blocked PRIMARY KEY (ref, field);
ALTER TABLE ONLY public.book_versions
    ADD CONSTRAINT pk_book_versions PRIMARY KEY (name);
ALTER TABLE ONLY public.company_links
    ADD CONSTRAINT pk_company_links PRIMARY KEY (ref);
ALTER TABLE ONLY public.currency_rates
    ADD CONSTRAINT pk_currency_rates PRIMARY KEY (system, currency, since);
ALTER TABLE ONLY public.cursors
    ADD CONSTRAINT pk_cursors PRIMARY KEY (system, kind, lane);
ALTER TABLE ONLY public.episodes
    ADD CONSTRAINT pk_episodes PRIMARY KEY (id);
ALTER TABLE ONLY public.feed_cursors
    ADD CONSTRAINT pk_feed_cursors PRIMARY KEY (subscriber);
ALTER TABLE ONLY public.lead_tracks
    ADD CONSTRAINT pk_lead_tracks PRIMARY KEY (id, system);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT pk_leases PRIMARY KEY (id);
ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT pk_ledger PRIMARY KEY (seq);
ALTER TABLE ONLY public.ledger_head
    ADD CONSTRAINT pk_ledger_head PRIMARY KEY (id);
ALTER TABLE ONLY public.ledger_payloads
    ADD CONSTRAINT pk_ledger_payloads PRIMARY KEY (seq);
ALTER TABLE ONLY public.link_candidates
    ADD CONSTRAINT pk_link_candidates PRIMARY KEY (salesforce, hubspot);
ALTER TABLE ONLY public.monitor_baselines
    ADD CONSTRAINT pk_monitor_baselines PRIMARY KEY (monitor);
ALTER TABLE ONLY public.monitor_states
    ADD CONSTRAINT pk_monitor_states PRIMARY KEY (monitor, subject);
ALTER TABLE ONLY public.notices
    ADD CONSTRAINT pk_notices PRIMARY KEY (id);
ALTER TABLE ONLY public.object_schemas
    ADD CONSTRAINT pk_object_schemas PRIMARY KEY (system, kind);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT pk_outbox PRIMARY KEY (id);
ALTER TABLE ONLY public.owner_changes
    ADD CONSTRAINT pk_owner_changes PRIMARY KEY (seq);
ALTER TABLE ONLY public.owner_marks
    ADD CONSTRAINT pk_owner_marks PRIMARY KEY (ref, field);
ALTER TABLE ONLY public.packs
    ADD CONSTRAINT pk_packs PRIMARY KEY (revision);
ALTER TABLE ONLY public.plans
    ADD CONSTRAINT pk_plans PRIMARY KEY (plan_id);
ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT pk_receipts PRIMARY KEY (id);
ALTER TABLE ONLY public.records
    ADD CONSTRAINT pk_records PRIMARY KEY (id, system, kind);
ALTER TABLE ONLY public.retrievals
    ADD CONSTRAINT pk_retrievals PRIMARY KEY (company);
ALTER TABLE ONLY public.rotations
    ADD CONSTRAINT pk_rotations PRIMARY KEY (role, rotation, member);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (run_id);
ALTER TABLE ONLY public.saved_teams
    ADD CONSTRAINT pk_saved_teams PRIMARY KEY (outbox_id);
ALTER TABLE ONLY public.scores
    ADD CONSTRAINT pk_scores PRIMARY KEY (company, run_id);
ALTER TABLE ONLY public.silences
    ADD CONSTRAINT pk_silences PRIMARY KEY (id);
ALTER TABLE ONLY public.stage_entries
    ADD CONSTRAINT pk_stage_entries PRIMARY KEY (ref, at);
ALTER TABLE ONLY public.systems
    ADD CONSTRAINT pk_systems PRIMARY KEY (system);
ALTER TABLE ONLY public.tallies
    ADD CONSTRAINT pk_tallies PRIMARY KEY (name, labels);
ALTER TABLE ONLY public.teams
    ADD CONSTRAINT pk_teams PRIMARY KEY (system, account);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT pk_users PRIMARY KEY (system, id);
ALTER TABLE ONLY public.notices
    ADD CONSTRAINT uq_notices_topic_receiver_reason_sequence UNIQUE (topic, receiver, reason, sequence);
CREATE INDEX ix_assignments_at ON public.assignments USING btree (at);
CREATE INDEX ix_company_links_company ON public.company_links USING btree (company);
CREATE INDEX ix_episodes_state ON public.episodes USING btree (state, started_at);
CREATE INDEX ix_lead_tracks_assigned_at ON public.lead_tracks USING btree (assigned_at);
CREATE INDEX ix_lead_tracks_person ON public.lead_tracks USING btree (person);
CREATE INDEX ix_lead_tracks_state ON public.lead_tracks USING btree (state);
CREATE INDEX ix_ledger_event ON public.ledger USING btree (event, seq);
CREATE INDEX ix_ledger_ref ON public.ledger USING btree (ref, seq);
CREATE INDEX ix_notices_due ON public.notices USING btree (state, due_at);
CREATE INDEX ix_notices_episode_id ON public.notices USING btree (episode_id);
CREATE INDEX ix_outbox_plan_id ON public.outbox USING btree (plan_id);
CREATE INDEX ix_owner_changes_ref ON public.owner_changes USING btree (ref, seq);
CREATE INDEX ix_owner_marks_kind ON public.owner_marks USING btree (kind);
CREATE INDEX ix_plans_created_at ON public.plans USING btree (created_at);
CREATE INDEX ix_receipts_outbox_id ON public.receipts USING btree (outbox_id);
CREATE INDEX ix_receipts_plan_id ON public.receipts USING btree (plan_id);
CREATE INDEX ix_receipts_ref ON public.receipts USING btree (ref);
CREATE INDEX ix_records_account ON public.records USING btree (account, system, kind, deleted) WHERE (account IS NOT NULL);
CREATE UNIQUE INDEX ix_records_change_seq ON public.records USING btree (change_seq);
CREATE INDEX ix_records_domain ON public.records USING btree (domain) WHERE (domain IS NOT NULL);
CREATE INDEX ix_records_live ON public.records USING btree (system, kind, deleted);
CREATE INDEX ix_records_name_key ON public.records USING btree (name_key) WHERE (name_key IS NOT NULL);
CREATE INDEX ix_runs_job ON public.runs USING btree (job, started_at);
CREATE INDEX ix_runs_started_at ON public.runs USING btree (started_at);
CREATE INDEX ix_saved_teams_ref ON public.saved_teams USING btree (ref);
CREATE INDEX ix_scores_at ON public.scores USING btree (at);
CREATE INDEX ix_silences_ends_at ON public.silences USING btree (ends_at);
CREATE UNIQUE INDEX uq_episodes_open_fingerprint ON public.episodes USING btree (fingerprint) WHERE (state = ANY (ARRAY['pending'::text, 'firing'::text]));
CREATE UNIQUE INDEX uq_outbox_open_ref ON public.outbox USING btree (ref, field) WHERE (state = ANY (ARRAY['approved'::text, 'sending'::text]));
CREATE TRIGGER ledger_change BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger FOR EACH STATEMENT EXECUTE FUNCTION public.syncd_refuse_change();
CREATE TRIGGER ledger_head_delete BEFORE DELETE OR TRUNCATE ON public.ledger_head FOR EACH STATEMENT EXECUTE FUNCTION public.syncd_refuse_change();
CREATE TRIGGER ledger_head_update BEFORE UPDATE ON public.ledger_head FOR EACH ROW WHEN ((new.seq <= old.seq)) EXECUTE FUNCTION public.syncd_refuse_change();
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT fk_approvals_plan_id FOREIGN KEY (plan_id) REFERENCES public.plans(plan_id);
ALTER TABLE ONLY public.ledger_payloads
    ADD CONSTRAINT fk_ledger_payloads_seq FOREIGN KEY (seq) REFERENCES public.ledger(seq);
ALTER TABLE ONLY public.notices
    ADD CONSTRAINT fk_notices_episode_id FOREIGN KEY (episode_id) REFERENCES public.episodes(id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT fk_outbox_plan_id FOREIGN KEY (plan_id) REFERENCES public.plans(plan_id);
ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT fk_receipts_outbox_id FOREIGN KEY (outbox_id) REFERENCES public.outbox(id);
ALTER TABLE ONLY public.saved_teams
    ADD CONSTRAINT fk_saved_teams_outbox_id FOREIGN KEY (outbox_id) REFERENCES public.outbox(id);
