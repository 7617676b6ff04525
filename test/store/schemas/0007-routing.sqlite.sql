pragma foreign_keys = off;
CREATE TABLE "kysely_migration" ("name" varchar(255) not null primary key, "timestamp" varchar(255) not null);
CREATE TABLE "kysely_migration_lock" ("id" varchar(255) not null primary key, "is_locked" integer default 0 not null);
CREATE TABLE revision (id integer primary key check (id = 1), value integer not null) strict;
CREATE TABLE organisation (id text primary key, slug text not null unique, name text not null, time_zone text not null, created_at integer not null, status text not null default 'active', deleted_at integer) strict;
CREATE TABLE user_account (id text primary key, org_id text not null references organisation (id), email text not null unique, name text not null,
    role text not null, password_hash text, version integer not null, created_at integer not null, updated_at integer not null, deleted_at integer, status text not null default 'active', revision integer, last_login_at integer, login_hash text, managed_by text not null default 'api') strict;
CREATE TABLE session (id_hash blob primary key, user_id text not null references user_account (id), user_version integer not null, csrf text not null,
    created_at integer not null, expires_at integer not null) strict;
CREATE TABLE bootstrap (id integer primary key check (id = 1), token_hash blob not null, created_at integer not null, expires_at integer not null, used_at integer) strict;
CREATE TABLE api_key (id text primary key, org_id text not null references organisation (id), team_id text, project_id text, user_id text,
    name text not null, prefix text not null, last4 text not null, hash blob not null unique, pepper_version integer not null, status text not null,
    models text, budget_limit_nano integer, budget_period text, budget_mode text, rate_rpm integer, rate_tpm integer, rate_concurrency integer,
    expires_at integer, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, rate_spend_nano integer, node_id text, service_account_id text, priority integer, tags text, ip_allow text, previous_hash blob, previous_pepper_version integer, previous_until integer, routing_policy text) strict;
CREATE TABLE provider (id text not null, org_id text not null references organisation (id), vendor text not null, name text not null, base_url text,
    enabled integer not null, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer, primary key (org_id, id)) strict;
CREATE TABLE credential (id text primary key, org_id text not null, provider_id text not null, name text not null, last4 text not null, ciphertext blob,
    secret_ref text, version integer not null, status text not null, managed_by text not null, created_at integer not null, deleted_at integer, node_id text,
    check ((ciphertext is null) <> (secret_ref is null) or deleted_at is not null), foreign key (org_id, provider_id) references provider (org_id, id)) strict;
CREATE TABLE deployment (id text not null, org_id text not null references organisation (id), model text not null, provider_id text not null,
    upstream_model text not null, price text, price_as text, version integer not null, revision integer not null unique, managed_by text not null,
    created_at integer not null, updated_at integer not null, deleted_at integer, facts text, primary key (org_id, id)) strict;
CREATE TABLE alias (name text not null, org_id text not null references organisation (id), strategy text not null, targets text not null, version integer not null,
    revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer, primary key (org_id, name)) strict;
CREATE TABLE setting (org_id text primary key references organisation (id), value text not null, version integer not null, revision integer not null unique, managed_by text not null, updated_at integer not null) strict;
CREATE TABLE installation (id integer primary key check (id = 1), kek_id blob not null, created_at integer not null) strict;
CREATE TABLE idempotency (scope text not null, key text not null, body_hash blob not null, result_id text not null, created_at integer not null, primary key (scope, key)) strict;
CREATE TABLE dimension (id integer primary key, kind text not null, value text not null, unique (kind, value)) strict;
CREATE TABLE usage (request_id blob not null, attempt integer not null, at integer not null,
    org integer, team integer, project integer, user_id integer, key_id integer, session integer, tags integer, vendor integer, provider integer, model integer, deployment integer, task integer, endpoint integer,
    status integer, outcome integer, attempt_status integer, attempt_outcome integer, error_code integer, cache integer, stream integer, decision text,
    input integer, cache_read integer, cache_write_5m integer, cache_write_1h integer, output integer, reasoning integer, audio_in integer, audio_out integer, image_in integer, image_out integer,
    tool_calls integer, requests integer, cost_nano integer, price_version integer, flags integer, final integer,
    first_token_us integer, total_us integer, overhead_us integer, steps blob, images integer, audio_ms integer, characters integer, searches integer, primary key (request_id, attempt)) strict, without rowid;
CREATE TABLE request_log (seq integer primary key, request_id blob not null unique, at integer not null, org integer, model_asked text, route text, error_text text, client text, client_address text,
    client_request_id text, traceparent text, request_bytes integer, response_bytes integer, attempts text) strict;
CREATE TABLE data_key (id text primary key, org_id text not null unique, wrapped blob not null, created_at integer not null) strict;
CREATE TABLE content_index (request_id blob primary key, org_id text not null, data_key_id text not null, day text not null, position integer not null, bytes integer not null) strict, without rowid;
CREATE TABLE ledger_entry (node integer not null, lsn integer not null, kind integer not null, request_id blob not null, attempt integer not null,
    org integer not null, team integer, project integer, user_id integer, key_id integer not null,
    vendor integer not null, provider integer not null, deployment integer not null, model integer not null, upstream_model integer not null, price_version integer,
    amount_nano integer not null check (amount_nano >= 0), outcome integer not null, flags integer not null, usage blob,
    held_at integer not null, ended_at integer not null, entities blob, primary key (node, lsn, kind)) strict, without rowid;
CREATE TABLE ledger_batch (node text not null, number integer not null, first_lsn integer not null, applied_lsn integer not null, entries integer not null,
    prev_hash blob not null, hash blob not null, primary key (node, number)) strict, without rowid;
CREATE TABLE ledger_position (node text primary key, applied_lsn integer not null, batch integer not null, hash blob not null, rejected integer not null) strict;
CREATE TABLE account_balance (entity text not null, quarter integer not null, settled_nano integer not null, attempts integer not null, primary key (entity, quarter)) strict, without rowid;
CREATE TABLE ledger_total (org integer not null, kind integer not null, outcome integer not null, flags integer not null, entries integer not null, amount_nano integer not null,
    primary key (org, kind, outcome, flags)) strict, without rowid;
CREATE TABLE repeat_mark (key_digest blob primary key, body_digest blob not null, request_id blob not null, at integer not null) strict, without rowid;
CREATE TABLE opening_balance (entity text not null, quarter integer not null, settled_nano integer not null, primary key (entity, quarter)) strict, without rowid;
CREATE TABLE catalog_version (number integer primary key, version text not null, date text not null, origin text not null, source text not null,
    applied_by text not null, applied_at integer not null, summary text not null, digest blob not null, artefact blob) strict;
CREATE TABLE catalog_change (id text primary key, number integer not null, vendor text not null, model text not null, kind text not null, reason text not null, factor text,
    before_value text not null, after_value text not null, state text not null, decided_by text, decided_at integer, created_at integer not null) strict, without rowid;
CREATE TABLE catalog_price (vendor text not null, model text not null, valid_from integer not null, version text not null, price text not null,
    primary key (vendor, model, valid_from)) strict, without rowid;
CREATE TABLE catalog_state (id integer primary key, overrides text not null, checked_at integer, check_error text, failures integer not null) strict;
CREATE TABLE node (id text primary key, org_id text not null references organisation (id), parent_id text, kind text not null check (kind in ('team', 'project')), name text not null, description text not null, weight integer not null, defaults text,
      version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer, unique (org_id, id), foreign key (org_id, parent_id) references node (org_id, id)) strict;
CREATE TABLE node_history (node_id text not null references node (id), parent_id text, from_at integer not null, to_at integer, primary key (node_id, from_at)) strict, without rowid;
CREATE TABLE service_account (id text primary key, org_id text not null references organisation (id), node_id text, name text not null, description text not null, status text not null, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer,
      foreign key (org_id, node_id) references node (org_id, id)) strict;
CREATE TABLE role (id text primary key, org_id text not null references organisation (id), name text not null, description text not null, permissions text not null, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer) strict;
CREATE TABLE membership (id text primary key, org_id text not null references organisation (id), principal_kind text not null, principal_id text not null, node_id text not null, role text not null,
      source text not null, source_ref text, granted_by text not null, expires_at integer, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer) strict;
CREATE TABLE api_token (id text primary key, org_id text not null references organisation (id), principal_kind text not null, principal_id text not null, name text not null, prefix text not null, last4 text not null,
      hash blob not null unique, previous_hash blob, previous_pepper_version integer, previous_until integer, pepper_version integer not null, scopes text not null, node_id text, expires_at integer, last_used_at integer,
      created_by text not null, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer) strict;
CREATE TABLE access_link (id_hash blob primary key, org_id text not null references organisation (id), kind text not null, user_id text not null references user_account (id), user_version integer not null, created_by text,
      created_at integer not null, expires_at integer not null, used_at integer) strict;
CREATE TABLE totp (user_id text primary key references user_account (id), secret blob not null, version integer not null, confirmed_at integer, last_step integer not null, created_at integer not null) strict;
CREATE TABLE recovery_code (user_id text not null references user_account (id), hash blob not null, used_at integer, primary key (user_id, hash)) strict, without rowid;
CREATE TABLE oidc_identity (issuer text not null, subject text not null, org_id text not null references organisation (id), provider_id text not null, email text not null, user_id text not null references user_account (id), created_at integer not null, last_login_at integer, primary key (issuer, subject)) strict, without rowid;
CREATE TABLE oidc_provider (id text primary key, org_id text not null references organisation (id), name text not null, issuer text not null, client_id text not null, client_secret blob, settings text not null, enabled integer not null, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer) strict;
CREATE TABLE budget (id text primary key, org_id text not null references organisation (id), subject_kind text not null, subject_id text not null, name text not null, limit_nano integer not null check (limit_nano >= 0), period text not null, time_zone text, mode text not null,
      thresholds text not null, enabled integer not null, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer) strict;
CREATE TABLE budget_threshold (org_id text not null, budget_id text not null references budget (id), period_start integer not null, share_bp integer not null, reached_at integer not null, primary key (budget_id, period_start, share_bp)) strict, without rowid;
CREATE TABLE budget_increase (id text primary key, org_id text not null references organisation (id), budget_id text not null references budget (id), amount_nano integer not null check (amount_nano > 0), from_at integer not null, until_at integer not null, reason text not null,
      requested_by text not null, requester_kind text not null, requester_name text not null, requested_at integer not null,
      verdict text, decided_by text, decided_at integer, decision_note text, revoked_by text, revoked_at integer, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer) strict;
CREATE TABLE rate_limit (id text primary key, org_id text not null references organisation (id), subject_kind text not null, subject_id text not null, name text not null, models text, rpm integer, tpm integer, concurrency integer, spend_nano integer, enabled integer not null, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer) strict;
CREATE TABLE model_policy (id text primary key, org_id text not null references organisation (id), subject_kind text not null, subject_id text not null, name text not null, rules text not null, enabled integer not null, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer) strict;
CREATE TABLE alert_channel (id text primary key, org_id text not null references organisation (id), kind text not null, name text not null, target text not null, secret blob, events text not null, enabled integer not null, version integer not null, revision integer not null unique, managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer) strict;
CREATE TABLE alert_delivery (id text primary key, org_id text not null references organisation (id), channel_id text not null references alert_channel (id), event text not null, dedupe_key text not null, payload text not null, state text not null,
      attempts integer not null, next_at integer not null, last_error text, created_at integer not null, ended_at integer, unique (channel_id, dedupe_key)) strict;
CREATE TABLE audit_event (org_id text not null, seq integer not null, at integer not null, actor_kind text not null, actor_id text, actor_name text not null, address text, request_id text,
    action text not null, resource_kind text not null, resource_id text, resource_name text, outcome text not null, reason text, before_value text, after_value text, count integer not null,
    prev_hash blob not null, hash blob not null, primary key (org_id, seq)) strict;
CREATE TABLE audit_head (org_id text primary key, seq integer not null, hash blob not null) strict;
CREATE TABLE master_key (version integer primary key, kek_id blob not null unique, created_at integer not null) strict;
CREATE TABLE stored_response (id text primary key, org_id text not null references organisation (id), owner text not null, previous_id text, at integer not null, bytes integer not null,
    data_key_id text not null, sealed blob not null) strict;
CREATE TABLE routing_policy (org_id text not null references organisation (id), name text not null, body text not null, version integer not null, revision integer not null,
    managed_by text not null, created_at integer not null, updated_at integer not null, deleted_at integer, primary key (org_id, name)) strict;
CREATE TABLE decision (request_id blob primary key, org_id text not null, at integer not null, policy text not null, chosen text not null, session text, body text not null) strict;
CREATE TABLE outcome (id text primary key, org_id text not null, at integer not null, key_id text not null, request_id blob, session text, trace_id text, metric text not null,
    kind text not null, value real, usd_nano integer, label text, comment text) strict;
CREATE TABLE routing_arm (org_id text not null, arm text not null, stage text not null, approved integer not null, state text not null, updated_at integer not null, primary key (org_id, arm)) strict;
CREATE TABLE adoption_event (id text primary key, org_id text not null, at integer not null, arm text not null, from_stage text not null, to_stage text not null, reason text not null, actor text not null) strict;
CREATE INDEX session_expiry on session (expires_at);
CREATE INDEX api_key_org on api_key (org_id, id);
CREATE INDEX credential_provider on credential (org_id, provider_id);
CREATE INDEX idempotency_age on idempotency (created_at);
CREATE INDEX usage_org_at on usage (org, at);
CREATE INDEX usage_key_at on usage (key_id, at, cost_nano, final);
CREATE INDEX request_log_org_at on request_log (org, at);
CREATE INDEX request_log_org_seq on request_log (org, seq);
CREATE INDEX content_index_day on content_index (org_id, day, bytes);
CREATE UNIQUE INDEX ledger_entry_attempt on ledger_entry (request_id, attempt, (kind = 2));
CREATE INDEX repeat_mark_age on repeat_mark (at);
CREATE INDEX catalog_change_state on catalog_change (state, id);
CREATE INDEX catalog_price_model on catalog_price (model);
CREATE UNIQUE INDEX node_alive on node (org_id, coalesce(parent_id, ''), name) where deleted_at is null;
CREATE INDEX node_parent on node (org_id, parent_id);
CREATE UNIQUE INDEX service_account_alive on service_account (org_id, name) where deleted_at is null;
CREATE UNIQUE INDEX role_alive on role (org_id, name) where deleted_at is null;
CREATE UNIQUE INDEX membership_alive on membership (org_id, principal_kind, principal_id, node_id, role) where deleted_at is null;
CREATE INDEX membership_node on membership (org_id, node_id);
CREATE INDEX api_token_principal on api_token (org_id, principal_id);
CREATE INDEX access_link_user on access_link (user_id);
CREATE INDEX oidc_identity_user on oidc_identity (user_id);
CREATE INDEX budget_subject on budget (org_id, subject_kind, subject_id);
CREATE INDEX budget_increase_budget on budget_increase (org_id, budget_id, id);
CREATE INDEX rate_limit_subject on rate_limit (org_id, subject_kind, subject_id);
CREATE INDEX model_policy_subject on model_policy (org_id, subject_kind, subject_id);
CREATE UNIQUE INDEX alert_channel_alive on alert_channel (org_id, name) where deleted_at is null;
CREATE INDEX alert_delivery_due on alert_delivery (state, next_at);
CREATE INDEX audit_event_at on audit_event (org_id, at, seq);
CREATE INDEX audit_event_resource on audit_event (org_id, resource_kind, resource_id, seq);
CREATE UNIQUE INDEX user_account_revision on user_account (revision);
CREATE INDEX user_account_org on user_account (org_id, id);
CREATE UNIQUE INDEX api_key_previous on api_key (previous_hash);
CREATE INDEX api_key_node on api_key (org_id, node_id);
CREATE INDEX stored_response_org on stored_response (org_id, at, bytes);
CREATE INDEX routing_policy_revision on routing_policy (revision);
CREATE INDEX decision_org on decision (org_id, at);
CREATE INDEX decision_session on decision (org_id, session, at) where session is not null;
CREATE INDEX outcome_org on outcome (org_id, at);
CREATE INDEX outcome_request on outcome (request_id) where request_id is not null;
CREATE INDEX outcome_session on outcome (org_id, session) where session is not null;
CREATE INDEX adoption_event_org on adoption_event (org_id, at);
CREATE INDEX usage_session on usage (org, session, at) where session is not null and final = 1;
CREATE INDEX request_log_trace on request_log (substr(traceparent, 4, 32)) where traceparent is not null;
insert into "kysely_migration" (name, timestamp) values ('0001-initial', '2026-11-23T14:30:10.101Z');
insert into "kysely_migration" (name, timestamp) values ('0002-ledger', '2026-11-23T14:30:10.103Z');
insert into "kysely_migration" (name, timestamp) values ('0003-catalogue', '2026-11-23T14:30:10.104Z');
insert into "kysely_migration" (name, timestamp) values ('0004-governance', '2026-11-23T14:30:10.115Z');
insert into "kysely_migration" (name, timestamp) values ('0005-pieces', '2026-11-23T14:30:10.117Z');
insert into "kysely_migration" (name, timestamp) values ('0006-stored-responses', '2026-11-23T14:30:10.118Z');
insert into "kysely_migration" (name, timestamp) values ('0007-routing', '2026-11-23T14:30:10.119Z');
insert into "kysely_migration_lock" (id, is_locked) values ('migration_lock', 0);
insert into "revision" (id, value) values (1, 26);
insert into "organisation" (id, slug, name, time_zone, created_at, status, deleted_at) values ('org_01ksr49200e40r2081040g2081', 'default', 'ACME', 'Europe/Berlin', 1780000000000000, 'active', NULL);
insert into "user_account" (id, org_id, email, name, role, password_hash, version, created_at, updated_at, deleted_at, status, revision, last_login_at, login_hash, managed_by) values ('usr_fixture', 'org_01ksr49200e40r2081040g2081', 'ann@example.org', 'Ann', 'owner', 'scrypt$x', 1, 1780000000000000, 1780000000000000, NULL, 'active', 2, NULL, NULL, 'api');
insert into "user_account" (id, org_id, email, name, role, password_hash, version, created_at, updated_at, deleted_at, status, revision, last_login_at, login_hash, managed_by) values ('usr_b', 'org_01ksr49200e40r2081040g2081', 'bob@example.org', 'Bob', 'member', NULL, 1, 1780000000000000, 1780000000000000, NULL, 'active', 16, NULL, 'scrypt$b', 'api');
insert into "session" (id_hash, user_id, user_version, csrf, created_at, expires_at) values (x'0202020202020202020202020202020202020202020202020202020202020202', 'usr_fixture', 1, 'csrf', 1780000000000000, 1780086400000000);
insert into "bootstrap" (id, token_hash, created_at, expires_at, used_at) values (1, x'0303030303030303030303030303030303030303030303030303030303030303', 1780000000000000, 1780086400000000, NULL);
insert into "api_key" (id, org_id, team_id, project_id, user_id, name, prefix, last4, hash, pepper_version, status, models, budget_limit_nano, budget_period, budget_mode, rate_rpm, rate_tpm, rate_concurrency, expires_at, version, revision, managed_by, created_at, updated_at, rate_spend_nano, node_id, service_account_id, priority, tags, ip_allow, previous_hash, previous_pepper_version, previous_until, routing_policy) values ('key_a', 'org_01ksr49200e40r2081040g2081', NULL, NULL, NULL, 'CI', 'mr-abc', 'wxyz', x'0505050505050505050505050505050505050505050505050505050505050505', 1, 'active', '["gpt-*"]', 25000000000, 'month', 'strict', 60, NULL, 4, 1780086400000000, 1, 3, 'api', 1780000000000000, 1780000000000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
insert into "api_key" (id, org_id, team_id, project_id, user_id, name, prefix, last4, hash, pepper_version, status, models, budget_limit_nano, budget_period, budget_mode, rate_rpm, rate_tpm, rate_concurrency, expires_at, version, revision, managed_by, created_at, updated_at, rate_spend_nano, node_id, service_account_id, priority, tags, ip_allow, previous_hash, previous_pepper_version, previous_until, routing_policy) values ('key_b', 'org_01ksr49200e40r2081040g2081', 'team_b', 'proj_a', NULL, 'Search', 'mr-def', 'wxyz', x'1111111111111111111111111111111111111111111111111111111111111111', 1, 'active', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, 26, 'api', 1780000000000000, 1780000000000000, NULL, 'proj_a', 'sa_a', 2, '["prod"]', '["192.0.2.0/24"]', NULL, NULL, NULL, NULL);
insert into "provider" (id, org_id, vendor, name, base_url, enabled, version, revision, managed_by, created_at, updated_at, deleted_at) values ('openai', 'org_01ksr49200e40r2081040g2081', 'openai', 'OpenAI', NULL, 1, 2, 5, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "credential" (id, org_id, provider_id, name, last4, ciphertext, secret_ref, version, status, managed_by, created_at, deleted_at, node_id) values ('cred_fixture', 'org_01ksr49200e40r2081040g2081', 'openai', 'main', 'ture', x'02e9f34e9db9e4aec5a90199e2f87102f891077f24d9dbfab308f72c8515e66bc007671d5c92de7ec54d6d8992adb2677a57143c5ea464c59ee9eb4b026c3d9640dba5745cc5501a31883f085618460a914209f6ab73b2c83c2e0dddf32bab76ec3c024c361952', NULL, 1, 'active', 'api', 1780000000000000, NULL, NULL);
insert into "deployment" (id, org_id, model, provider_id, upstream_model, price, price_as, version, revision, managed_by, created_at, updated_at, deleted_at, facts) values ('own', 'org_01ksr49200e40r2081040g2081', 'own-model', 'openai', 'ft:1', NULL, 'gpt-5.1', 1, 8, 'api', 1780000000000000, 1780000000000000, NULL, '{"region":"eu","retentionDays":30}');
insert into "alias" (name, org_id, strategy, targets, version, revision, managed_by, created_at, updated_at, deleted_at) values ('fast', 'org_01ksr49200e40r2081040g2081', 'weighted', '[{"model":"gpt-5.1","weight":2}]', 1, 6, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "setting" (org_id, value, version, revision, managed_by, updated_at) values ('org_01ksr49200e40r2081040g2081', '{"unknownPrice":"block","content":{"store":false,"retentionDays":30,"quotaMb":1024},"responses":{"store":false,"retentionDays":30,"quotaMb":256},"retention":{"requestsDays":30,"usageDays":400,"decisionsDays":7},"newModels":"automatic","budget":null,"rateLimit":null}', 1, 1, 'api', 1780000000000000);
insert into "installation" (id, kek_id, created_at) values (1, x'e9f34e9d', 1780000000000000);
insert into "idempotency" (scope, key, body_hash, result_id, created_at) values ('owner', 'k', x'0404040404040404040404040404040404040404040404040404040404040404', 'key_a', 1780000000000000);
insert into "dimension" (id, kind, value) values (1, 'org', 'org_01ksr49200e40r2081040g2081');
insert into "dimension" (id, kind, value) values (2, 'team', 'team_a');
insert into "dimension" (id, kind, value) values (3, 'project', 'project_a');
insert into "dimension" (id, kind, value) values (4, 'user', 'usr_fixture');
insert into "dimension" (id, kind, value) values (5, 'key', 'key_a');
insert into "dimension" (id, kind, value) values (6, 'session', 'chat-1');
insert into "dimension" (id, kind, value) values (7, 'tags', '["prod"]');
insert into "dimension" (id, kind, value) values (8, 'task', 'code');
insert into "dimension" (id, kind, value) values (9, 'endpoint', 'chat.completions');
insert into "dimension" (id, kind, value) values (10, 'vendor', 'groq');
insert into "dimension" (id, kind, value) values (11, 'vendor', 'openai');
insert into "dimension" (id, kind, value) values (12, 'provider', 'groq');
insert into "dimension" (id, kind, value) values (13, 'provider', 'openai');
insert into "dimension" (id, kind, value) values (14, 'model', 'gpt-5.1');
insert into "dimension" (id, kind, value) values (15, 'deployment', 'groq/gpt-5.1');
insert into "dimension" (id, kind, value) values (16, 'deployment', 'openai/gpt-5.1');
insert into "dimension" (id, kind, value) values (17, 'price_version', 'models-dev-2026-07-02');
insert into "dimension" (id, kind, value) values (18, 'error_code', 'overloaded');
insert into "dimension" (id, kind, value) values (19, 'error_code', 'budget_exceeded');
insert into "dimension" (id, kind, value) values (20, 'node', 'node_fixture');
insert into "dimension" (id, kind, value) values (21, 'upstream_model', 'gpt-5.1-2025-11-13');
insert into "dimension" (id, kind, value) values (22, 'entity', 'team:team_fixture');
insert into "dimension" (id, kind, value) values (23, 'entity', 'service_account:sa_fixture');
insert into "dimension" (id, kind, value) values (24, 'entity', 'tag:fixture/prod');
insert into "usage" (request_id, attempt, at, org, team, project, user_id, key_id, session, tags, vendor, provider, model, deployment, task, endpoint, status, outcome, attempt_status, attempt_outcome, error_code, cache, stream, decision, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out, image_in, image_out, tool_calls, requests, cost_nano, price_version, flags, final, first_token_us, total_us, overhead_us, steps, images, audio_ms, characters, searches) values (x'019e704488007000800008094bc0cf39', 1, 1780000000000000, 1, 2, 3, 4, 5, 6, 7, 10, 12, 14, 15, 8, 9, 200, NULL, 503, 3, 18, 1, 1, 'd1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 17, NULL, NULL, NULL, 89690, NULL, NULL, NULL, NULL, NULL, NULL);
insert into "usage" (request_id, attempt, at, org, team, project, user_id, key_id, session, tags, vendor, provider, model, deployment, task, endpoint, status, outcome, attempt_status, attempt_outcome, error_code, cache, stream, decision, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out, image_in, image_out, tool_calls, requests, cost_nano, price_version, flags, final, first_token_us, total_us, overhead_us, steps, images, audio_ms, characters, searches) values (x'019e704488007000800008094bc0cf39', 2, 1780000000000000, 1, 2, 3, 4, 5, 6, 7, 11, 13, 14, 16, 8, 9, 200, NULL, 200, 1, NULL, 1, 1, 'd1', 1200, 4096, NULL, NULL, 350, 128, NULL, NULL, NULL, NULL, NULL, NULL, 5012750, 17, NULL, 1, 412010, 2100900, 241, x'78081f000e16e0921980c5662806', NULL, NULL, NULL, NULL);
insert into "usage" (request_id, attempt, at, org, team, project, user_id, key_id, session, tags, vendor, provider, model, deployment, task, endpoint, status, outcome, attempt_status, attempt_outcome, error_code, cache, stream, decision, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, audio_in, audio_out, image_in, image_out, tool_calls, requests, cost_nano, price_version, flags, final, first_token_us, total_us, overhead_us, steps, images, audio_ms, characters, searches) values (x'019e704488007000800008094bc0cf3a', 0, 1780000000000000, 1, 2, 3, NULL, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 9, 402, 1, NULL, NULL, 19, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, 300, 241, x'7808ac0100000000000000', NULL, NULL, NULL, NULL);
insert into "request_log" (seq, request_id, at, org, model_asked, route, error_text, client, client_address, client_request_id, traceparent, request_bytes, response_bytes, attempts) values (1, x'019e704488007000800008094bc0cf39', 1780000000000000, 1, 'gpt-5.1', 'fallback', NULL, 'openai-node/6.1', '10.2.3.4', NULL, NULL, 18231, 9120, '[{"number":1,"provider":"groq","upstreamModel":"gpt-5.1-2025-11-13","credential":"cred_1","errorText":"model is overloaded","upstreamRequestId":"chatcmpl-abc","startedUs":310,"firstTokenUs":null,"endedUs":90000},{"number":2,"provider":"openai","upstreamModel":"gpt-5.1-2025-11-13","credential":"cred_1","errorText":null,"upstreamRequestId":"chatcmpl-abc","startedUs":90400,"firstTokenUs":502000,"endedUs":2100000}]');
insert into "request_log" (seq, request_id, at, org, model_asked, route, error_text, client, client_address, client_request_id, traceparent, request_bytes, response_bytes, attempts) values (2, x'019e704488007000800008094bc0cf3a', 1780000000000000, 1, 'gpt-5.1', 'origin', 'the key has spent its budget', 'openai-node/6.1', '10.2.3.4', NULL, NULL, 18231, 210, NULL);
insert into "data_key" (id, org_id, wrapped, created_at) values ('dk_01ksr49200f0vb0qf8pdzpmd41', 'org_01ksr49200e40r2081040g2081', x'01e9f34e9d9794ba54ce7044a11d571ae7c4185c58c38a481ee021d547b2765fd7231279aea9f469ea46912ca9f75422c76061c5b193dcdc9b93a29c52388f317c', 1780000000000000);
insert into "content_index" (request_id, org_id, data_key_id, day, position, bytes) values (x'019e704488007000800008094bc0cf39', 'org_01ksr49200e40r2081040g2081', 'dk_01ksr49200f0vb0qf8pdzpmd41', '2026-05-28', 0, 76);
insert into "ledger_entry" (node, lsn, kind, request_id, attempt, org, team, project, user_id, key_id, vendor, provider, deployment, model, upstream_model, price_version, amount_nano, outcome, flags, usage, held_at, ended_at, entities) values (20, 3, 1, x'019e704488007000800008094bc0cf39', 1, 1, 2, NULL, NULL, 5, 11, 13, 16, 14, 21, 17, 0, 2, 0, x'b00980200000de02', 1780000000000000, 1780000001500000, NULL);
insert into "ledger_entry" (node, lsn, kind, request_id, attempt, org, team, project, user_id, key_id, vendor, provider, deployment, model, upstream_model, price_version, amount_nano, outcome, flags, usage, held_at, ended_at, entities) values (20, 6, 0, x'019e704488007000800008094bc0cf39', 2, 1, 2, NULL, NULL, 5, 11, 13, 16, 14, 21, 17, 5012750, 0, 0, x'b00980200000de02', 1780000000000000, 1780000001500000, NULL);
insert into "ledger_entry" (node, lsn, kind, request_id, attempt, org, team, project, user_id, key_id, vendor, provider, deployment, model, upstream_model, price_version, amount_nano, outcome, flags, usage, held_at, ended_at, entities) values (20, 9, 0, x'019e704488007000800008094bc0cf3b', 1, 1, 2, NULL, NULL, 5, 11, 13, 16, 14, 21, 17, 7, 8, 2, x'b00980200000de02', 1780000000000000, 1780000001500000, x'161718');
insert into "ledger_entry" (node, lsn, kind, request_id, attempt, org, team, project, user_id, key_id, vendor, provider, deployment, model, upstream_model, price_version, amount_nano, outcome, flags, usage, held_at, ended_at, entities) values (20, 9, 2, x'019e704488007000800008094bc0cf3b', 1, 1, 2, NULL, NULL, 5, 11, 13, 16, 14, 21, 17, 3, 8, 2, x'b00980200000de02', 1780000000000000, 1780000001500000, x'161718');
insert into "ledger_batch" (node, number, first_lsn, applied_lsn, entries, prev_hash, hash) values ('node_fixture', 1, 1, 9, 4, x'0000000000000000000000000000000000000000000000000000000000000000', x'418a7b3de86e25b96f81b0d284531cfbd0398e4f966fc3a1884cc7415c417a6b');
insert into "ledger_position" (node, applied_lsn, batch, hash, rejected) values ('node_fixture', 9, 1, x'418a7b3de86e25b96f81b0d284531cfbd0398e4f966fc3a1884cc7415c417a6b', 0);
insert into "account_balance" (entity, quarter, settled_nano, attempts) values ('key:key_a', 1779999300000000, 5012757, 2);
insert into "account_balance" (entity, quarter, settled_nano, attempts) values ('model:org_01ksr49200e40r2081040g2081/gpt-5.1', 1779999300000000, 5012757, 2);
insert into "account_balance" (entity, quarter, settled_nano, attempts) values ('org:org_01ksr49200e40r2081040g2081', 1779999300000000, 5012757, 2);
insert into "account_balance" (entity, quarter, settled_nano, attempts) values ('overhead', 1779999300000000, 3, 1);
insert into "account_balance" (entity, quarter, settled_nano, attempts) values ('service_account:sa_fixture', 1779999300000000, 7, 1);
insert into "account_balance" (entity, quarter, settled_nano, attempts) values ('tag:fixture/prod', 1779999300000000, 7, 1);
insert into "account_balance" (entity, quarter, settled_nano, attempts) values ('team:team_fixture', 1779999300000000, 7, 1);
insert into "account_balance" (entity, quarter, settled_nano, attempts) values ('vendor:org_01ksr49200e40r2081040g2081/openai', 1779999300000000, 5012757, 2);
insert into "ledger_total" (org, kind, outcome, flags, entries, amount_nano) values (1, 0, 0, 0, 1, 5012750);
insert into "ledger_total" (org, kind, outcome, flags, entries, amount_nano) values (1, 0, 8, 2, 1, 7);
insert into "ledger_total" (org, kind, outcome, flags, entries, amount_nano) values (1, 1, 2, 0, 1, 0);
insert into "ledger_total" (org, kind, outcome, flags, entries, amount_nano) values (1, 2, 8, 2, 1, 3);
insert into "repeat_mark" (key_digest, body_digest, request_id, at) values (x'06060606060606060606060606060606', x'07070707070707070707070707070707', x'019e704488007000800008094bc0cf39', 1780000001500000);
insert into "catalog_version" (number, version, date, origin, source, applied_by, applied_at, summary, digest, artefact) values (1, 'catalog-2026-06-01.f0abf0f6', '2026-06-01', 'update', 'feed.json', 'Ann', 1780000000000000, '{"added":0,"withdrawn":0,"returned":0,"prices":1,"limits":0,"facts":0,"held":1,"unreadable":0}', x'1ca15a65689182c23bb73e198531f66ad28e8c9742597ea7419e10765405be51', x'1f8b0800000000000003558dbd0ac3200084779f426ed660529ac157291dac3f414855d46411dfbd2419da6ef7f371d7e0627eab0a496f8c62b7b9f8182029b4aa6a8d0b9fc434733173310e4ea897136e06a330aada03fbd6475ae296b52d90b4e11d8d5dcb60ec0ef98b7546e194ae27d5cfd360623e2d414c36280f491fa4c11b482ca9f2fb30825d8b7f49ca5e5bc8061fd256212786b8d54bf64e9ea477f20166ab4477e3000000');
insert into "catalog_change" (id, number, vendor, model, kind, reason, factor, before_value, after_value, state, decided_by, decided_at, created_at) values ('chg_01ksr49200f048g2081040g208', 1, 'openai', 'gpt-5.1', 'price', 'too much', '4.5', '{}', '{"price":{"input":9,"output":9}}', 'held', NULL, NULL, 1780000000000000);
insert into "catalog_price" (vendor, model, valid_from, version, price) values ('openai', 'gpt-5.1', 1779913600000000, 'before', '{"price":{"input":1,"output":2}}');
insert into "catalog_price" (vendor, model, valid_from, version, price) values ('openai', 'gpt-5.1', 1780000000000000, 'catalog-2026-06-01.f0abf0f6', '{"price":{"input":2,"output":2}}');
insert into "catalog_state" (id, overrides, checked_at, check_error, failures) values (1, '[{"vendor":"openai","model":"gpt-*","price":null,"discountPercent":"5","contextTokens":null,"outputTokens":null}]', NULL, NULL, 0);
insert into "node" (id, org_id, parent_id, kind, name, description, weight, defaults, version, revision, managed_by, created_at, updated_at, deleted_at) values ('team_a', 'org_01ksr49200e40r2081040g2081', NULL, 'team', 'Research', '', 3, '{"model":"fast","providersOff":["openai"]}', 1, 9, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "node" (id, org_id, parent_id, kind, name, description, weight, defaults, version, revision, managed_by, created_at, updated_at, deleted_at) values ('team_b', 'org_01ksr49200e40r2081040g2081', NULL, 'team', 'Sales', '', 1, NULL, 1, 10, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "node" (id, org_id, parent_id, kind, name, description, weight, defaults, version, revision, managed_by, created_at, updated_at, deleted_at) values ('proj_a', 'org_01ksr49200e40r2081040g2081', 'team_b', 'project', 'Search', '', 1, NULL, 2, 12, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "node_history" (node_id, parent_id, from_at, to_at) values ('proj_a', 'team_a', 1780000000000000, 1780000000000001);
insert into "node_history" (node_id, parent_id, from_at, to_at) values ('proj_a', 'team_b', 1780000000000001, NULL);
insert into "node_history" (node_id, parent_id, from_at, to_at) values ('team_a', NULL, 1780000000000000, NULL);
insert into "node_history" (node_id, parent_id, from_at, to_at) values ('team_b', NULL, 1780000000000000, NULL);
insert into "service_account" (id, org_id, node_id, name, description, status, version, revision, managed_by, created_at, updated_at, deleted_at) values ('sa_a', 'org_01ksr49200e40r2081040g2081', 'team_a', 'CI', '', 'active', 1, 13, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "role" (id, org_id, name, description, permissions, version, revision, managed_by, created_at, updated_at, deleted_at) values ('role_a', 'org_01ksr49200e40r2081040g2081', 'Key keeper', '', '["keys:read","keys:write"]', 1, 14, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "membership" (id, org_id, principal_kind, principal_id, node_id, role, source, source_ref, granted_by, expires_at, version, revision, managed_by, created_at, updated_at, deleted_at) values ('mem_fixture', 'org_01ksr49200e40r2081040g2081', 'user', 'usr_fixture', 'org_01ksr49200e40r2081040g2081', 'owner', 'local', NULL, 'usr_fixture', NULL, 1, 15, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "membership" (id, org_id, principal_kind, principal_id, node_id, role, source, source_ref, granted_by, expires_at, version, revision, managed_by, created_at, updated_at, deleted_at) values ('mem_b', 'org_01ksr49200e40r2081040g2081', 'user', 'usr_b', 'team_a', 'role_a', 'oidc', 'research', 'usr_fixture', NULL, 1, 17, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "api_token" (id, org_id, principal_kind, principal_id, name, prefix, last4, hash, previous_hash, previous_pepper_version, previous_until, pepper_version, scopes, node_id, expires_at, last_used_at, created_by, version, revision, managed_by, created_at, updated_at, deleted_at) values ('tok_a', 'org_01ksr49200e40r2081040g2081', 'service_account', 'sa_a', 'deploy', 'mrt-ab', 'wxyz', x'0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', x'1212121212121212121212121212121212121212121212121212121212121212', 1, 1780000000000000, 1, '["keys:read"]', 'team_a', NULL, NULL, 'usr_fixture', 1, 18, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "access_link" (id_hash, org_id, kind, user_id, user_version, created_by, created_at, expires_at, used_at) values (x'0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c', 'org_01ksr49200e40r2081040g2081', 'password_reset', 'usr_b', 1, 'usr_fixture', 1780000000000000, 1780086400000000, NULL);
insert into "totp" (user_id, secret, version, confirmed_at, last_step, created_at) values ('usr_b', x'02e9f34e9da3f3930d8166e1d7d376170a5adcd2c83889f80a7f83093de1f4751f96254c41d7483d0bf69215675ca6fc38f174b86b3fed0cde7426b7f12097789a554a93acaa1b09740a4949525a2c48267a158b7acd36ce8ba660f3be22d4534d', 1, NULL, 0, 1780000000000000);
insert into "recovery_code" (user_id, hash, used_at) values ('usr_b', x'0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e', NULL);
insert into "recovery_code" (user_id, hash, used_at) values ('usr_b', x'0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f', NULL);
insert into "oidc_identity" (issuer, subject, org_id, provider_id, email, user_id, created_at, last_login_at) values ('https://id.example.org', 'bob', 'org_01ksr49200e40r2081040g2081', 'acme', 'bob@example.org', 'usr_b', 1780000000000000, 1780000000000000);
insert into "oidc_provider" (id, org_id, name, issuer, client_id, client_secret, settings, enabled, version, revision, managed_by, created_at, updated_at, deleted_at) values ('acme', 'org_01ksr49200e40r2081040g2081', 'Acme', 'https://id.example.org', 'megarouter', x'02e9f34e9de903bc8917de0617e2feddb2d81dee61306668ac707c1e0ac11dbabf945aaae3cca6020470c5681cd0d1ae4cfefbf72e15080e3089548ca60bb099ef912e9931be71fbe041da8c964e3509bb337180ca83e3c71ec6abe43d604cfe58', '{"scopes":["email"],"groupsClaim":"groups","userinfo":true,"rules":[{"group":"research","role":"role_a","node":"team_a"}],"domains":["example.org"],"createUsers":true,"linkVerifiedEmail":false,"trustEmail":false}', 1, 1, 19, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "budget" (id, org_id, subject_kind, subject_id, name, limit_nano, period, time_zone, mode, thresholds, enabled, version, revision, managed_by, created_at, updated_at, deleted_at) values ('bud_a', 'org_01ksr49200e40r2081040g2081', 'team', 'team_a', 'Research', 5000000000, 'rolling/P7D', 'Asia/Tokyo', 'strict', '[{"share":0.8,"actions":[{"kind":"warn"},{"kind":"downgrade","alias":"fast"}]}]', 1, 1, 20, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "budget_threshold" (org_id, budget_id, period_start, share_bp, reached_at) values ('org_01ksr49200e40r2081040g2081', 'bud_a', 1780000000000000, 8000, 1780000000000000);
insert into "budget_increase" (id, org_id, budget_id, amount_nano, from_at, until_at, reason, requested_by, requester_kind, requester_name, requested_at, verdict, decided_by, decided_at, decision_note, revoked_by, revoked_at, version, revision, managed_by, created_at, updated_at, deleted_at) values ('inc_a', 'org_01ksr49200e40r2081040g2081', 'bud_a', 7, 1780000000000000, 1780086400000000, 'launch', 'usr_b', 'user', 'Bob', 1780000000000000, 'approved', 'usr_fixture', 1780000000000000, 'fine', NULL, NULL, 2, 22, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "rate_limit" (id, org_id, subject_kind, subject_id, name, models, rpm, tpm, concurrency, spend_nano, enabled, version, revision, managed_by, created_at, updated_at, deleted_at) values ('lim_a', 'org_01ksr49200e40r2081040g2081', 'project', 'proj_a', 'Slow', 'gpt-*', 60, NULL, NULL, 9, 1, 1, 23, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "model_policy" (id, org_id, subject_kind, subject_id, name, rules, enabled, version, revision, managed_by, created_at, updated_at, deleted_at) values ('pol_a', 'org_01ksr49200e40r2081040g2081', 'org', 'org_01ksr49200e40r2081040g2081', 'No previews', '[{"effect":"deny","models":["*-preview"]}]', 1, 1, 24, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "alert_channel" (id, org_id, kind, name, target, secret, events, enabled, version, revision, managed_by, created_at, updated_at, deleted_at) values ('alc_a', 'org_01ksr49200e40r2081040g2081', 'webhook', 'Pager', '{"host":"pager.example.org"}', x'02e9f34e9d54ab6d54f220404a2df0b7aac52f6c3781a870fa66ff9d5416b6232f9a2e45a850d3200f9579a742f50a43ea6a9450ce2b50495ab0b0eceb98b5e704de5fe3b29c7c5071fcda9fbeff09ffd9172562c54fe04770950d69b37c757fa3', '["budget.threshold"]', 1, 1, 25, 'api', 1780000000000000, 1780000000000000, NULL);
insert into "alert_delivery" (id, org_id, channel_id, event, dedupe_key, payload, state, attempts, next_at, last_error, created_at, ended_at) values ('ald_a', 'org_01ksr49200e40r2081040g2081', 'alc_a', 'budget.threshold', 'bud_a 8000', '{}', 'pending', 0, 1780000000000000, NULL, 1780000000000000, NULL);
insert into "audit_event" (org_id, seq, at, actor_kind, actor_id, actor_name, address, request_id, action, resource_kind, resource_id, resource_name, outcome, reason, before_value, after_value, count, prev_hash, hash) values ('org_01ksr49200e40r2081040g2081', 1, 1780000000000000, 'user', 'usr_fixture', 'Ann', '192.0.2.1', 'req_1', 'node.create', 'node', 'team_a', 'Research', 'allowed', NULL, NULL, '{"name":"Research"}', 1, x'0000000000000000000000000000000000000000000000000000000000000000', x'ecd86aa7cdadc5c06476667beccef76f1f8111f122e5b8dc8cf095f9b9abcd1b');
insert into "audit_event" (org_id, seq, at, actor_kind, actor_id, actor_name, address, request_id, action, resource_kind, resource_id, resource_name, outcome, reason, before_value, after_value, count, prev_hash, hash) values ('org_01ksr49200e40r2081040g2081', 2, 1780000000000000, 'user', 'usr_fixture', 'Ann', '192.0.2.1', 'req_1', 'key.create', 'key', NULL, NULL, 'denied', 'keys:write is missing', NULL, NULL, 3, x'ecd86aa7cdadc5c06476667beccef76f1f8111f122e5b8dc8cf095f9b9abcd1b', x'cc92ff4b5b549a8bbb1a22d309638b0a616da63a659b9a97746e795cc0f123db');
insert into "audit_head" (org_id, seq, hash) values ('org_01ksr49200e40r2081040g2081', 2, x'cc92ff4b5b549a8bbb1a22d309638b0a616da63a659b9a97746e795cc0f123db');
insert into "master_key" (version, kek_id, created_at) values (1, x'e9f34e9d', 1780000000000000);
