-- Alerts by rule: who has them, what became of them, and what a provider changed about the rules.

ALTER TABLE "alert"
    ADD COLUMN "policy_id" UUID,
    ADD COLUMN "rule_id" UUID,
    ADD COLUMN "severity" TEXT NOT NULL DEFAULT 'warn',
    ADD COLUMN "cause" TEXT NOT NULL DEFAULT '',
    ADD COLUMN "resolution" TEXT,
    ADD COLUMN "resolved_by" UUID,
    ADD COLUMN "episode_id" UUID,
    ADD COLUMN "reopenings" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "acknowledged_at" TIMESTAMPTZ,
    ADD COLUMN "acknowledged_by" UUID,
    ADD COLUMN "owner_id" UUID,
    ADD COLUMN "snoozed_until" TIMESTAMPTZ;
ALTER TABLE "customer" ADD COLUMN "quota_bytes" BIGINT;
ALTER TABLE "vault" ADD COLUMN "quota_bytes" BIGINT, ADD COLUMN "accepted_custody" TEXT;
ALTER TABLE "restore_point" ADD COLUMN "added_bytes" BIGINT;
ALTER TABLE "device" ADD COLUMN "class" TEXT;

CREATE TABLE "alert_event" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "alert_id" UUID NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "txid" BIGINT NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint,
    "kind" TEXT NOT NULL,
    "actor_id" UUID,
    "data" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "alert_event_pkey" PRIMARY KEY ("tenant_id","id")
);

CREATE TABLE "alert_rule" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "is_built_in" BOOLEAN NOT NULL,
    "name" TEXT NOT NULL,
    "is_enabled" BOOLEAN NOT NULL,
    "severity" TEXT NOT NULL,
    "parameters" JSONB NOT NULL DEFAULT '{}',
    "filter" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_by" UUID,

    CONSTRAINT "alert_rule_pkey" PRIMARY KEY ("tenant_id","id")
);

CREATE TABLE "alert_review" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "open_groups" INTEGER NOT NULL,
    "open_alerts" INTEGER NOT NULL,

    CONSTRAINT "alert_review_pkey" PRIMARY KEY ("tenant_id","id")
);

CREATE TABLE "policy_baseline" (
    "tenant_id" UUID NOT NULL,
    "policy_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "document" JSONB NOT NULL,
    "accepted_at" TIMESTAMPTZ NOT NULL,
    "accepted_by" UUID,

    CONSTRAINT "policy_baseline_pkey" PRIMARY KEY ("tenant_id","policy_id")
);

CREATE UNIQUE INDEX "alert_tenant_id_customer_id_id_key" ON "alert"("tenant_id", "customer_id", "id");
CREATE INDEX "alert_event_tenant_id_txid_id_idx" ON "alert_event"("tenant_id", "txid", "id");
CREATE INDEX "alert_event_tenant_id_alert_id_at_idx" ON "alert_event"("tenant_id", "alert_id", "at");
CREATE INDEX "alert_review_tenant_id_at_idx" ON "alert_review"("tenant_id", "at");
CREATE UNIQUE INDEX "policy_baseline_tenant_id_customer_id_policy_id_key" ON "policy_baseline"("tenant_id", "customer_id", "policy_id");

ALTER TABLE "alert" ADD CONSTRAINT "alert_tenant_id_customer_id_policy_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "policy_id") REFERENCES "policy"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "alert" ADD CONSTRAINT "alert_tenant_id_rule_id_fkey" FOREIGN KEY ("tenant_id", "rule_id") REFERENCES "alert_rule"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "alert" ADD CONSTRAINT "alert_tenant_id_resolved_by_fkey" FOREIGN KEY ("tenant_id", "resolved_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "alert" ADD CONSTRAINT "alert_tenant_id_acknowledged_by_fkey" FOREIGN KEY ("tenant_id", "acknowledged_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "alert" ADD CONSTRAINT "alert_tenant_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "owner_id") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "alert_event" ADD CONSTRAINT "alert_event_tenant_id_customer_id_alert_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "alert_id") REFERENCES "alert"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "alert_event" ADD CONSTRAINT "alert_event_tenant_id_actor_id_fkey" FOREIGN KEY ("tenant_id", "actor_id") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "alert_rule" ADD CONSTRAINT "alert_rule_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "alert_rule" ADD CONSTRAINT "alert_rule_tenant_id_updated_by_fkey" FOREIGN KEY ("tenant_id", "updated_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "alert_review" ADD CONSTRAINT "alert_review_tenant_id_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "policy_baseline" ADD CONSTRAINT "policy_baseline_tenant_id_customer_id_policy_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "policy_id") REFERENCES "policy"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "policy_baseline" ADD CONSTRAINT "policy_baseline_tenant_id_accepted_by_fkey" FOREIGN KEY ("tenant_id", "accepted_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- Words ----------------------------------------------------------------------------------------------------------------

ALTER TABLE alert
  DROP CONSTRAINT alert_kind_check,
  ADD CONSTRAINT alert_kind_check CHECK (kind IN ('damage', 'ransomware', 'clone', 'evidence', 'drill_failed', 'no_point',
    'failing', 'run_failed', 'stuck', 'missed', 'silent', 'suspicious', 'drill_overdue', 'weakened', 'quota', 'growth', 'upkeep')),
  ADD CONSTRAINT alert_severity_check CHECK (severity IN ('risk', 'warn', 'info')),
  ADD CONSTRAINT alert_resolution_check CHECK (resolution IN ('recovered', 'accepted', 'excused', 'rule_off', 'device_gone'));
ALTER TABLE alert_event
  ADD CONSTRAINT alert_event_kind_check CHECK (kind IN ('opened', 'reopened', 'updated', 'acknowledged', 'assigned', 'snoozed',
    'woken', 'excused', 'resolved'));
ALTER TABLE alert_rule
  ADD CONSTRAINT alert_rule_kind_check CHECK (kind IN ('damage', 'ransomware', 'clone', 'evidence', 'drill_failed', 'no_point',
    'failing', 'run_failed', 'stuck', 'missed', 'silent', 'suspicious', 'drill_overdue', 'weakened', 'quota', 'growth', 'upkeep')),
  ADD CONSTRAINT alert_rule_severity_check CHECK (severity IN ('risk', 'warn', 'info'));
ALTER TABLE customer ADD CONSTRAINT customer_quota_check CHECK (quota_bytes > 0);
ALTER TABLE vault ADD CONSTRAINT vault_quota_check CHECK (quota_bytes > 0);
ALTER TABLE device ADD CONSTRAINT device_class_check CHECK (class IN ('server', 'workstation'));

-- Those that were open or over before this: the finding that opened one has its kind for a cause. The owner is bound by
-- row-level security as well; for these statements it must reach the rows of every tenant.
ALTER TABLE alert NO FORCE ROW LEVEL SECURITY;
UPDATE alert SET cause = CASE kind WHEN 'silent' THEN 'offline' WHEN 'missed' THEN 'not_started' ELSE kind END,
  severity = CASE WHEN kind IN ('damage', 'clone', 'evidence', 'drill_failed', 'suspicious') THEN 'risk' ELSE 'warn' END,
  resolution = CASE WHEN resolved_at IS NULL THEN NULL ELSE 'recovered' END;
ALTER TABLE alert FORCE ROW LEVEL SECURITY;
ALTER TABLE vault NO FORCE ROW LEVEL SECURITY;
UPDATE vault SET accepted_custody = custody;
ALTER TABLE vault FORCE ROW LEVEL SECURITY;

-- One open alert a subject and rule; one built-in rule a kind.
DROP INDEX alert_one_open;
CREATE UNIQUE INDEX alert_one_open ON alert (tenant_id, customer_id, device_id, policy_id, kind, rule_id) NULLS NOT DISTINCT
  WHERE resolved_at IS NULL;
CREATE UNIQUE INDEX alert_rule_one_built_in ON alert_rule (tenant_id, kind) WHERE is_built_in;
-- What was over a moment ago, for what comes back; and the history of a device.
CREATE INDEX alert_of_device ON alert (tenant_id, device_id, kind, resolved_at DESC);
-- The newest pass of a source at a level, for 100,000 of them in one look.
CREATE INDEX drill_passed_of_source ON drill (tenant_id, source_id, finished_at DESC) WHERE state = 'passed' AND runner <> 'kit';

-- Walls ----------------------------------------------------------------------------------------------------------------

SELECT protect_table('alert_event', '{SELECT,INSERT}');
SELECT protect_table('alert_rule', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('alert_review', '{SELECT,INSERT}');
SELECT protect_table('policy_baseline', '{SELECT,INSERT,UPDATE}');
-- Columns that a table gets after protect_table are changeable only when that is said.
GRANT UPDATE (severity, cause, resolution, resolved_by, acknowledged_at, acknowledged_by, owner_id, snoozed_until)
  ON alert TO holdfast_app;
GRANT UPDATE (quota_bytes) ON customer TO holdfast_app;
GRANT UPDATE (quota_bytes, accepted_custody) ON vault TO holdfast_app;
GRANT UPDATE (class) ON device TO holdfast_app;
