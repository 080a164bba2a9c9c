-- What is promised to customers, what is excused, and the figures of days and months.

ALTER TABLE "tenant" ADD COLUMN "excuses_need_two" BOOLEAN NOT NULL DEFAULT false;

ALTER TABLE "expected_occurrence"
  ADD COLUMN "excuse_id" UUID,
  ADD COLUMN "unexcused_outcome" TEXT;

ALTER TABLE "source_month"
  ADD COLUMN "stuck" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "accepted_partial" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "figures" JSONB;

CREATE TABLE "sla_contract_version" (
    "tenant_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "customer_id" UUID NOT NULL,
    "valid_from" TIMESTAMPTZ NOT NULL,
    "terms" JSONB NOT NULL,
    "reason" TEXT NOT NULL,
    "created_by" UUID NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "sla_contract_version_pkey" PRIMARY KEY ("tenant_id","customer_id","version")
);

CREATE TABLE "sla_excuse" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID,
    "source_id" UUID,
    "occurrence_id" UUID,
    "starts_at" TIMESTAMPTZ NOT NULL,
    "ends_at" TIMESTAMPTZ NOT NULL,
    "reason" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "requested_by" UUID NOT NULL,
    "requested_at" TIMESTAMPTZ NOT NULL,
    "decided_by" UUID,
    "decided_at" TIMESTAMPTZ,
    "decision_words" TEXT,
    "withdrawn_by" UUID,
    "withdrawn_at" TIMESTAMPTZ,
    "withdrawal_words" TEXT,

    CONSTRAINT "sla_excuse_pkey" PRIMARY KEY ("tenant_id","id")
);

CREATE TABLE "sla_dirty" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "source_id" UUID,
    "month" TEXT NOT NULL,
    "from_day" TEXT NOT NULL,
    "cause" TEXT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "sla_dirty_pkey" PRIMARY KEY ("tenant_id","id")
);

CREATE TABLE "customer_day" (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "day" TEXT NOT NULL,
    "sources" INTEGER NOT NULL,
    "sources_in_breach" INTEGER NOT NULL,
    "window_seconds" BIGINT NOT NULL,
    "violation_seconds" BIGINT NOT NULL,
    "excused_seconds" BIGINT NOT NULL,
    "expected" INTEGER NOT NULL,
    "ok" INTEGER NOT NULL,
    "late" INTEGER NOT NULL,
    "partial" INTEGER NOT NULL,
    "accepted_partial" INTEGER NOT NULL,
    "failed" INTEGER NOT NULL,
    "missed" INTEGER NOT NULL,
    "stuck" INTEGER NOT NULL,
    "excused" INTEGER NOT NULL,
    "restore_points" INTEGER NOT NULL,
    "drills_passed" INTEGER NOT NULL,
    "drills_failed" INTEGER NOT NULL,
    "drills_void" INTEGER NOT NULL,
    "peak_exposure_seconds" BIGINT,
    "peak_exposure_at" TIMESTAMPTZ,
    "peak_source_id" UUID,
    "computed_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "customer_day_pkey" PRIMARY KEY ("tenant_id","customer_id","day")
);

CREATE TABLE "customer_month" (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "month" TEXT NOT NULL,
    "window_end" TIMESTAMPTZ NOT NULL,
    "figures" JSONB NOT NULL,
    "standing" JSONB,
    "attainment" DOUBLE PRECISION,
    "worst_share" DOUBLE PRECISION,
    "sources" INTEGER NOT NULL,
    "below_target" INTEGER NOT NULL,
    "readiness" INTEGER,
    "credit" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "computed_at" TIMESTAMPTZ NOT NULL,
    "frozen" JSONB,
    "frozen_at" TIMESTAMPTZ,

    CONSTRAINT "customer_month_pkey" PRIMARY KEY ("tenant_id","customer_id","month")
);

CREATE TABLE "sla_amendment" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "month" TEXT NOT NULL,
    "figure" TEXT NOT NULL,
    "before" DOUBLE PRECISION,
    "after" DOUBLE PRECISION,
    "cause" TEXT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "sla_amendment_pkey" PRIMARY KEY ("tenant_id","id")
);

CREATE TABLE "tenant_day" (
    "tenant_id" UUID NOT NULL,
    "day" TEXT NOT NULL,
    "customers" INTEGER NOT NULL,
    "sources" INTEGER NOT NULL,
    "sources_in_breach" INTEGER NOT NULL,
    "window_seconds" BIGINT NOT NULL,
    "violation_seconds" BIGINT NOT NULL,
    "expected" INTEGER NOT NULL,
    "ok" INTEGER NOT NULL,
    "late" INTEGER NOT NULL,
    "partial" INTEGER NOT NULL,
    "accepted_partial" INTEGER NOT NULL,
    "failed" INTEGER NOT NULL,
    "missed" INTEGER NOT NULL,
    "stuck" INTEGER NOT NULL,
    "excused" INTEGER NOT NULL,
    "drills_passed" INTEGER NOT NULL,
    "drills_failed" INTEGER NOT NULL,
    "computed_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "tenant_day_pkey" PRIMARY KEY ("tenant_id","day")
);

CREATE UNIQUE INDEX "sla_excuse_tenant_id_customer_id_id_key" ON "sla_excuse"("tenant_id", "customer_id", "id");
CREATE INDEX "sla_excuse_tenant_id_customer_id_ends_at_idx" ON "sla_excuse"("tenant_id", "customer_id", "ends_at");
CREATE INDEX "sla_dirty_tenant_id_customer_id_month_idx" ON "sla_dirty"("tenant_id", "customer_id", "month");
CREATE INDEX "customer_day_tenant_id_day_idx" ON "customer_day"("tenant_id", "day");
CREATE INDEX "customer_month_tenant_id_month_idx" ON "customer_month"("tenant_id", "month");
CREATE INDEX "sla_amendment_tenant_id_customer_id_month_idx" ON "sla_amendment"("tenant_id", "customer_id", "month");

ALTER TABLE "sla_contract_version" ADD CONSTRAINT "sla_contract_version_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "sla_contract_version" ADD CONSTRAINT "sla_contract_version_tenant_id_created_by_fkey" FOREIGN KEY ("tenant_id", "created_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "sla_excuse" ADD CONSTRAINT "sla_excuse_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "sla_excuse" ADD CONSTRAINT "sla_excuse_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "sla_excuse" ADD CONSTRAINT "sla_excuse_tenant_id_customer_id_source_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "source_id") REFERENCES "source"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "sla_excuse" ADD CONSTRAINT "sla_excuse_tenant_id_customer_id_occurrence_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "occurrence_id") REFERENCES "expected_occurrence"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "sla_excuse" ADD CONSTRAINT "sla_excuse_tenant_id_requested_by_fkey" FOREIGN KEY ("tenant_id", "requested_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "sla_excuse" ADD CONSTRAINT "sla_excuse_tenant_id_decided_by_fkey" FOREIGN KEY ("tenant_id", "decided_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "sla_excuse" ADD CONSTRAINT "sla_excuse_tenant_id_withdrawn_by_fkey" FOREIGN KEY ("tenant_id", "withdrawn_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "sla_dirty" ADD CONSTRAINT "sla_dirty_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "sla_dirty" ADD CONSTRAINT "sla_dirty_tenant_id_customer_id_source_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "source_id") REFERENCES "source"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "customer_day" ADD CONSTRAINT "customer_day_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "customer_month" ADD CONSTRAINT "customer_month_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "sla_amendment" ADD CONSTRAINT "sla_amendment_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "tenant_day" ADD CONSTRAINT "tenant_day_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "expected_occurrence" ADD CONSTRAINT "expected_occurrence_tenant_id_customer_id_excuse_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "excuse_id") REFERENCES "sla_excuse"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- A customer's month is read in one piece, from the index alone.
CREATE INDEX restore_point_usable ON restore_point (tenant_id, customer_id, sealed_at) INCLUDE (source_id, capture_at)
  WHERE state = 'sealed' AND is_usable;
CREATE INDEX expected_occurrence_due ON expected_occurrence (tenant_id, customer_id, due_at)
  INCLUDE (source_id, window_end, outcome) WHERE due_at IS NOT NULL;
CREATE INDEX drill_finished ON drill (tenant_id, customer_id, finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX drill_full ON drill (tenant_id, source_id, created_at DESC) WHERE state = 'passed' AND scope = 'full';
CREATE INDEX "source_month_tenant_id_customer_id_month_idx" ON "source_month"("tenant_id", "customer_id", "month");

ALTER TABLE expected_occurrence
  ADD CONSTRAINT expected_occurrence_excuse_check CHECK (excuse_id IS NULL OR outcome = 'excused'),
  ADD CONSTRAINT expected_occurrence_unexcused_check CHECK (unexcused_outcome IS NULL OR excuse_id IS NOT NULL);
ALTER TABLE sla_contract_version
  ADD CONSTRAINT sla_contract_version_number_check CHECK (version >= 1),
  ADD CONSTRAINT sla_contract_version_reason_check CHECK (reason <> '');
ALTER TABLE sla_excuse
  ADD CONSTRAINT sla_excuse_state_check CHECK (state IN ('requested', 'approved', 'refused', 'withdrawn')),
  ADD CONSTRAINT sla_excuse_time_check CHECK (ends_at > starts_at),
  ADD CONSTRAINT sla_excuse_reason_check CHECK (reason <> ''),
  -- Time counts as excused only with somebody who approved it.
  ADD CONSTRAINT sla_excuse_decided_check CHECK ((decided_by IS NULL) = (decided_at IS NULL)
    AND (state NOT IN ('approved', 'refused') OR decided_by IS NOT NULL)),
  ADD CONSTRAINT sla_excuse_withdrawn_check CHECK ((state = 'withdrawn') = (withdrawn_at IS NOT NULL)
    AND (withdrawn_by IS NULL) = (withdrawn_at IS NULL)),
  ADD CONSTRAINT sla_excuse_subject_check CHECK ((occurrence_id IS NULL) = (source_id IS NULL));
ALTER TABLE sla_dirty
  ADD CONSTRAINT sla_dirty_month_check CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
  ADD CONSTRAINT sla_dirty_day_check CHECK (from_day ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]$');
ALTER TABLE customer_day
  ADD CONSTRAINT customer_day_day_check CHECK (day ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]$'),
  ADD CONSTRAINT customer_day_window_check CHECK (violation_seconds BETWEEN 0 AND window_seconds);
ALTER TABLE customer_month
  ADD CONSTRAINT customer_month_month_check CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
  ADD CONSTRAINT customer_month_frozen_check CHECK ((frozen IS NULL) = (frozen_at IS NULL));
ALTER TABLE tenant_day ADD CONSTRAINT tenant_day_day_check CHECK (day ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]$');

-- What was said at the close of a month is said for ever: nobody, and no defect, writes over it.
CREATE FUNCTION keep_frozen() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF OLD.frozen_at IS NOT NULL AND (NEW.frozen IS DISTINCT FROM OLD.frozen OR NEW.frozen_at IS DISTINCT FROM OLD.frozen_at
    OR NEW.standing IS DISTINCT FROM OLD.standing) THEN
    RAISE EXCEPTION 'the month % is frozen', OLD.month;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER customer_month_keep_frozen BEFORE UPDATE ON customer_month FOR EACH ROW EXECUTE FUNCTION keep_frozen();

GRANT UPDATE (excuses_need_two) ON tenant TO holdfast_app;
GRANT UPDATE (excuse_id, unexcused_outcome) ON expected_occurrence TO holdfast_app;
GRANT UPDATE (stuck, accepted_partial, figures) ON source_month TO holdfast_app;
-- Added to and read, never changed: what was promised at a time is what was promised.
SELECT protect_table('sla_contract_version', '{SELECT,INSERT}');
SELECT protect_table('sla_excuse', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('sla_dirty', '{SELECT,INSERT,DELETE}');
SELECT protect_table('customer_day', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('customer_month', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('sla_amendment', '{SELECT,INSERT}');
SELECT protect_table('tenant_day', '{SELECT,INSERT,UPDATE}');
-- The sums over all customers are the provider's alone: they have no customer whose wall could hold them.
CREATE POLICY provider_wall ON tenant_day AS RESTRICTIVE TO holdfast_app
  USING ((SELECT current_setting('app.customer_id', true)) = 'every');

-- Milliseconds since the epoch, as the formulas of the figures count; what is smaller is cut.
CREATE FUNCTION epoch_ms(at timestamptz) RETURNS float8 LANGUAGE sql STABLE PARALLEL SAFE
  RETURN floor(extract(epoch FROM at) * 1000)::float8;
REVOKE ALL ON FUNCTION epoch_ms(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION epoch_ms(timestamptz) TO holdfast_app;
