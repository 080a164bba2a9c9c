-- Evidence: signed records of drills and checks, chained per customer, that nobody can change or remove; and their anchors.

-- AlterTable
ALTER TABLE "enrolment_token" ADD COLUMN     "custody" TEXT NOT NULL DEFAULT 'escrowed';

-- CreateTable
CREATE TABLE "evidence_key" (
    "tenant_id" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "public_key" TEXT NOT NULL,
    "private_key_sealed" BYTEA NOT NULL,
    "endorsed_by" TEXT,
    "endorsement" TEXT,
    "created_at" TIMESTAMPTZ NOT NULL,
    "retired_at" TIMESTAMPTZ,

    CONSTRAINT "evidence_key_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "evidence_record" (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "sequence" BIGINT NOT NULL,
    "id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "drill_id" UUID,
    "about_id" UUID,
    "at" TIMESTAMPTZ NOT NULL,
    "text" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "signature" TEXT NOT NULL,
    "previous_hash" TEXT NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "evidence_record_pkey" PRIMARY KEY ("tenant_id","customer_id","sequence")
);

-- CreateTable
CREATE TABLE "evidence_head" (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "sequence" BIGINT NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "evidence_head_pkey" PRIMARY KEY ("tenant_id","customer_id")
);

-- CreateTable
CREATE TABLE "evidence_anchor" (
    "tenant_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "day" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "hash" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "signature" TEXT NOT NULL,
    "is_locked" BOOLEAN NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "checked_at" TIMESTAMPTZ,
    "problem" TEXT,

    CONSTRAINT "evidence_anchor_pkey" PRIMARY KEY ("tenant_id","customer_id","day")
);

-- CreateIndex
CREATE UNIQUE INDEX "drill_tenant_id_customer_id_id_key" ON "drill"("tenant_id", "customer_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "evidence_record_tenant_id_id_key" ON "evidence_record"("tenant_id", "id");

-- CreateIndex
CREATE INDEX "evidence_record_tenant_id_customer_id_at_idx" ON "evidence_record"("tenant_id", "customer_id", "at");

-- CreateIndex
CREATE INDEX "evidence_record_tenant_id_drill_id_idx" ON "evidence_record"("tenant_id", "drill_id");

-- AddForeignKey
ALTER TABLE "evidence_key" ADD CONSTRAINT "evidence_key_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "evidence_key" ADD CONSTRAINT "evidence_key_tenant_id_endorsed_by_fkey" FOREIGN KEY ("tenant_id", "endorsed_by") REFERENCES "evidence_key"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "evidence_record" ADD CONSTRAINT "evidence_record_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "evidence_record" ADD CONSTRAINT "evidence_record_tenant_id_customer_id_drill_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "drill_id") REFERENCES "drill"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "evidence_record" ADD CONSTRAINT "evidence_record_tenant_id_key_id_fkey" FOREIGN KEY ("tenant_id", "key_id") REFERENCES "evidence_key"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "evidence_head" ADD CONSTRAINT "evidence_head_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "evidence_anchor" ADD CONSTRAINT "evidence_anchor_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- Checks ---------------------------------------------------------------------------------------------------------------

ALTER TABLE evidence_key
  ADD CONSTRAINT evidence_key_id_check CHECK (id ~ '^[0-9a-f]{64}$'),
  -- Every key but the first is vouched for by the one before it.
  ADD CONSTRAINT evidence_key_endorsed_check CHECK ((endorsed_by IS NULL) = (endorsement IS NULL));
ALTER TABLE evidence_record
  ADD CONSTRAINT evidence_record_sequence_check CHECK (sequence > 0),
  ADD CONSTRAINT evidence_record_kind_check CHECK (kind IN
    ('drill', 'drill_approved', 'drill_remediated', 'drill_voided', 'damage_found', 'damage_repaired')),
  ADD CONSTRAINT evidence_record_hash_check CHECK (hash ~ '^[0-9a-f]{64}$' AND previous_hash ~ '^[0-9a-f]{64}$');
ALTER TABLE evidence_anchor
  ADD CONSTRAINT evidence_anchor_day_check CHECK (day ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
  ADD CONSTRAINT evidence_anchor_problem_check CHECK (problem IN ('missing', 'altered', 'history'));
ALTER TABLE alert
  DROP CONSTRAINT alert_kind_check,
  ADD CONSTRAINT alert_kind_check
    CHECK (kind IN ('damage', 'run_failed', 'missed', 'drill_failed', 'silent', 'clone', 'suspicious', 'evidence'));
ALTER TABLE enrolment_token
  ADD CONSTRAINT enrolment_token_custody_check CHECK (custody IN ('escrowed', 'customer_held'));
ALTER TABLE agent_command
  DROP CONSTRAINT agent_command_kind_check,
  ADD CONSTRAINT agent_command_kind_check CHECK (kind IN ('backup_now', 'restore', 'repair', 'drill'));

-- Columns that a table gets after protect_table are changeable only when that is said.
GRANT UPDATE (runner, point_choice, scope, checks, warnings, facts, newest_business_at, rto_estimated_ms, approved_by, approved_at,
  remediation, remediated_by, remediated_at, void_reason, voided_by, voided_at) ON drill TO holdfast_app;

-- One key signs at a time.
CREATE UNIQUE INDEX evidence_key_one_active ON evidence_key (tenant_id) WHERE retired_at IS NULL;

-- Walls ----------------------------------------------------------------------------------------------------------------

SELECT protect_table('evidence_key', '{SELECT,INSERT}');
GRANT UPDATE (retired_at) ON evidence_key TO holdfast_app;
SELECT protect_table('evidence_record', '{SELECT}');
SELECT protect_table('evidence_head', '{SELECT}');
SELECT protect_table('evidence_anchor', '{SELECT,INSERT}');
GRANT UPDATE (checked_at, problem) ON evidence_anchor TO holdfast_app;

-- The chain ------------------------------------------------------------------------------------------------------------

-- The writers below run as the owner, whom the forced row-level security binds as well: they may write, in their tenant alone.
CREATE POLICY chain_writer ON evidence_record AS PERMISSIVE TO holdfast_owner USING (true) WITH CHECK (true);
CREATE POLICY chain_writer ON evidence_head AS PERMISSIVE TO holdfast_owner USING (true) WITH CHECK (true);

/* The tenant of the transaction; an error where the customer lies beyond its walls. */
CREATE FUNCTION evidence_tenant(p_customer_id uuid) RETURNS uuid LANGUAGE plpgsql STABLE SET search_path = '' AS $$
DECLARE
  v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
  v_scope text := coalesce(current_setting('app.customer_id', true), '');
BEGIN
  IF v_tenant IS NULL OR v_scope = '' OR p_customer_id IS NULL THEN
    RAISE EXCEPTION 'evidence needs a tenant and a customer' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF v_scope <> 'every' AND p_customer_id <> v_scope::uuid THEN
    RAISE EXCEPTION 'evidence of another customer' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN v_tenant;
END
$$;

/* Locks the end of the customer's chain until the transaction ends, and says where the next record goes. */
CREATE FUNCTION evidence_next(p_customer_id uuid, OUT next_sequence bigint, OUT previous text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_tenant uuid := public.evidence_tenant(p_customer_id);
BEGIN
  INSERT INTO public.evidence_head (tenant_id, customer_id, sequence, hash)
    VALUES (v_tenant, p_customer_id, 0, repeat('0', 64)) ON CONFLICT DO NOTHING;
  SELECT h.sequence + 1, h.hash INTO STRICT next_sequence, previous
    FROM public.evidence_head h WHERE h.tenant_id = v_tenant AND h.customer_id = p_customer_id FOR UPDATE;
END
$$;

/*
 * The only way to write evidence: at the end of the chain, with the hash that follows. The text was signed outside, where the
 * key is; core/evidence/record.ts builds the same hash.
 */
CREATE FUNCTION evidence_append(
  p_customer_id uuid, p_sequence bigint, p_id uuid, p_kind text, p_drill_id uuid, p_about_id uuid, p_at timestamptz,
  p_text text, p_key_id text, p_signature text
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_tenant uuid := public.evidence_tenant(p_customer_id);
  v_next record;
  v_hash text;
BEGIN
  SELECT * INTO STRICT v_next FROM public.evidence_next(p_customer_id);
  IF v_next.next_sequence <> p_sequence THEN
    RAISE EXCEPTION 'evidence is appended at the end of its chain' USING ERRCODE = 'check_violation';
  END IF;
  v_hash := encode(sha256(convert_to(concat_ws(E'\n', 'holdfast-evidence-chain-v1', v_next.previous,
    encode(sha256(convert_to(p_text, 'UTF8')), 'hex')), 'UTF8')), 'hex');
  INSERT INTO public.evidence_record (tenant_id, customer_id, sequence, id, kind, drill_id, about_id, at, text, key_id,
      signature, previous_hash, hash)
    VALUES (v_tenant, p_customer_id, p_sequence, p_id, p_kind, p_drill_id, p_about_id, p_at, p_text, p_key_id,
      p_signature, v_next.previous, v_hash);
  UPDATE public.evidence_head SET sequence = p_sequence, hash = v_hash
    WHERE tenant_id = v_tenant AND customer_id = p_customer_id;
  RETURN v_hash;
END
$$;
REVOKE ALL ON FUNCTION evidence_tenant(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION evidence_next(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION evidence_append(uuid, bigint, uuid, text, uuid, uuid, timestamptz, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION evidence_next(uuid) TO holdfast_app;
GRANT EXECUTE ON FUNCTION evidence_append(uuid, bigint, uuid, text, uuid, uuid, timestamptz, text, text, text) TO holdfast_app;
