-- Restores from the request to the end: downloads and permissions go, and with them went what the figures of a month need.

CREATE TABLE "restore_request" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "restore_point_id" UUID NOT NULL,
    "way" TEXT NOT NULL,
    "asker" TEXT NOT NULL,
    "asked_by" UUID,
    "state" TEXT NOT NULL,
    "is_end_told" BOOLEAN NOT NULL,
    "requested_at" TIMESTAMPTZ NOT NULL,
    "started_at" TIMESTAMPTZ,
    "first_byte_at" TIMESTAMPTZ,
    "ended_at" TIMESTAMPTZ,
    "deadline_at" TIMESTAMPTZ NOT NULL,
    "bytes" BIGINT,
    "reason" TEXT,

    CONSTRAINT "restore_request_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT restore_request_way_check CHECK (way IN ('download', 'machine')),
    CONSTRAINT restore_request_asker_check CHECK (asker IN ('customer', 'provider', 'machine') AND (asker = 'machine') = (asked_by IS NULL)),
    CONSTRAINT restore_request_state_check CHECK (state IN ('open', 'delivered', 'failed', 'abandoned', 'cancelled', 'unknown')),
    CONSTRAINT restore_request_end_check CHECK ((state = 'open') = (ended_at IS NULL)),
    CONSTRAINT restore_request_bytes_check CHECK (bytes >= 0)
);

CREATE UNIQUE INDEX "restore_request_tenant_id_customer_id_id_key" ON "restore_request"("tenant_id", "customer_id", "id");
CREATE INDEX "restore_request_tenant_id_customer_id_ended_at_idx" ON "restore_request"("tenant_id", "customer_id", "ended_at");
-- Few are open at a time, among all that ever were.
CREATE INDEX restore_request_open ON restore_request (tenant_id, deadline_at) WHERE state = 'open';

ALTER TABLE "restore_request" ADD CONSTRAINT "restore_request_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "restore_request" ADD CONSTRAINT "restore_request_tenant_id_customer_id_restore_point_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "restore_point_id") REFERENCES "restore_point"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "restore_request" ADD CONSTRAINT "restore_request_tenant_id_asked_by_fkey" FOREIGN KEY ("tenant_id", "asked_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- Never deleted: a month that is closed was computed from them.
SELECT protect_table('restore_request', '{SELECT,INSERT,UPDATE}');
