-- What people and machines are told: notifications, the channels they go through, an outbox that is its own log, and the
-- tickets of service desks that speak of them.

CREATE TABLE "notification" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "source_key" TEXT NOT NULL,
    "subject_key" TEXT NOT NULL,
    "transition" TEXT NOT NULL,
    "severity" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "subject_name" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "notification_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT notification_transition_check CHECK (transition IN ('opened', 'updated', 'acknowledged', 'snoozed', 'resolved', 'notice', 'digest', 'test')),
    CONSTRAINT notification_severity_check CHECK (severity IN ('info', 'warning', 'critical')),
    -- A place in the portal, never an address of somebody else's.
    CONSTRAINT notification_path_check CHECK (path ~ '^/([^/\\]|$)')
);

CREATE TABLE "notification_channel" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "kind" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "settings" JSONB NOT NULL,
    "secret_sealed" BYTEA,
    "old_secret_sealed" BYTEA,
    "old_secret_until" TIMESTAMPTZ,
    "routing" JSONB NOT NULL,
    "digest_sequence" INTEGER NOT NULL DEFAULT 0,
    "digest_due_at" TIMESTAMPTZ,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "failing_since" TIMESTAMPTZ,
    "broken_until" TIMESTAMPTZ,
    "last_sent_at" TIMESTAMPTZ,
    "last_error" TEXT,
    "disabled_at" TIMESTAMPTZ,
    "disabled_reason" TEXT,
    "removed_at" TIMESTAMPTZ,
    "drain_intent_id" UUID,
    "drain_until" TIMESTAMPTZ,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "notification_channel_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT notification_channel_kind_check CHECK (kind IN ('email', 'webhook', 'slack', 'teams', 'pagerduty', 'dead_man', 'connectwise', 'autotask', 'halopsa')),
    -- A customer tells itself by mail or webhook; service desks and on-call duty are the provider's.
    CONSTRAINT notification_channel_owner_check CHECK (customer_id IS NULL OR kind IN ('email', 'webhook'))
);

CREATE TABLE "notification_delivery" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "channel_id" UUID NOT NULL,
    "notification_id" UUID NOT NULL,
    "message_key" TEXT NOT NULL,
    "replay_of" UUID,
    "asks_again" BOOLEAN NOT NULL DEFAULT false,
    "state" TEXT NOT NULL,
    "due_at" TIMESTAMPTZ NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "unknowns" INTEGER NOT NULL DEFAULT 0,
    "sent_in" UUID,
    "reason" TEXT,
    "response" TEXT,
    "reference" TEXT,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "attempted_at" TIMESTAMPTZ,
    "ended_at" TIMESTAMPTZ,

    CONSTRAINT "notification_delivery_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT notification_delivery_state_check CHECK (state IN ('waiting', 'sending', 'sent', 'failed', 'skipped')),
    -- What has ended has a time, and what did not arrive has a reason.
    CONSTRAINT notification_delivery_end_check CHECK ((state IN ('waiting', 'sending')) = (ended_at IS NULL) AND (state NOT IN ('failed', 'skipped') OR reason IS NOT NULL)),
    CONSTRAINT notification_delivery_response_check CHECK (octet_length(response) <= 8192)
);

CREATE TABLE "external_ticket" (
    "tenant_id" UUID NOT NULL,
    "channel_id" UUID NOT NULL,
    "subject_key" TEXT NOT NULL,
    "customer_id" UUID,
    "reference" TEXT NOT NULL,
    "ticket_id" TEXT,
    "opened_at" TIMESTAMPTZ NOT NULL,
    "closed_at" TIMESTAMPTZ,

    CONSTRAINT "external_ticket_pkey" PRIMARY KEY ("tenant_id","channel_id","subject_key")
);

CREATE TABLE "mail_sender" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "from_name" TEXT NOT NULL,
    "from_address" TEXT NOT NULL,
    "reply_to" TEXT,
    "logo" BYTEA,
    "host" TEXT,
    "port" INTEGER,
    "username" TEXT,
    "password_sealed" BYTEA,
    "updated_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "mail_sender_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT mail_sender_server_check CHECK ((host IS NULL) = (port IS NULL) AND (port IS NULL OR port IN (25, 465, 587, 2525) OR port > 1023)),
    CONSTRAINT mail_sender_logo_check CHECK (octet_length(logo) <= 65536)
);

-- CreateIndex
CREATE UNIQUE INDEX "notification_tenant_id_source_key_key" ON "notification"("tenant_id", "source_key");
CREATE INDEX "notification_tenant_id_subject_key_at_idx" ON "notification"("tenant_id", "subject_key", "at");
CREATE INDEX "notification_tenant_id_created_at_idx" ON "notification"("tenant_id", "created_at");
CREATE UNIQUE INDEX "notification_channel_tenant_id_customer_id_id_key" ON "notification_channel"("tenant_id", "customer_id", "id");
CREATE INDEX "notification_delivery_tenant_id_channel_id_created_at_idx" ON "notification_delivery"("tenant_id", "channel_id", "created_at");
CREATE INDEX "notification_delivery_tenant_id_created_at_idx" ON "notification_delivery"("tenant_id", "created_at");
CREATE INDEX "notification_delivery_tenant_id_notification_id_idx" ON "notification_delivery"("tenant_id", "notification_id");
-- What a channel still has to send, and how much it has sent within the hour.
CREATE INDEX notification_delivery_open ON notification_delivery (tenant_id, channel_id, due_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX notification_delivery_ended ON notification_delivery (tenant_id, channel_id, ended_at) WHERE state = 'sent';

-- AddForeignKey
ALTER TABLE "notification" ADD CONSTRAINT "notification_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "notification" ADD CONSTRAINT "notification_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "notification_channel" ADD CONSTRAINT "notification_channel_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "notification_channel" ADD CONSTRAINT "notification_channel_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "notification_delivery" ADD CONSTRAINT "notification_delivery_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "notification_delivery" ADD CONSTRAINT "notification_delivery_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "notification_delivery" ADD CONSTRAINT "notification_delivery_tenant_id_customer_id_channel_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "channel_id") REFERENCES "notification_channel"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "external_ticket" ADD CONSTRAINT "external_ticket_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "external_ticket" ADD CONSTRAINT "external_ticket_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "mail_sender" ADD CONSTRAINT "mail_sender_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

SELECT protect_table('notification', '{SELECT,INSERT,DELETE}');
SELECT protect_table('notification_channel', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('notification_delivery', '{SELECT,INSERT,UPDATE,DELETE}');
SELECT protect_table('external_ticket', '{SELECT,INSERT,UPDATE,DELETE}');
SELECT protect_table('mail_sender', '{SELECT,INSERT,UPDATE,DELETE}');
