-- Records of damage belong to their damage, and a loss that nobody can mend is accepted by a person.

-- AlterTable
ALTER TABLE "damage" ADD COLUMN     "accept_reason" TEXT,
ADD COLUMN     "accepted_at" TIMESTAMPTZ,
ADD COLUMN     "accepted_by" UUID;

-- AlterTable
ALTER TABLE "evidence_record" ADD COLUMN     "damage_id" UUID;

-- AlterTable
ALTER TABLE "restore_point" ADD COLUMN     "lost_damage_id" UUID;

-- CreateIndex
CREATE INDEX "evidence_record_tenant_id_damage_id_idx" ON "evidence_record"("tenant_id", "damage_id");

-- AddForeignKey
ALTER TABLE "restore_point" ADD CONSTRAINT "restore_point_tenant_id_customer_id_lost_damage_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "lost_damage_id") REFERENCES "damage"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "damage" ADD CONSTRAINT "damage_tenant_id_accepted_by_fkey" FOREIGN KEY ("tenant_id", "accepted_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "evidence_record" ADD CONSTRAINT "evidence_record_tenant_id_customer_id_damage_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "damage_id") REFERENCES "damage"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- Checks ---------------------------------------------------------------------------------------------------------------

ALTER TABLE damage
  -- Only what is lost is accepted, by somebody, for a reason.
  ADD CONSTRAINT damage_accepted_check CHECK (
    (accepted_at IS NULL) = (accepted_by IS NULL) AND (accepted_at IS NULL) = (accept_reason IS NULL)
    AND (accepted_at IS NULL OR state = 'lost'));
ALTER TABLE damage_event
  DROP CONSTRAINT damage_event_kind_check,
  ADD CONSTRAINT damage_event_kind_check CHECK (kind IN ('found', 'quarantined', 'traced', 'untraced', 'asked', 'sent',
    'refused', 'checked', 'released', 'retired', 'ended', 'accepted'));
ALTER TABLE restore_point
  -- What is lost for good never comes back into use.
  ADD CONSTRAINT restore_point_lost_check CHECK (lost_damage_id IS NULL OR state <> 'sealed');
ALTER TABLE evidence_record
  DROP CONSTRAINT evidence_record_kind_check,
  ADD CONSTRAINT evidence_record_kind_check CHECK (kind IN ('drill', 'drill_approved', 'drill_remediated', 'drill_voided',
    'damage_found', 'damage_repaired', 'damage_lost', 'loss_accepted'));

GRANT UPDATE (accepted_by, accepted_at, accept_reason) ON damage TO holdfast_app;
GRANT UPDATE (lost_damage_id) ON restore_point TO holdfast_app;

-- The chain ------------------------------------------------------------------------------------------------------------

DROP FUNCTION evidence_append(uuid, bigint, uuid, text, uuid, uuid, timestamptz, text, text, text);
/* As before, and for the damage that a record is about. */
CREATE FUNCTION evidence_append(
  p_customer_id uuid, p_sequence bigint, p_id uuid, p_kind text, p_drill_id uuid, p_damage_id uuid, p_about_id uuid,
  p_at timestamptz, p_text text, p_key_id text, p_signature text
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
  INSERT INTO public.evidence_record (tenant_id, customer_id, sequence, id, kind, drill_id, damage_id, about_id, at, text,
      key_id, signature, previous_hash, hash)
    VALUES (v_tenant, p_customer_id, p_sequence, p_id, p_kind, p_drill_id, p_damage_id, p_about_id, p_at, p_text,
      p_key_id, p_signature, v_next.previous, v_hash);
  UPDATE public.evidence_head SET sequence = p_sequence, hash = v_hash
    WHERE tenant_id = v_tenant AND customer_id = p_customer_id;
  RETURN v_hash;
END
$$;
REVOKE ALL ON FUNCTION evidence_append(uuid, bigint, uuid, text, uuid, uuid, uuid, timestamptz, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION evidence_append(uuid, bigint, uuid, text, uuid, uuid, uuid, timestamptz, text, text, text) TO holdfast_app;
