SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.access_link (
    id_hash bytea NOT NULL,
    org_id text NOT NULL,
    kind text NOT NULL,
    user_id text NOT NULL,
    user_version integer NOT NULL,
    created_by text,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    used_at bigint
);
CREATE TABLE public.account_balance (
    entity text NOT NULL,
    quarter bigint NOT NULL,
    settled_nano bigint NOT NULL,
    attempts bigint NOT NULL
);
CREATE TABLE public.adoption_event (
    id text NOT NULL,
    org_id text NOT NULL,
    at bigint NOT NULL,
    arm text NOT NULL,
    from_stage text NOT NULL,
    to_stage text NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL
);
CREATE TABLE public.alert_channel (
    id text NOT NULL,
    org_id text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    target text NOT NULL,
    secret bytea,
    events text NOT NULL,
    enabled smallint NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.alert_delivery (
    id text NOT NULL,
    org_id text NOT NULL,
    channel_id text NOT NULL,
    event text NOT NULL,
    dedupe_key text NOT NULL,
    payload text NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    next_at bigint NOT NULL,
    last_error text,
    created_at bigint NOT NULL,
    ended_at bigint
);
CREATE TABLE public.alias (
    name text NOT NULL,
    org_id text NOT NULL,
    strategy text NOT NULL,
    targets text NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.api_key (
    id text NOT NULL,
    org_id text NOT NULL,
    team_id text,
    project_id text,
    user_id text,
    name text NOT NULL,
    prefix text NOT NULL,
    last4 text NOT NULL,
    hash bytea NOT NULL,
    pepper_version integer NOT NULL,
    status text NOT NULL,
    models text,
    budget_limit_nano bigint,
    budget_period text,
    budget_mode text,
    rate_rpm integer,
    rate_tpm integer,
    rate_concurrency integer,
    expires_at bigint,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    rate_spend_nano bigint,
    node_id text,
    service_account_id text,
    priority integer,
    tags text,
    ip_allow text,
    previous_hash bytea,
    previous_pepper_version integer,
    previous_until bigint,
    routing_policy text
);
CREATE TABLE public.api_token (
    id text NOT NULL,
    org_id text NOT NULL,
    principal_kind text NOT NULL,
    principal_id text NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    last4 text NOT NULL,
    hash bytea NOT NULL,
    previous_hash bytea,
    previous_pepper_version integer,
    previous_until bigint,
    pepper_version integer NOT NULL,
    scopes text NOT NULL,
    node_id text,
    expires_at bigint,
    last_used_at bigint,
    created_by text NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.audit_event (
    org_id text NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    actor_kind text NOT NULL,
    actor_id text,
    actor_name text NOT NULL,
    address text,
    request_id text,
    action text NOT NULL,
    resource_kind text NOT NULL,
    resource_id text,
    resource_name text,
    outcome text NOT NULL,
    reason text,
    before_value text,
    after_value text,
    count integer NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE TABLE public.audit_head (
    org_id text NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
CREATE TABLE public.bootstrap (
    id smallint NOT NULL,
    token_hash bytea NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    used_at bigint,
    CONSTRAINT bootstrap_id_check CHECK ((id = 1))
);
CREATE TABLE public.budget (
    id text NOT NULL,
    org_id text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    name text NOT NULL,
    limit_nano bigint NOT NULL,
    period text NOT NULL,
    time_zone text,
    mode text NOT NULL,
    thresholds text NOT NULL,
    enabled smallint NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    CONSTRAINT budget_limit_nano_check CHECK ((limit_nano >= 0))
);
CREATE TABLE public.budget_increase (
    id text NOT NULL,
    org_id text NOT NULL,
    budget_id text NOT NULL,
    amount_nano bigint NOT NULL,
    from_at bigint NOT NULL,
    until_at bigint NOT NULL,
    reason text NOT NULL,
    requested_by text NOT NULL,
    requester_kind text NOT NULL,
    requester_name text NOT NULL,
    requested_at bigint NOT NULL,
    verdict text,
    decided_by text,
    decided_at bigint,
    decision_note text,
    revoked_by text,
    revoked_at bigint,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    CONSTRAINT budget_increase_amount_nano_check CHECK ((amount_nano > 0))
);
CREATE TABLE public.budget_threshold (
    org_id text NOT NULL,
    budget_id text NOT NULL,
    period_start bigint NOT NULL,
    share_bp integer NOT NULL,
    reached_at bigint NOT NULL
);
CREATE TABLE public.catalog_change (
    id text NOT NULL,
    number bigint NOT NULL,
    vendor text NOT NULL,
    model text NOT NULL,
    kind text NOT NULL,
    reason text NOT NULL,
    factor text,
    before_value text NOT NULL,
    after_value text NOT NULL,
    state text NOT NULL,
    decided_by text,
    decided_at bigint,
    created_at bigint NOT NULL
);
CREATE TABLE public.catalog_price (
    vendor text NOT NULL,
    model text NOT NULL,
    valid_from bigint NOT NULL,
    version text NOT NULL,
    price text NOT NULL
);
CREATE TABLE public.catalog_state (
    id smallint NOT NULL,
    overrides text NOT NULL,
    checked_at bigint,
    check_error text,
    failures bigint NOT NULL
);
CREATE TABLE public.catalog_version (
    number bigint NOT NULL,
    version text NOT NULL,
    date text NOT NULL,
    origin text NOT NULL,
    source text NOT NULL,
    applied_by text NOT NULL,
    applied_at bigint NOT NULL,
    summary text NOT NULL,
    digest bytea NOT NULL,
    artefact bytea
);
CREATE TABLE public.content_index (
    request_id bytea NOT NULL,
    org_id text NOT NULL,
    data_key_id text NOT NULL,
    day text NOT NULL,
    "position" bigint NOT NULL,
    bytes integer NOT NULL
);
CREATE TABLE public.credential (
    id text NOT NULL,
    org_id text NOT NULL,
    provider_id text NOT NULL,
    name text NOT NULL,
    last4 text NOT NULL,
    ciphertext bytea,
    secret_ref text,
    version integer NOT NULL,
    status text NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    deleted_at bigint,
    node_id text,
    CONSTRAINT credential_check CHECK ((((ciphertext IS NULL) <> (secret_ref IS NULL)) OR (deleted_at IS NOT NULL)))
);
CREATE TABLE public.data_key (
    id text NOT NULL,
    org_id text NOT NULL,
    wrapped bytea NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.decision (
    request_id bytea NOT NULL,
    org_id text NOT NULL,
    at bigint NOT NULL,
    policy text NOT NULL,
    chosen text NOT NULL,
    session text,
    body text NOT NULL
);
CREATE TABLE public.deployment (
    id text NOT NULL,
    org_id text NOT NULL,
    model text NOT NULL,
    provider_id text NOT NULL,
    upstream_model text NOT NULL,
    price text,
    price_as text,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    facts text
);
CREATE TABLE public.dimension (
    id integer NOT NULL,
    kind text NOT NULL,
    value text NOT NULL
);
ALTER TABLE public.dimension ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dimension_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.idempotency (
    scope text NOT NULL,
    key text NOT NULL,
    body_hash bytea NOT NULL,
    result_id text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.installation (
    id smallint NOT NULL,
    kek_id bytea NOT NULL,
    created_at bigint NOT NULL,
    CONSTRAINT installation_id_check CHECK ((id = 1))
);
CREATE TABLE public.kysely_migration (
    name character varying(255) NOT NULL,
    "timestamp" character varying(255) NOT NULL
);
CREATE TABLE public.kysely_migration_lock (
    id character varying(255) NOT NULL,
    is_locked integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.ledger_batch (
    node text NOT NULL,
    number bigint NOT NULL,
    first_lsn bigint NOT NULL,
    applied_lsn bigint NOT NULL,
    entries integer NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL
);
CREATE TABLE public.ledger_entry (
    node integer NOT NULL,
    lsn bigint NOT NULL,
    kind smallint NOT NULL,
    request_id bytea NOT NULL,
    attempt smallint NOT NULL,
    org integer NOT NULL,
    team integer,
    project integer,
    user_id integer,
    key_id integer NOT NULL,
    vendor integer NOT NULL,
    provider integer NOT NULL,
    deployment integer NOT NULL,
    model integer NOT NULL,
    upstream_model integer NOT NULL,
    price_version integer,
    amount_nano bigint NOT NULL,
    outcome smallint NOT NULL,
    flags integer NOT NULL,
    usage bytea,
    held_at bigint NOT NULL,
    ended_at bigint NOT NULL,
    entities bytea,
    CONSTRAINT ledger_entry_amount_nano_check CHECK ((amount_nano >= 0))
);
CREATE TABLE public.ledger_position (
    node text NOT NULL,
    applied_lsn bigint NOT NULL,
    batch bigint NOT NULL,
    hash bytea NOT NULL,
    rejected bigint NOT NULL
);
CREATE TABLE public.ledger_total (
    org integer NOT NULL,
    kind smallint NOT NULL,
    outcome smallint NOT NULL,
    flags integer NOT NULL,
    entries bigint NOT NULL,
    amount_nano bigint NOT NULL
);
CREATE TABLE public.master_key (
    version integer NOT NULL,
    kek_id bytea NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.membership (
    id text NOT NULL,
    org_id text NOT NULL,
    principal_kind text NOT NULL,
    principal_id text NOT NULL,
    node_id text NOT NULL,
    role text NOT NULL,
    source text NOT NULL,
    source_ref text,
    granted_by text NOT NULL,
    expires_at bigint,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.model_policy (
    id text NOT NULL,
    org_id text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    name text NOT NULL,
    rules text NOT NULL,
    enabled smallint NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.node (
    id text NOT NULL,
    org_id text NOT NULL,
    parent_id text,
    kind text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    weight integer NOT NULL,
    defaults text,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    CONSTRAINT node_kind_check CHECK ((kind = ANY (ARRAY['team'::text, 'project'::text])))
);
CREATE TABLE public.node_history (
    node_id text NOT NULL,
    parent_id text,
    from_at bigint NOT NULL,
    to_at bigint
);
CREATE TABLE public.oidc_identity (
    issuer text NOT NULL,
    subject text NOT NULL,
    org_id text NOT NULL,
    provider_id text NOT NULL,
    email text NOT NULL,
    user_id text NOT NULL,
    created_at bigint NOT NULL,
    last_login_at bigint
);
CREATE TABLE public.oidc_provider (
    id text NOT NULL,
    org_id text NOT NULL,
    name text NOT NULL,
    issuer text NOT NULL,
    client_id text NOT NULL,
    client_secret bytea,
    settings text NOT NULL,
    enabled smallint NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.opening_balance (
    entity text NOT NULL,
    quarter bigint NOT NULL,
    settled_nano bigint NOT NULL
);
CREATE TABLE public.organisation (
    id text NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    time_zone text NOT NULL,
    created_at bigint NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.outcome (
    id text NOT NULL,
    org_id text NOT NULL,
    at bigint NOT NULL,
    key_id text NOT NULL,
    request_id bytea,
    session text,
    trace_id text,
    metric text NOT NULL,
    kind text NOT NULL,
    value double precision,
    usd_nano bigint,
    label text,
    comment text
);
CREATE TABLE public.provider (
    id text NOT NULL,
    org_id text NOT NULL,
    vendor text NOT NULL,
    name text NOT NULL,
    base_url text,
    enabled smallint NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.rate_limit (
    id text NOT NULL,
    org_id text NOT NULL,
    subject_kind text NOT NULL,
    subject_id text NOT NULL,
    name text NOT NULL,
    models text,
    rpm bigint,
    tpm bigint,
    concurrency bigint,
    spend_nano bigint,
    enabled smallint NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.recovery_code (
    user_id text NOT NULL,
    hash bytea NOT NULL,
    used_at bigint
);
CREATE TABLE public.repeat_mark (
    key_digest bytea NOT NULL,
    body_digest bytea NOT NULL,
    request_id bytea NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.request_log (
    seq integer NOT NULL,
    request_id bytea NOT NULL,
    at bigint NOT NULL,
    org integer,
    model_asked text,
    route text,
    error_text text,
    client text,
    client_address text,
    client_request_id text,
    traceparent text,
    request_bytes bigint,
    response_bytes bigint,
    attempts text
);
ALTER TABLE public.request_log ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.request_log_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.revision (
    id smallint NOT NULL,
    value bigint NOT NULL,
    CONSTRAINT revision_id_check CHECK ((id = 1))
);
CREATE TABLE public.role (
    id text NOT NULL,
    org_id text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    permissions text NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.routing_arm (
    org_id text NOT NULL,
    arm text NOT NULL,
    stage text NOT NULL,
    approved integer NOT NULL,
    state text NOT NULL,
    updated_at bigint NOT NULL
);
CREATE TABLE public.routing_policy (
    org_id text NOT NULL,
    name text NOT NULL,
    body text NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.service_account (
    id text NOT NULL,
    org_id text NOT NULL,
    node_id text,
    name text NOT NULL,
    description text NOT NULL,
    status text NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.session (
    id_hash bytea NOT NULL,
    user_id text NOT NULL,
    user_version integer NOT NULL,
    csrf text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.setting (
    org_id text NOT NULL,
    value text NOT NULL,
    version integer NOT NULL,
    revision bigint NOT NULL,
    managed_by text NOT NULL,
    updated_at bigint NOT NULL
);
CREATE TABLE public.stored_response (
    id text NOT NULL,
    org_id text NOT NULL,
    owner text NOT NULL,
    previous_id text,
    at bigint NOT NULL,
    bytes integer NOT NULL,
    data_key_id text NOT NULL,
    sealed bytea NOT NULL
);
CREATE TABLE public.totp (
    user_id text NOT NULL,
    secret bytea NOT NULL,
    version integer NOT NULL,
    confirmed_at bigint,
    last_step bigint NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.usage (
    request_id bytea NOT NULL,
    attempt smallint NOT NULL,
    at bigint NOT NULL,
    org integer,
    team integer,
    project integer,
    user_id integer,
    key_id integer,
    session integer,
    tags integer,
    vendor integer,
    provider integer,
    model integer,
    deployment integer,
    task integer,
    endpoint integer,
    status smallint,
    outcome smallint,
    attempt_status smallint,
    attempt_outcome smallint,
    error_code integer,
    cache smallint,
    stream smallint,
    decision text,
    input integer,
    cache_read integer,
    cache_write_5m integer,
    cache_write_1h integer,
    output integer,
    reasoning integer,
    audio_in integer,
    audio_out integer,
    image_in integer,
    image_out integer,
    tool_calls integer,
    requests integer,
    cost_nano bigint,
    price_version integer,
    flags smallint,
    final smallint,
    first_token_us bigint,
    total_us bigint,
    overhead_us bigint,
    steps bytea,
    images bigint,
    audio_ms bigint,
    characters bigint,
    searches bigint
);
CREATE TABLE public.user_account (
    id text NOT NULL,
    org_id text NOT NULL,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password_hash text,
    version integer NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    status text DEFAULT 'active'::text NOT NULL,
    revision bigint,
    last_login_at bigint,
    login_hash text,
    managed_by text DEFAULT 'api'::text NOT NULL
);
INSERT INTO public.access_link VALUES ('\x0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c', 'org_01ksr49200e40r2081040g2081', 'password_reset', 'usr_b', 1, 'usr_fixture', 1780000000000000, 1780086400000000, NULL);
INSERT INTO public.account_balance VALUES ('key:key_a', 1779999300000000, 5012757, 2);
INSERT INTO public.account_balance VALUES ('model:org_01ksr49200e40r2081040g2081/gpt-5.1', 1779999300000000, 5012757, 2);
INSERT INTO public.account_balance VALUES ('org:org_01ksr49200e40r2081040g2081', 1779999300000000, 5012757, 2);
INSERT INTO public.account_balance VALUES ('overhead', 1779999300000000, 3, 1);
INSERT INTO public.account_balance VALUES ('service_account:sa_fixture', 1779999300000000, 7, 1);
INSERT INTO public.account_balance VALUES ('tag:fixture/prod', 1779999300000000, 7, 1);
INSERT INTO public.account_balance VALUES ('team:team_fixture', 1779999300000000, 7, 1);
INSERT INTO public.account_balance VALUES ('vendor:org_01ksr49200e40r2081040g2081/openai', 1779999300000000, 5012757, 2);
INSERT INTO public.alert_channel VALUES ('alc_a', 'org_01ksr49200e40r2081040g2081', 'webhook', 'Pager', '{"host":"pager.example.org"}', '\x02e9f34e9d7b03c56ecdc1bc52c96c64a3368e10e3eda4b77668a8c981235c4a2da34755f5ba9b0e5a441cc3d383353d54bfeec49435108d8b69bdebf1d478c73613fc70b008e38b6376d4059984c241f84254cbc5ce618c00e6988704cdb44c60', '["budget.threshold"]', 1, 1, 25, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.alert_delivery VALUES ('ald_a', 'org_01ksr49200e40r2081040g2081', 'alc_a', 'budget.threshold', 'bud_a 8000', '{}', 'pending', 0, 1780000000000000, NULL, 1780000000000000, NULL);
INSERT INTO public.alias VALUES ('fast', 'org_01ksr49200e40r2081040g2081', 'weighted', '[{"model":"gpt-5.1","weight":2}]', 1, 6, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.api_key VALUES ('key_a', 'org_01ksr49200e40r2081040g2081', NULL, NULL, NULL, 'CI', 'mr-abc', 'wxyz', '\x0505050505050505050505050505050505050505050505050505050505050505', 1, 'active', '["gpt-*"]', 25000000000, 'month', 'strict', 60, NULL, 4, 1780086400000000, 1, 3, 'api', 1780000000000000, 1780000000000000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.api_key VALUES ('key_b', 'org_01ksr49200e40r2081040g2081', 'team_b', 'proj_a', NULL, 'Search', 'mr-def', 'wxyz', '\x1111111111111111111111111111111111111111111111111111111111111111', 1, 'active', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, 26, 'api', 1780000000000000, 1780000000000000, NULL, 'proj_a', 'sa_a', 2, '["prod"]', '["192.0.2.0/24"]', NULL, NULL, NULL, NULL);
INSERT INTO public.api_token VALUES ('tok_a', 'org_01ksr49200e40r2081040g2081', 'service_account', 'sa_a', 'deploy', 'mrt-ab', 'wxyz', '\x0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', '\x1212121212121212121212121212121212121212121212121212121212121212', 1, 1780000000000000, 1, '["keys:read"]', 'team_a', NULL, NULL, 'usr_fixture', 1, 18, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.audit_event VALUES ('org_01ksr49200e40r2081040g2081', 1, 1780000000000000, 'user', 'usr_fixture', 'Ann', '192.0.2.1', 'req_1', 'node.create', 'node', 'team_a', 'Research', 'allowed', NULL, NULL, '{"name":"Research"}', 1, '\x0000000000000000000000000000000000000000000000000000000000000000', '\xecd86aa7cdadc5c06476667beccef76f1f8111f122e5b8dc8cf095f9b9abcd1b');
INSERT INTO public.audit_event VALUES ('org_01ksr49200e40r2081040g2081', 2, 1780000000000000, 'user', 'usr_fixture', 'Ann', '192.0.2.1', 'req_1', 'key.create', 'key', NULL, NULL, 'denied', 'keys:write is missing', NULL, NULL, 3, '\xecd86aa7cdadc5c06476667beccef76f1f8111f122e5b8dc8cf095f9b9abcd1b', '\xcc92ff4b5b549a8bbb1a22d309638b0a616da63a659b9a97746e795cc0f123db');
INSERT INTO public.audit_head VALUES ('org_01ksr49200e40r2081040g2081', 2, '\xcc92ff4b5b549a8bbb1a22d309638b0a616da63a659b9a97746e795cc0f123db');
INSERT INTO public.bootstrap VALUES (1, '\x0303030303030303030303030303030303030303030303030303030303030303', 1780000000000000, 1780086400000000, NULL);
INSERT INTO public.budget VALUES ('bud_a', 'org_01ksr49200e40r2081040g2081', 'team', 'team_a', 'Research', 5000000000, 'rolling/P7D', 'Asia/Tokyo', 'strict', '[{"share":0.8,"actions":[{"kind":"warn"},{"kind":"downgrade","alias":"fast"}]}]', 1, 1, 20, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.budget_increase VALUES ('inc_a', 'org_01ksr49200e40r2081040g2081', 'bud_a', 7, 1780000000000000, 1780086400000000, 'launch', 'usr_b', 'user', 'Bob', 1780000000000000, 'approved', 'usr_fixture', 1780000000000000, 'fine', NULL, NULL, 2, 22, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.budget_threshold VALUES ('org_01ksr49200e40r2081040g2081', 'bud_a', 1780000000000000, 8000, 1780000000000000);
INSERT INTO public.catalog_change VALUES ('chg_01ksr49200f048g2081040g208', 1, 'openai', 'gpt-5.1', 'price', 'too much', '4.5', '{}', '{"price":{"input":9,"output":9}}', 'held', NULL, NULL, 1780000000000000);
INSERT INTO public.catalog_price VALUES ('openai', 'gpt-5.1', 1779913600000000, 'before', '{"price":{"input":1,"output":2}}');
INSERT INTO public.catalog_price VALUES ('openai', 'gpt-5.1', 1780000000000000, 'catalog-2026-06-01.f0abf0f6', '{"price":{"input":2,"output":2}}');
INSERT INTO public.catalog_state VALUES (1, '[{"vendor":"openai","model":"gpt-*","price":null,"discountPercent":"5","contextTokens":null,"outputTokens":null}]', NULL, NULL, 0);
INSERT INTO public.catalog_version VALUES (1, 'catalog-2026-06-01.f0abf0f6', '2026-06-01', 'update', 'feed.json', 'Ann', 1780000000000000, '{"added":0,"withdrawn":0,"returned":0,"prices":1,"limits":0,"facts":0,"held":1,"unreadable":0}', '\x1ca15a65689182c23bb73e198531f66ad28e8c9742597ea7419e10765405be51', '\x1f8b0800000000000003558dbd0ac3200084779f426ed660529ac157291dac3f414855d46411dfbd2419da6ef7f371d7e0627eab0a496f8c62b7b9f8182029b4aa6a8d0b9fc434733173310e4ea897136e06a330aada03fbd6475ae296b52d90b4e11d8d5dcb60ec0ef98b7546e194ae27d5cfd360623e2d414c36280f491fa4c11b482ca9f2fb30825d8b7f49ca5e5bc8061fd256212786b8d54bf64e9ea477f20166ab4477e3000000');
INSERT INTO public.content_index VALUES ('\x019e704488007000800008094bc0cf39', 'org_01ksr49200e40r2081040g2081', 'dk_01ksr49200fkrbee0pdvh1r6dm', '2026-05-28', 76, 76);
INSERT INTO public.credential VALUES ('cred_fixture', 'org_01ksr49200e40r2081040g2081', 'openai', 'main', 'ture', '\x02e9f34e9db9d8f501367fc6edcc13505b491a64fb91f1f551015fc4ea25bfdbcf32dcdbbefb62be7cd39bbaca456f917b6f8fa81a3142a336804f7ed5178f1c5c84e7841b09b0ae312d5f3d29936ca8296c91a366ff20dd46326a703cff3d0448d8ea11da7788', NULL, 1, 'active', 'api', 1780000000000000, NULL, NULL);
INSERT INTO public.data_key VALUES ('dk_01ksr49200fkrbee0pdvh1r6dm', 'org_01ksr49200e40r2081040g2081', '\x01e9f34e9d13c635e57df27d525c3d1af601203f339c1108834e5b8860c08909a559f5ca1692031972a21fe912d2400474b67217904265af09fca035c32a45b28c', 1780000000000000);
INSERT INTO public.deployment VALUES ('own', 'org_01ksr49200e40r2081040g2081', 'own-model', 'openai', 'ft:1', NULL, 'gpt-5.1', 1, 8, 'api', 1780000000000000, 1780000000000000, NULL, '{"region":"eu","retentionDays":30}');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (1, 'org', 'org_01ksr49200e40r2081040g2081');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (2, 'team', 'team_a');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (3, 'project', 'project_a');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (4, 'user', 'usr_fixture');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (5, 'key', 'key_a');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (6, 'session', 'chat-1');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (7, 'tags', '["prod"]');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (8, 'task', 'code');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (9, 'endpoint', 'chat.completions');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (10, 'vendor', 'groq');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (11, 'vendor', 'openai');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (12, 'provider', 'groq');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (13, 'provider', 'openai');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (14, 'model', 'gpt-5.1');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (15, 'deployment', 'groq/gpt-5.1');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (16, 'deployment', 'openai/gpt-5.1');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (17, 'price_version', 'models-dev-2026-07-02');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (18, 'error_code', 'overloaded');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (19, 'error_code', 'budget_exceeded');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (20, 'node', 'node_fixture');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (21, 'upstream_model', 'gpt-5.1-2025-11-13');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (22, 'entity', 'team:team_fixture');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (23, 'entity', 'service_account:sa_fixture');
INSERT INTO public.dimension OVERRIDING SYSTEM VALUE VALUES (24, 'entity', 'tag:fixture/prod');
INSERT INTO public.idempotency VALUES ('owner', 'k', '\x0404040404040404040404040404040404040404040404040404040404040404', 'key_a', 1780000000000000);
INSERT INTO public.installation VALUES (1, '\xe9f34e9d', 1780000000000000);
INSERT INTO public.kysely_migration VALUES ('0001-initial', '2026-11-23T14:30:10.402Z');
INSERT INTO public.kysely_migration VALUES ('0002-ledger', '2026-11-23T14:30:10.413Z');
INSERT INTO public.kysely_migration VALUES ('0003-catalogue', '2026-11-23T14:30:10.423Z');
INSERT INTO public.kysely_migration VALUES ('0004-governance', '2026-11-23T14:30:10.474Z');
INSERT INTO public.kysely_migration VALUES ('0005-pieces', '2026-11-23T14:30:10.476Z');
INSERT INTO public.kysely_migration VALUES ('0006-stored-responses', '2026-11-23T14:30:10.478Z');
INSERT INTO public.kysely_migration VALUES ('0007-routing', '2026-11-23T14:30:10.491Z');
INSERT INTO public.kysely_migration_lock VALUES ('migration_lock', 0);
INSERT INTO public.ledger_batch VALUES ('node_fixture', 1, 1, 9, 4, '\x0000000000000000000000000000000000000000000000000000000000000000', '\x418a7b3de86e25b96f81b0d284531cfbd0398e4f966fc3a1884cc7415c417a6b');
INSERT INTO public.ledger_entry VALUES (20, 3, 1, '\x019e704488007000800008094bc0cf39', 1, 1, 2, NULL, NULL, 5, 11, 13, 16, 14, 21, 17, 0, 2, 0, '\xb00980200000de02', 1780000000000000, 1780000001500000, NULL);
INSERT INTO public.ledger_entry VALUES (20, 6, 0, '\x019e704488007000800008094bc0cf39', 2, 1, 2, NULL, NULL, 5, 11, 13, 16, 14, 21, 17, 5012750, 0, 0, '\xb00980200000de02', 1780000000000000, 1780000001500000, NULL);
INSERT INTO public.ledger_entry VALUES (20, 9, 0, '\x019e704488007000800008094bc0cf3b', 1, 1, 2, NULL, NULL, 5, 11, 13, 16, 14, 21, 17, 7, 8, 2, '\xb00980200000de02', 1780000000000000, 1780000001500000, '\x161718');
INSERT INTO public.ledger_entry VALUES (20, 9, 2, '\x019e704488007000800008094bc0cf3b', 1, 1, 2, NULL, NULL, 5, 11, 13, 16, 14, 21, 17, 3, 8, 2, '\xb00980200000de02', 1780000000000000, 1780000001500000, '\x161718');
INSERT INTO public.ledger_position VALUES ('node_fixture', 9, 1, '\x418a7b3de86e25b96f81b0d284531cfbd0398e4f966fc3a1884cc7415c417a6b', 0);
INSERT INTO public.ledger_total VALUES (1, 0, 0, 0, 1, 5012750);
INSERT INTO public.ledger_total VALUES (1, 0, 8, 2, 1, 7);
INSERT INTO public.ledger_total VALUES (1, 1, 2, 0, 1, 0);
INSERT INTO public.ledger_total VALUES (1, 2, 8, 2, 1, 3);
INSERT INTO public.master_key VALUES (1, '\xe9f34e9d', 1780000000000000);
INSERT INTO public.membership VALUES ('mem_fixture', 'org_01ksr49200e40r2081040g2081', 'user', 'usr_fixture', 'org_01ksr49200e40r2081040g2081', 'owner', 'local', NULL, 'usr_fixture', NULL, 1, 15, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.membership VALUES ('mem_b', 'org_01ksr49200e40r2081040g2081', 'user', 'usr_b', 'team_a', 'role_a', 'oidc', 'research', 'usr_fixture', NULL, 1, 17, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.model_policy VALUES ('pol_a', 'org_01ksr49200e40r2081040g2081', 'org', 'org_01ksr49200e40r2081040g2081', 'No previews', '[{"effect":"deny","models":["*-preview"]}]', 1, 1, 24, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.node VALUES ('team_a', 'org_01ksr49200e40r2081040g2081', NULL, 'team', 'Research', '', 3, '{"model":"fast","providersOff":["openai"]}', 1, 9, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.node VALUES ('team_b', 'org_01ksr49200e40r2081040g2081', NULL, 'team', 'Sales', '', 1, NULL, 1, 10, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.node VALUES ('proj_a', 'org_01ksr49200e40r2081040g2081', 'team_b', 'project', 'Search', '', 1, NULL, 2, 12, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.node_history VALUES ('team_a', NULL, 1780000000000000, NULL);
INSERT INTO public.node_history VALUES ('team_b', NULL, 1780000000000000, NULL);
INSERT INTO public.node_history VALUES ('proj_a', 'team_a', 1780000000000000, 1780000000000001);
INSERT INTO public.node_history VALUES ('proj_a', 'team_b', 1780000000000001, NULL);
INSERT INTO public.oidc_identity VALUES ('https://id.example.org', 'bob', 'org_01ksr49200e40r2081040g2081', 'acme', 'bob@example.org', 'usr_b', 1780000000000000, 1780000000000000);
INSERT INTO public.oidc_provider VALUES ('acme', 'org_01ksr49200e40r2081040g2081', 'Acme', 'https://id.example.org', 'megarouter', '\x02e9f34e9d6585ec01e0681e2281bfdd14d91c5a820637b5a3206313acc540dc08b0df07e03c58a430ce2c79325276da8092fce2bac6279b65c4c87b421a90ae8d8532b4915fb97ed5b479740f45d9023d008266e9c4a8b519fe8f891e0594a13a', '{"scopes":["email"],"groupsClaim":"groups","userinfo":true,"rules":[{"group":"research","role":"role_a","node":"team_a"}],"domains":["example.org"],"createUsers":true,"linkVerifiedEmail":false,"trustEmail":false}', 1, 1, 19, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.organisation VALUES ('org_01ksr49200e40r2081040g2081', 'default', 'ACME', 'Europe/Berlin', 1780000000000000, 'active', NULL);
INSERT INTO public.provider VALUES ('openai', 'org_01ksr49200e40r2081040g2081', 'openai', 'OpenAI', NULL, 1, 2, 5, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.rate_limit VALUES ('lim_a', 'org_01ksr49200e40r2081040g2081', 'project', 'proj_a', 'Slow', 'gpt-*', 60, NULL, NULL, 9, 1, 1, 23, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.recovery_code VALUES ('usr_b', '\x0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e', NULL);
INSERT INTO public.recovery_code VALUES ('usr_b', '\x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f', NULL);
INSERT INTO public.repeat_mark VALUES ('\x06060606060606060606060606060606', '\x07070707070707070707070707070707', '\x019e704488007000800008094bc0cf39', 1780000001500000);
INSERT INTO public.request_log OVERRIDING SYSTEM VALUE VALUES (1, '\x019e704488007000800008094bc0cf39', 1780000000000000, 1, 'gpt-5.1', 'fallback', NULL, 'openai-node/6.1', '10.2.3.4', NULL, NULL, 18231, 9120, '[{"number":1,"provider":"groq","upstreamModel":"gpt-5.1-2025-11-13","credential":"cred_1","errorText":"model is overloaded","upstreamRequestId":"chatcmpl-abc","startedUs":310,"firstTokenUs":null,"endedUs":90000},{"number":2,"provider":"openai","upstreamModel":"gpt-5.1-2025-11-13","credential":"cred_1","errorText":null,"upstreamRequestId":"chatcmpl-abc","startedUs":90400,"firstTokenUs":502000,"endedUs":2100000}]');
INSERT INTO public.request_log OVERRIDING SYSTEM VALUE VALUES (2, '\x019e704488007000800008094bc0cf3a', 1780000000000000, 1, 'gpt-5.1', 'origin', 'the key has spent its budget', 'openai-node/6.1', '10.2.3.4', NULL, NULL, 18231, 210, NULL);
INSERT INTO public.revision VALUES (1, 26);
INSERT INTO public.role VALUES ('role_a', 'org_01ksr49200e40r2081040g2081', 'Key keeper', '', '["keys:read","keys:write"]', 1, 14, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.service_account VALUES ('sa_a', 'org_01ksr49200e40r2081040g2081', 'team_a', 'CI', '', 'active', 1, 13, 'api', 1780000000000000, 1780000000000000, NULL);
INSERT INTO public.session VALUES ('\x0202020202020202020202020202020202020202020202020202020202020202', 'usr_fixture', 1, 'csrf', 1780000000000000, 1780086400000000);
INSERT INTO public.setting VALUES ('org_01ksr49200e40r2081040g2081', '{"unknownPrice":"block","content":{"store":false,"retentionDays":30,"quotaMb":1024},"responses":{"store":false,"retentionDays":30,"quotaMb":256},"retention":{"requestsDays":30,"usageDays":400,"decisionsDays":7},"newModels":"automatic","budget":null,"rateLimit":null}', 1, 1, 'api', 1780000000000000);
INSERT INTO public.totp VALUES ('usr_b', '\x02e9f34e9d8ed2dad1cac4381ea8d7aea44585abb8ad3269c49c96dc614b6c5baa4a6ea47bb4fd3adecbcc127928e0c039a2e3f79bdc69cd60a21a017c0e64bc474b1e99ddc549a09ddb871c7db32ce6b3b9f1194e6876f20857f5497ac29ef45b', 1, NULL, 0, 1780000000000000);
INSERT INTO public.usage VALUES ('\x019e704488007000800008094bc0cf39', 1, 1780000000000000, 1, 2, 3, 4, 5, 6, 7, 10, 12, 14, 15, 8, 9, 200, NULL, 503, 3, 18, 1, 1, 'd1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 17, NULL, NULL, NULL, 89690, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.usage VALUES ('\x019e704488007000800008094bc0cf39', 2, 1780000000000000, 1, 2, 3, 4, 5, 6, 7, 11, 13, 14, 16, 8, 9, 200, NULL, 200, 1, NULL, 1, 1, 'd1', 1200, 4096, NULL, NULL, 350, 128, NULL, NULL, NULL, NULL, NULL, NULL, 5012750, 17, NULL, 1, 412010, 2100900, 241, '\x78081f000e16e0921980c5662806', NULL, NULL, NULL, NULL);
INSERT INTO public.usage VALUES ('\x019e704488007000800008094bc0cf3a', 0, 1780000000000000, 1, 2, 3, NULL, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 9, 402, 1, NULL, NULL, 19, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, 300, 241, '\x7808ac0100000000000000', NULL, NULL, NULL, NULL);
INSERT INTO public.user_account VALUES ('usr_fixture', 'org_01ksr49200e40r2081040g2081', 'ann@example.org', 'Ann', 'owner', 'scrypt$x', 1, 1780000000000000, 1780000000000000, NULL, 'active', 2, NULL, NULL, 'api');
INSERT INTO public.user_account VALUES ('usr_b', 'org_01ksr49200e40r2081040g2081', 'bob@example.org', 'Bob', 'member', NULL, 1, 1780000000000000, 1780000000000000, NULL, 'active', 16, NULL, 'scrypt$b', 'api');
SELECT pg_catalog.setval('public.dimension_id_seq', 24, true);
SELECT pg_catalog.setval('public.request_log_seq_seq', 2, true);
ALTER TABLE ONLY public.access_link
    ADD CONSTRAINT access_link_pkey PRIMARY KEY (id_hash);
ALTER TABLE ONLY public.account_balance
    ADD CONSTRAINT account_balance_pkey PRIMARY KEY (entity, quarter);
ALTER TABLE ONLY public.adoption_event
    ADD CONSTRAINT adoption_event_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alert_channel
    ADD CONSTRAINT alert_channel_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alert_channel
    ADD CONSTRAINT alert_channel_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.alert_delivery
    ADD CONSTRAINT alert_delivery_channel_id_dedupe_key_key UNIQUE (channel_id, dedupe_key);
ALTER TABLE ONLY public.alert_delivery
    ADD CONSTRAINT alert_delivery_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alias
    ADD CONSTRAINT alias_pkey PRIMARY KEY (org_id, name);
ALTER TABLE ONLY public.alias
    ADD CONSTRAINT alias_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_hash_key UNIQUE (hash);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_hash_key UNIQUE (hash);
ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.audit_event
    ADD CONSTRAINT audit_event_pkey PRIMARY KEY (org_id, seq);
ALTER TABLE ONLY public.audit_head
    ADD CONSTRAINT audit_head_pkey PRIMARY KEY (org_id);
ALTER TABLE ONLY public.bootstrap
    ADD CONSTRAINT bootstrap_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.budget_increase
    ADD CONSTRAINT budget_increase_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.budget_increase
    ADD CONSTRAINT budget_increase_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.budget_threshold
    ADD CONSTRAINT budget_threshold_pkey PRIMARY KEY (budget_id, period_start, share_bp);
ALTER TABLE ONLY public.catalog_change
    ADD CONSTRAINT catalog_change_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_price
    ADD CONSTRAINT catalog_price_pkey PRIMARY KEY (vendor, model, valid_from);
ALTER TABLE ONLY public.catalog_state
    ADD CONSTRAINT catalog_state_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.catalog_version
    ADD CONSTRAINT catalog_version_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.content_index
    ADD CONSTRAINT content_index_pkey PRIMARY KEY (request_id);
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.data_key
    ADD CONSTRAINT data_key_org_id_key UNIQUE (org_id);
ALTER TABLE ONLY public.data_key
    ADD CONSTRAINT data_key_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.decision
    ADD CONSTRAINT decision_pkey PRIMARY KEY (request_id);
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_pkey PRIMARY KEY (org_id, id);
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.dimension
    ADD CONSTRAINT dimension_kind_value_key UNIQUE (kind, value);
ALTER TABLE ONLY public.dimension
    ADD CONSTRAINT dimension_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (scope, key);
ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.kysely_migration_lock
    ADD CONSTRAINT kysely_migration_lock_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.kysely_migration
    ADD CONSTRAINT kysely_migration_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.ledger_batch
    ADD CONSTRAINT ledger_batch_pkey PRIMARY KEY (node, number);
ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_pkey PRIMARY KEY (node, lsn, kind);
ALTER TABLE ONLY public.ledger_position
    ADD CONSTRAINT ledger_position_pkey PRIMARY KEY (node);
ALTER TABLE ONLY public.ledger_total
    ADD CONSTRAINT ledger_total_pkey PRIMARY KEY (org, kind, outcome, flags);
ALTER TABLE ONLY public.master_key
    ADD CONSTRAINT master_key_kek_id_key UNIQUE (kek_id);
ALTER TABLE ONLY public.master_key
    ADD CONSTRAINT master_key_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.model_policy
    ADD CONSTRAINT model_policy_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.model_policy
    ADD CONSTRAINT model_policy_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.node_history
    ADD CONSTRAINT node_history_pkey PRIMARY KEY (node_id, from_at);
ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_org_id_id_key UNIQUE (org_id, id);
ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.oidc_identity
    ADD CONSTRAINT oidc_identity_pkey PRIMARY KEY (issuer, subject);
ALTER TABLE ONLY public.oidc_provider
    ADD CONSTRAINT oidc_provider_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.oidc_provider
    ADD CONSTRAINT oidc_provider_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.opening_balance
    ADD CONSTRAINT opening_balance_pkey PRIMARY KEY (entity, quarter);
ALTER TABLE ONLY public.organisation
    ADD CONSTRAINT organisation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.organisation
    ADD CONSTRAINT organisation_slug_key UNIQUE (slug);
ALTER TABLE ONLY public.outcome
    ADD CONSTRAINT outcome_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.provider
    ADD CONSTRAINT provider_pkey PRIMARY KEY (org_id, id);
ALTER TABLE ONLY public.provider
    ADD CONSTRAINT provider_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.rate_limit
    ADD CONSTRAINT rate_limit_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.rate_limit
    ADD CONSTRAINT rate_limit_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.recovery_code
    ADD CONSTRAINT recovery_code_pkey PRIMARY KEY (user_id, hash);
ALTER TABLE ONLY public.repeat_mark
    ADD CONSTRAINT repeat_mark_pkey PRIMARY KEY (key_digest);
ALTER TABLE ONLY public.request_log
    ADD CONSTRAINT request_log_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.request_log
    ADD CONSTRAINT request_log_request_id_key UNIQUE (request_id);
ALTER TABLE ONLY public.revision
    ADD CONSTRAINT revision_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.routing_arm
    ADD CONSTRAINT routing_arm_pkey PRIMARY KEY (org_id, arm);
ALTER TABLE ONLY public.routing_policy
    ADD CONSTRAINT routing_policy_pkey PRIMARY KEY (org_id, name);
ALTER TABLE ONLY public.service_account
    ADD CONSTRAINT service_account_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.service_account
    ADD CONSTRAINT service_account_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (id_hash);
ALTER TABLE ONLY public.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (org_id);
ALTER TABLE ONLY public.setting
    ADD CONSTRAINT setting_revision_key UNIQUE (revision);
ALTER TABLE ONLY public.stored_response
    ADD CONSTRAINT stored_response_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.totp
    ADD CONSTRAINT totp_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.usage
    ADD CONSTRAINT usage_pkey PRIMARY KEY (request_id, attempt);
ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT user_account_email_key UNIQUE (email);
ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT user_account_pkey PRIMARY KEY (id);
CREATE INDEX access_link_user ON public.access_link USING btree (user_id);
CREATE INDEX adoption_event_org ON public.adoption_event USING btree (org_id, at);
CREATE UNIQUE INDEX alert_channel_alive ON public.alert_channel USING btree (org_id, name) WHERE (deleted_at IS NULL);
CREATE INDEX alert_delivery_due ON public.alert_delivery USING btree (state, next_at);
CREATE INDEX api_key_node ON public.api_key USING btree (org_id, node_id);
CREATE INDEX api_key_org ON public.api_key USING btree (org_id, id);
CREATE UNIQUE INDEX api_key_previous ON public.api_key USING btree (previous_hash);
CREATE INDEX api_token_principal ON public.api_token USING btree (org_id, principal_id);
CREATE INDEX audit_event_at ON public.audit_event USING btree (org_id, at, seq);
CREATE INDEX audit_event_resource ON public.audit_event USING btree (org_id, resource_kind, resource_id, seq);
CREATE INDEX budget_increase_budget ON public.budget_increase USING btree (org_id, budget_id, id);
CREATE INDEX budget_subject ON public.budget USING btree (org_id, subject_kind, subject_id);
CREATE INDEX catalog_change_state ON public.catalog_change USING btree (state, id);
CREATE INDEX catalog_price_model ON public.catalog_price USING btree (model);
CREATE INDEX content_index_day ON public.content_index USING btree (org_id, day, bytes);
CREATE INDEX credential_provider ON public.credential USING btree (org_id, provider_id);
CREATE INDEX decision_org ON public.decision USING btree (org_id, at);
CREATE INDEX decision_session ON public.decision USING btree (org_id, session, at) WHERE (session IS NOT NULL);
CREATE INDEX idempotency_age ON public.idempotency USING btree (created_at);
CREATE UNIQUE INDEX ledger_entry_attempt ON public.ledger_entry USING btree (request_id, attempt, ((kind = 2)));
CREATE UNIQUE INDEX membership_alive ON public.membership USING btree (org_id, principal_kind, principal_id, node_id, role) WHERE (deleted_at IS NULL);
CREATE INDEX membership_node ON public.membership USING btree (org_id, node_id);
CREATE INDEX model_policy_subject ON public.model_policy USING btree (org_id, subject_kind, subject_id);
CREATE UNIQUE INDEX node_alive ON public.node USING btree (org_id, COALESCE(parent_id, ''::text), name) WHERE (deleted_at IS NULL);
CREATE INDEX node_parent ON public.node USING btree (org_id, parent_id);
CREATE INDEX oidc_identity_user ON public.oidc_identity USING btree (user_id);
CREATE INDEX outcome_org ON public.outcome USING btree (org_id, at);
CREATE INDEX outcome_request ON public.outcome USING btree (request_id) WHERE (request_id IS NOT NULL);
CREATE INDEX outcome_session ON public.outcome USING btree (org_id, session) WHERE (session IS NOT NULL);
CREATE INDEX rate_limit_subject ON public.rate_limit USING btree (org_id, subject_kind, subject_id);
CREATE INDEX repeat_mark_age ON public.repeat_mark USING btree (at);
CREATE INDEX request_log_org_at ON public.request_log USING btree (org, at);
CREATE INDEX request_log_org_seq ON public.request_log USING btree (org, seq);
CREATE INDEX request_log_trace ON public.request_log USING btree (substr(traceparent, 4, 32)) WHERE (traceparent IS NOT NULL);
CREATE UNIQUE INDEX role_alive ON public.role USING btree (org_id, name) WHERE (deleted_at IS NULL);
CREATE INDEX routing_policy_revision ON public.routing_policy USING btree (revision);
CREATE UNIQUE INDEX service_account_alive ON public.service_account USING btree (org_id, name) WHERE (deleted_at IS NULL);
CREATE INDEX session_expiry ON public.session USING btree (expires_at);
CREATE INDEX stored_response_org ON public.stored_response USING btree (org_id, at, bytes);
CREATE INDEX usage_key_at ON public.usage USING btree (key_id, at) INCLUDE (cost_nano, final);
CREATE INDEX usage_org_at ON public.usage USING btree (org, at);
CREATE INDEX usage_session ON public.usage USING btree (org, session, at) WHERE ((session IS NOT NULL) AND (final = 1));
CREATE INDEX user_account_org ON public.user_account USING btree (org_id, id);
CREATE UNIQUE INDEX user_account_revision ON public.user_account USING btree (revision);
ALTER TABLE ONLY public.access_link
    ADD CONSTRAINT access_link_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.access_link
    ADD CONSTRAINT access_link_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.user_account(id);
ALTER TABLE ONLY public.alert_channel
    ADD CONSTRAINT alert_channel_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.alert_delivery
    ADD CONSTRAINT alert_delivery_channel_id_fkey FOREIGN KEY (channel_id) REFERENCES public.alert_channel(id);
ALTER TABLE ONLY public.alert_delivery
    ADD CONSTRAINT alert_delivery_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.alias
    ADD CONSTRAINT alias_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.budget_increase
    ADD CONSTRAINT budget_increase_budget_id_fkey FOREIGN KEY (budget_id) REFERENCES public.budget(id);
ALTER TABLE ONLY public.budget_increase
    ADD CONSTRAINT budget_increase_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.budget
    ADD CONSTRAINT budget_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.budget_threshold
    ADD CONSTRAINT budget_threshold_budget_id_fkey FOREIGN KEY (budget_id) REFERENCES public.budget(id);
ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_org_id_provider_id_fkey FOREIGN KEY (org_id, provider_id) REFERENCES public.provider(org_id, id);
ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.model_policy
    ADD CONSTRAINT model_policy_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.node_history
    ADD CONSTRAINT node_history_node_id_fkey FOREIGN KEY (node_id) REFERENCES public.node(id);
ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.node
    ADD CONSTRAINT node_org_id_parent_id_fkey FOREIGN KEY (org_id, parent_id) REFERENCES public.node(org_id, id);
ALTER TABLE ONLY public.oidc_identity
    ADD CONSTRAINT oidc_identity_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.oidc_identity
    ADD CONSTRAINT oidc_identity_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.user_account(id);
ALTER TABLE ONLY public.oidc_provider
    ADD CONSTRAINT oidc_provider_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.provider
    ADD CONSTRAINT provider_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.rate_limit
    ADD CONSTRAINT rate_limit_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.recovery_code
    ADD CONSTRAINT recovery_code_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.user_account(id);
ALTER TABLE ONLY public.role
    ADD CONSTRAINT role_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.routing_policy
    ADD CONSTRAINT routing_policy_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.service_account
    ADD CONSTRAINT service_account_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.service_account
    ADD CONSTRAINT service_account_org_id_node_id_fkey FOREIGN KEY (org_id, node_id) REFERENCES public.node(org_id, id);
ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.user_account(id);
ALTER TABLE ONLY public.setting
    ADD CONSTRAINT setting_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.stored_response
    ADD CONSTRAINT stored_response_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
ALTER TABLE ONLY public.totp
    ADD CONSTRAINT totp_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.user_account(id);
ALTER TABLE ONLY public.user_account
    ADD CONSTRAINT user_account_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.organisation(id);
