-- Drills follow plans (which point, how much of it, how deep), may be made by the customer's own agent, say what they checked,
-- and are accepted, remedied or voided by people, with their names.
ALTER TABLE drill
  ADD COLUMN runner TEXT NOT NULL DEFAULT 'service',
  ADD COLUMN point_choice TEXT NOT NULL DEFAULT 'latest',
  ADD COLUMN scope TEXT NOT NULL DEFAULT 'sample',
  ADD COLUMN checks JSONB NOT NULL DEFAULT '[]',
  ADD COLUMN warnings JSONB NOT NULL DEFAULT '[]',
  ADD COLUMN facts JSONB NOT NULL DEFAULT '{}',
  ADD COLUMN newest_business_at TIMESTAMPTZ,
  ADD COLUMN rto_estimated_ms BIGINT,
  ADD COLUMN approved_by UUID,
  ADD COLUMN approved_at TIMESTAMPTZ,
  ADD COLUMN remediation TEXT,
  ADD COLUMN remediated_by UUID,
  ADD COLUMN remediated_at TIMESTAMPTZ,
  ADD COLUMN void_reason TEXT,
  ADD COLUMN voided_by UUID,
  ADD COLUMN voided_at TIMESTAMPTZ,
  ADD CONSTRAINT drill_runner_check CHECK (runner IN ('service', 'agent', 'kit')),
  ADD CONSTRAINT drill_point_choice_check CHECK (point_choice IN ('latest', 'random', 'oldest', 'chosen')),
  ADD CONSTRAINT drill_scope_check CHECK (scope IN ('sample', 'full')),
  -- Who voids a drill says why; a time without a name would be nobody's word.
  ADD CONSTRAINT drill_voided_check CHECK (voided_at IS NULL OR (voided_by IS NOT NULL AND state = 'void' AND length(void_reason) > 0)),
  ADD CONSTRAINT drill_approved_check CHECK (approved_at IS NULL OR approved_by IS NOT NULL),
  ADD CONSTRAINT drill_remediated_check CHECK (remediated_at IS NULL OR (remediated_by IS NOT NULL AND length(remediation) > 0));

ALTER TABLE "drill" ADD CONSTRAINT "drill_tenant_id_approved_by_fkey" FOREIGN KEY ("tenant_id", "approved_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "drill" ADD CONSTRAINT "drill_tenant_id_remediated_by_fkey" FOREIGN KEY ("tenant_id", "remediated_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "drill" ADD CONSTRAINT "drill_tenant_id_voided_by_fkey" FOREIGN KEY ("tenant_id", "voided_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
