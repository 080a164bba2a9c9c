-- How urgent a rule's alerts are at one customer, where that differs from the rule. Versions: the newest of a customer and rule
-- holds, one without a severity takes the rule's again, and none is ever changed.
CREATE TABLE "alert_urgency" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "rule_key" TEXT NOT NULL,
    "severity" TEXT,
    "changed_by" UUID NOT NULL,
    "changed_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "alert_urgency_pkey" PRIMARY KEY ("tenant_id","id")
);
CREATE INDEX "alert_urgency_tenant_id_customer_id_rule_key_changed_at_idx" ON "alert_urgency"("tenant_id", "customer_id", "rule_key", "changed_at");
ALTER TABLE "alert_urgency" ADD CONSTRAINT "alert_urgency_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "alert_urgency" ADD CONSTRAINT "alert_urgency_tenant_id_changed_by_fkey" FOREIGN KEY ("tenant_id", "changed_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE alert_urgency ADD CONSTRAINT alert_urgency_severity_check CHECK (severity IN ('risk', 'warn', 'info'));
SELECT protect_table('alert_urgency', '{SELECT,INSERT}');

-- How a day with several expected backups is drawn in a view of the fleet list.
ALTER TABLE "fleet_view" ADD COLUMN "day_rule" TEXT NOT NULL DEFAULT 'each';
ALTER TABLE fleet_view ADD CONSTRAINT fleet_view_day_rule_check CHECK (day_rule IN ('each', 'worst', 'last', 'best', 'mixed'));
GRANT UPDATE (day_rule) ON fleet_view TO holdfast_app;

-- What a provider notes about its devices in words of its own: columns that it defines, and a note.
CREATE TABLE "device_field" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "choices" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "removed_at" TIMESTAMPTZ,
    "created_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "device_field_pkey" PRIMARY KEY ("tenant_id","id")
);
CREATE UNIQUE INDEX device_field_key ON device_field (tenant_id, key) WHERE removed_at IS NULL;
ALTER TABLE "device_field" ADD CONSTRAINT "device_field_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE device_field ADD CONSTRAINT device_field_kind_check CHECK (kind IN ('text', 'number', 'date', 'choice'));
SELECT protect_table('device_field', '{SELECT,INSERT,UPDATE}');

-- One row a device, and none for most: a list joins it and stays one pass over narrow rows.
CREATE TABLE "device_card" (
    "tenant_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "note" TEXT NOT NULL DEFAULT '',
    "noted_by" UUID,
    "noted_at" TIMESTAMPTZ,
    "values" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "device_card_pkey" PRIMARY KEY ("tenant_id","device_id")
);
CREATE UNIQUE INDEX "device_card_tenant_id_customer_id_device_id_key" ON "device_card"("tenant_id", "customer_id", "device_id");
ALTER TABLE "device_card" ADD CONSTRAINT "device_card_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "device_card" ADD CONSTRAINT "device_card_tenant_id_noted_by_fkey" FOREIGN KEY ("tenant_id", "noted_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
SELECT protect_table('device_card', '{SELECT,INSERT,UPDATE}');
