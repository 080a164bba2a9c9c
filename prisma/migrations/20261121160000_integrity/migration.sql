-- Rolling checks of whole vaults, the damage that they find, and its repair.

ALTER TABLE "stored_object" ADD COLUMN "decrypted_at" TIMESTAMPTZ;

ALTER TABLE "verification"
  ALTER COLUMN "restore_point_id" DROP NOT NULL,
  ADD COLUMN "damage_id" UUID,
  ADD COLUMN "purpose" TEXT NOT NULL DEFAULT 'point',
  ADD COLUMN "reads_all" BOOLEAN NOT NULL DEFAULT true,
  ADD COLUMN "paused_at" TIMESTAMPTZ;

CREATE TABLE "vault_check" (
    "tenant_id" UUID NOT NULL,
    "vault_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "listing_due_at" TIMESTAMPTZ NOT NULL,
    "reading_due_at" TIMESTAMPTZ NOT NULL,
    "decrypting_due_at" TIMESTAMPTZ NOT NULL,
    "listed_at" TIMESTAMPTZ,
    "unknown_objects" INTEGER NOT NULL DEFAULT 0,
    "unknown_bytes" BIGINT NOT NULL DEFAULT 0,
    "unknown_keys" JSONB NOT NULL DEFAULT '[]',

    CONSTRAINT "vault_check_pkey" PRIMARY KEY ("tenant_id","vault_id")
);

CREATE TABLE "damage" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "vault_id" UUID NOT NULL,
    "state" TEXT NOT NULL,
    "keys" TEXT[],
    "objects" JSONB NOT NULL,
    "impact" JSONB,
    "command_id" UUID,
    "asks" INTEGER NOT NULL DEFAULT 0,
    "found_at" TIMESTAMPTZ NOT NULL,
    "asked_at" TIMESTAMPTZ,
    "ended_at" TIMESTAMPTZ,

    CONSTRAINT "damage_pkey" PRIMARY KEY ("tenant_id","id")
);

CREATE TABLE "damage_event" (
    "tenant_id" UUID NOT NULL,
    "damage_id" UUID NOT NULL,
    "sequence" INTEGER NOT NULL,
    "customer_id" UUID NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    "kind" TEXT NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "damage_event_pkey" PRIMARY KEY ("tenant_id","damage_id","sequence")
);

CREATE INDEX "verification_tenant_id_vault_id_state_idx" ON "verification"("tenant_id", "vault_id", "state");
CREATE UNIQUE INDEX "vault_check_tenant_id_customer_id_vault_id_key" ON "vault_check"("tenant_id", "customer_id", "vault_id");
CREATE INDEX "damage_tenant_id_vault_id_state_idx" ON "damage"("tenant_id", "vault_id", "state");
CREATE UNIQUE INDEX "damage_tenant_id_customer_id_id_key" ON "damage"("tenant_id", "customer_id", "id");

ALTER TABLE "verification" ADD CONSTRAINT "verification_tenant_id_customer_id_damage_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "damage_id") REFERENCES "damage"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "vault_check" ADD CONSTRAINT "vault_check_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "vault_check" ADD CONSTRAINT "vault_check_tenant_id_customer_id_vault_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "vault_id") REFERENCES "vault"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "damage" ADD CONSTRAINT "damage_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "damage" ADD CONSTRAINT "damage_tenant_id_customer_id_vault_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "vault_id") REFERENCES "vault"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "damage" ADD CONSTRAINT "damage_tenant_id_customer_id_command_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "command_id") REFERENCES "agent_command"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "damage_event" ADD CONSTRAINT "damage_event_tenant_id_customer_id_damage_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "damage_id") REFERENCES "damage"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

ALTER TABLE stored_object
  DROP CONSTRAINT stored_object_state_check,
  ADD CONSTRAINT stored_object_state_check
    CHECK (state IN ('leased', 'committed', 'sealed', 'damaged', 'missing', 'retired'));
ALTER TABLE verification
  DROP CONSTRAINT verification_level_check,
  ADD CONSTRAINT verification_level_check CHECK (level IN (0, 1, 2)),
  ADD CONSTRAINT verification_purpose_check CHECK (purpose IN ('point', 'rolling', 'trace', 'repair')),
  ADD CONSTRAINT verification_subject_check CHECK ((purpose <> 'point' OR restore_point_id IS NOT NULL)
    AND (purpose NOT IN ('trace', 'repair') OR damage_id IS NOT NULL));
ALTER TABLE damage
  ADD CONSTRAINT damage_state_check CHECK (state IN ('found', 'repairing', 'checking', 'repaired', 'lost')),
  ADD CONSTRAINT damage_ended_check CHECK ((state IN ('repaired', 'lost')) = (ended_at IS NOT NULL));
ALTER TABLE damage_event
  ADD CONSTRAINT damage_event_kind_check CHECK (kind IN ('found', 'quarantined', 'traced', 'untraced', 'asked', 'sent',
    'refused', 'checked', 'released', 'retired', 'ended'));
ALTER TABLE agent_command
  DROP CONSTRAINT agent_command_kind_check,
  ADD CONSTRAINT agent_command_kind_check CHECK (kind IN ('backup_now', 'restore', 'repair'));

-- Two rolling checks of one level never read one vault at once.
CREATE UNIQUE INDEX verification_one_rolling ON verification (tenant_id, vault_id, level)
  WHERE purpose = 'rolling' AND state IN ('queued', 'running');

GRANT UPDATE (decrypted_at) ON stored_object TO holdfast_app;
GRANT UPDATE (damage_id, purpose, reads_all, paused_at) ON verification TO holdfast_app;
SELECT protect_table('vault_check', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('damage', '{SELECT,INSERT,UPDATE}');
-- Added to and read, never changed: not even a use-case with a defect can rewrite what was found.
SELECT protect_table('damage_event', '{SELECT,INSERT}');
