-- What the back-test of a rule needs of the past and no row told: when machines did not call, and what was found while no rule
-- told of it. And who has seen which back-test: without it nobody switches a rule on.

-- Of what was before, nothing of this kind is known. The instant stands beside every answer.
ALTER TABLE "tenant" ADD COLUMN "past_kept_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- Silences and not calls: a machine that calls every minute leaves no row, one that sleeps at night leaves one a night.
CREATE TABLE "device_gap" (
    "tenant_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "from_at" TIMESTAMPTZ NOT NULL,
    "until_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "device_gap_pkey" PRIMARY KEY ("tenant_id","device_id","from_at")
);
CREATE INDEX "device_gap_tenant_id_until_at_idx" ON "device_gap"("tenant_id", "until_at");
ALTER TABLE "device_gap" ADD CONSTRAINT "device_gap_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE device_gap ADD CONSTRAINT device_gap_order_check CHECK (until_at > from_at);
SELECT protect_table('device_gap', '{SELECT,INSERT,DELETE}');

-- Whatever changes the instant of the last call, by whatever way. No rule calls a shorter silence one (schedule.ts).
CREATE FUNCTION note_device_gap() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO public.device_gap (tenant_id, device_id, customer_id, from_at, until_at)
  VALUES (NEW.tenant_id, NEW.device_id, NEW.customer_id, OLD.last_seen_at, NEW.last_seen_at) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER note_gap AFTER UPDATE OF last_seen_at ON device_state FOR EACH ROW
  WHEN (NEW.last_seen_at - OLD.last_seen_at > interval '2 hours') EXECUTE FUNCTION note_device_gap();

CREATE TABLE "unheard_finding" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID,
    "policy_id" UUID,
    "kind" TEXT NOT NULL,
    "found_at" TIMESTAMPTZ NOT NULL,
    "ended_at" TIMESTAMPTZ,

    CONSTRAINT "unheard_finding_pkey" PRIMARY KEY ("tenant_id","id")
);
CREATE INDEX "unheard_finding_tenant_id_found_at_idx" ON "unheard_finding"("tenant_id", "found_at");
CREATE UNIQUE INDEX unheard_finding_open ON unheard_finding (tenant_id, customer_id, device_id, policy_id, kind)
  NULLS NOT DISTINCT WHERE ended_at IS NULL;
ALTER TABLE "unheard_finding" ADD CONSTRAINT "unheard_finding_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "unheard_finding" ADD CONSTRAINT "unheard_finding_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "unheard_finding" ADD CONSTRAINT "unheard_finding_tenant_id_customer_id_policy_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "policy_id") REFERENCES "policy"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
SELECT protect_table('unheard_finding', '{SELECT,INSERT,UPDATE,DELETE}');

CREATE TABLE "alert_rule_trial" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "definition" TEXT NOT NULL,
    "alerts" INTEGER NOT NULL,
    "devices" INTEGER NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "alert_rule_trial_pkey" PRIMARY KEY ("tenant_id","id")
);
CREATE INDEX "alert_rule_trial_tenant_id_user_id_at_idx" ON "alert_rule_trial"("tenant_id", "user_id", "at");
ALTER TABLE "alert_rule_trial" ADD CONSTRAINT "alert_rule_trial_tenant_id_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
SELECT protect_table('alert_rule_trial', '{SELECT,INSERT,DELETE}');
