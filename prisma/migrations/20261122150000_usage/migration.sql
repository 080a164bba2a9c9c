-- What each customer used: measured several times a day, the month's highest values written down once it is over.

CREATE TABLE "usage_day" (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "day" TEXT NOT NULL,
    "protected_bytes" BIGINT NOT NULL,
    "stored_bytes" BIGINT NOT NULL,
    "devices" INTEGER NOT NULL,
    "drills" INTEGER NOT NULL,
    "measured_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "usage_day_pkey" PRIMARY KEY ("tenant_id","customer_id","day"),
    CONSTRAINT usage_day_check CHECK (day ~ '^\d{4}-\d\d-\d\d$' AND protected_bytes >= 0 AND stored_bytes >= 0 AND devices >= 0 AND drills >= 0)
);
ALTER TABLE "usage_day" ADD CONSTRAINT "usage_day_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
CREATE INDEX "usage_day_tenant_id_day_idx" ON "usage_day"("tenant_id", "day");
SELECT protect_table('usage_day', '{SELECT,INSERT,UPDATE}');

CREATE TABLE "usage_month" (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "month" TEXT NOT NULL,
    "protected_bytes" BIGINT NOT NULL,
    "protected_on" TEXT,
    "stored_bytes" BIGINT NOT NULL,
    "stored_on" TEXT,
    "stored_bytes_mean" BIGINT NOT NULL,
    "devices" INTEGER NOT NULL,
    "devices_on" TEXT,
    "drills" INTEGER NOT NULL,
    "days_measured" INTEGER NOT NULL,
    "frozen_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "usage_month_pkey" PRIMARY KEY ("tenant_id","customer_id","month"),
    CONSTRAINT usage_month_check CHECK (month ~ '^\d{4}-\d\d$' AND days_measured BETWEEN 0 AND 31)
);
ALTER TABLE "usage_month" ADD CONSTRAINT "usage_month_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
CREATE INDEX "usage_month_tenant_id_month_idx" ON "usage_month"("tenant_id", "month");
-- Nobody may change what was billed: neither the service nor a worker has the right to.
SELECT protect_table('usage_month', '{SELECT,INSERT}');
