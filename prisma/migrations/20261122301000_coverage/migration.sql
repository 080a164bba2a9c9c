-- What machines hold beside what is backed up of them, and what somebody decided to leave out.

CREATE TABLE "device_inventory" (
    "tenant_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "volumes" JSONB,
    "databases" JSONB,
    "received_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "device_inventory_pkey" PRIMARY KEY ("tenant_id","device_id")
);
CREATE UNIQUE INDEX "device_inventory_tenant_id_customer_id_device_id_key" ON "device_inventory"("tenant_id", "customer_id", "device_id");
ALTER TABLE "device_inventory" ADD CONSTRAINT "device_inventory_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
SELECT protect_table('device_inventory', '{SELECT,INSERT,UPDATE}');

CREATE TABLE "coverage_exclusion" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "decided_by" UUID NOT NULL,
    "decided_at" TIMESTAMPTZ NOT NULL,
    "withdrawn_by" UUID,
    "withdrawn_at" TIMESTAMPTZ,

    CONSTRAINT "coverage_exclusion_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT coverage_exclusion_kind_check CHECK (kind IN ('volume', 'database')),
    CONSTRAINT coverage_exclusion_reason_check CHECK (reason <> ''),
    CONSTRAINT coverage_exclusion_withdrawal_check CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL))
);
CREATE UNIQUE INDEX "coverage_exclusion_tenant_id_customer_id_id_key" ON "coverage_exclusion"("tenant_id", "customer_id", "id");
CREATE INDEX "coverage_exclusion_tenant_id_device_id_idx" ON "coverage_exclusion"("tenant_id", "device_id");
-- One decision about one thing at a time; those that were withdrawn stay.
CREATE UNIQUE INDEX coverage_exclusion_in_force ON coverage_exclusion (tenant_id, device_id, kind, subject) WHERE withdrawn_at IS NULL;
ALTER TABLE "coverage_exclusion" ADD CONSTRAINT "coverage_exclusion_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "coverage_exclusion" ADD CONSTRAINT "coverage_exclusion_tenant_id_decided_by_fkey" FOREIGN KEY ("tenant_id", "decided_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "coverage_exclusion" ADD CONSTRAINT "coverage_exclusion_tenant_id_withdrawn_by_fkey" FOREIGN KEY ("tenant_id", "withdrawn_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
-- What was decided stays as it was; it can be withdrawn, with a name.
SELECT protect_table('coverage_exclusion', '{SELECT,INSERT}');
GRANT UPDATE (withdrawn_by, withdrawn_at) ON coverage_exclusion TO holdfast_app;
