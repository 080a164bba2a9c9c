-- Reports of closed months, and how the paper of a provider looks.

CREATE TABLE "report_brand" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "name" TEXT NOT NULL,
    "accent" TEXT NOT NULL,
    "footer" TEXT NOT NULL,
    "contact" TEXT NOT NULL,
    "paper" TEXT NOT NULL,
    "logo" BYTEA,
    "changed_by" UUID NOT NULL,
    "changed_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "report_brand_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT report_brand_check CHECK (accent ~ '^#[0-9a-f]{6}$' AND paper IN ('A4', 'LETTER') AND length(name) BETWEEN 1 AND 100
      AND length(footer) <= 200 AND length(contact) <= 200 AND length(logo) <= 262144)
);
-- One for the provider itself, whose customer is null, and one a customer.
CREATE UNIQUE INDEX "report_brand_tenant_id_customer_id_key" ON "report_brand"("tenant_id", "customer_id") NULLS NOT DISTINCT;
ALTER TABLE "report_brand" ADD CONSTRAINT "report_brand_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "report_brand" ADD CONSTRAINT "report_brand_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "report_brand" ADD CONSTRAINT "report_brand_tenant_id_changed_by_fkey" FOREIGN KEY ("tenant_id", "changed_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
SELECT protect_table('report_brand', '{SELECT,INSERT,UPDATE,DELETE}');

CREATE TABLE "month_report" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "month" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "says_at" TIMESTAMPTZ NOT NULL,
    "object_key" TEXT,
    "sha256" TEXT,
    "bytes" INTEGER,
    "drawn_at" TIMESTAMPTZ,
    "error_message" TEXT,
    "approved_by" UUID,
    "approved_at" TIMESTAMPTZ,
    "created_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "month_report_pkey" PRIMARY KEY ("tenant_id","id"),
    CONSTRAINT month_report_check CHECK (month ~ '^\d{4}-\d\d$' AND revision > 0 AND state IN ('queued', 'ready', 'failed')
      AND (state <> 'ready') = (sha256 IS NULL) AND (sha256 IS NULL) = (object_key IS NULL)
      AND (sha256 IS NULL OR sha256 ~ '^[0-9a-f]{64}$') AND (approved_at IS NULL) = (approved_by IS NULL)
      -- Nobody approves what was not drawn.
      AND (approved_at IS NULL OR state = 'ready'))
);
CREATE UNIQUE INDEX "month_report_tenant_id_customer_id_id_key" ON "month_report"("tenant_id", "customer_id", "id");
CREATE UNIQUE INDEX "month_report_tenant_id_customer_id_month_revision_key" ON "month_report"("tenant_id", "customer_id", "month", "revision");
CREATE INDEX "month_report_tenant_id_month_idx" ON "month_report"("tenant_id", "month");
ALTER TABLE "month_report" ADD CONSTRAINT "month_report_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "month_report" ADD CONSTRAINT "month_report_tenant_id_approved_by_fkey" FOREIGN KEY ("tenant_id", "approved_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
SELECT protect_table('month_report', '{SELECT,INSERT,UPDATE}');

-- What was drawn stays what was drawn, and an approval is not taken back: a correction is another revision.
CREATE FUNCTION keep_report() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF (OLD.sha256 IS NOT NULL AND (NEW.sha256 IS DISTINCT FROM OLD.sha256 OR NEW.object_key IS DISTINCT FROM OLD.object_key
      OR NEW.says_at IS DISTINCT FROM OLD.says_at OR NEW.bytes IS DISTINCT FROM OLD.bytes OR NEW.state <> 'ready'))
    OR NEW.month <> OLD.month OR NEW.revision <> OLD.revision
    OR (OLD.approved_at IS NOT NULL
      AND (NEW.approved_at IS DISTINCT FROM OLD.approved_at OR NEW.approved_by IS DISTINCT FROM OLD.approved_by)) THEN
    RAISE EXCEPTION 'the report % is drawn already', OLD.id;
  END IF;
  RETURN NULL;
END
$$;
-- After the foreign keys had their say, which is the clearer one.
CREATE TRIGGER month_report_keep AFTER UPDATE ON month_report FOR EACH ROW EXECUTE FUNCTION keep_report();
