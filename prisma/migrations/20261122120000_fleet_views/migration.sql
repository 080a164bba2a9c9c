-- The fleet list: one row of facts for each device, recomputed from a dirty set and never incremented; tags; saved views.

ALTER TABLE "device" ADD COLUMN "tags" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[];

CREATE TABLE "device_summary" (
    "tenant_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "source_id" UUID,
    "custody" TEXT,
    "agent_order" INTEGER[],
    "newest_capture_at" TIMESTAMPTZ,
    "newest_state" TEXT,
    "newest_outcome" TEXT,
    "newest_is_usable" BOOLEAN,
    "newest_level" INTEGER,
    "usable_capture_at" TIMESTAMPTZ,
    "usable_outcome" TEXT,
    "usable_level" INTEGER,
    "usable_bytes" BIGINT,
    "usable_stored_bytes" BIGINT,
    "run_id" UUID,
    "run_state" TEXT,
    "run_outcome" TEXT,
    "run_started_at" TIMESTAMPTZ,
    "run_finished_at" TIMESTAMPTZ,
    "run_progress_at" TIMESTAMPTZ,
    "last_outcome" TEXT,
    "open_window_end" TIMESTAMPTZ,
    "next_due_at" TIMESTAMPTZ,
    "next_window_end" TIMESTAMPTZ,
    "verdict" TEXT,
    "verdict_at" TIMESTAMPTZ,
    "proof_at" TIMESTAMPTZ,
    "loss_at" TIMESTAMPTZ,
    "rto_ms" BIGINT,
    "is_rto_estimated" BOOLEAN NOT NULL DEFAULT false,
    "bad_objects" INTEGER NOT NULL DEFAULT 0,
    "open_alerts" INTEGER NOT NULL DEFAULT 0,
    "alert_id" UUID,
    "alert_title" TEXT,
    "is_checking" BOOLEAN NOT NULL DEFAULT false,
    "computed_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "device_summary_pkey" PRIMARY KEY ("tenant_id","device_id")
);

-- Rows are added with each change and taken away when the device was computed again. Without a unique key on purpose: two
-- transactions that touch one device must never wait for one another here.
CREATE TABLE "device_dirty" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,

    CONSTRAINT "device_dirty_pkey" PRIMARY KEY ("tenant_id","id")
);

CREATE TABLE "fleet_view" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "owner_id" UUID NOT NULL,
    "is_shared" BOOLEAN NOT NULL,
    "name" TEXT NOT NULL,
    "filter" TEXT NOT NULL,
    "columns" TEXT[],
    "density" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "fleet_view_pkey" PRIMARY KEY ("tenant_id","id")
);

CREATE UNIQUE INDEX "device_summary_tenant_id_customer_id_device_id_key" ON "device_summary"("tenant_id", "customer_id", "device_id");
CREATE INDEX "device_summary_tenant_id_next_due_at_idx" ON "device_summary"("tenant_id", "next_due_at");
CREATE INDEX "device_dirty_tenant_id_device_id_idx" ON "device_dirty"("tenant_id", "device_id");
CREATE UNIQUE INDEX "fleet_view_tenant_id_owner_id_name_key" ON "fleet_view"("tenant_id", "owner_id", "name");
CREATE INDEX "source_tenant_id_device_id_created_at_idx" ON "source"("tenant_id", "device_id", "created_at");

ALTER TABLE "device_summary" ADD CONSTRAINT "device_summary_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;
ALTER TABLE "fleet_view" ADD CONSTRAINT "fleet_view_tenant_id_owner_id_fkey" FOREIGN KEY ("tenant_id", "owner_id") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

ALTER TABLE fleet_view
  ADD CONSTRAINT fleet_view_density_check CHECK (density IN ('comfortable', 'compact')),
  ADD CONSTRAINT fleet_view_name_check CHECK (length(name) BETWEEN 1 AND 80),
  ADD CONSTRAINT fleet_view_filter_check CHECK (length(filter) <= 2000);
ALTER TABLE device ADD CONSTRAINT device_tags_check CHECK (cardinality(tags) <= 20 AND array_position(tags, NULL) IS NULL);
-- Rewritten with every backup; only next_due_at is in an index, so room in the page saves most index entries.
ALTER TABLE device_summary SET (fillfactor = 70);

-- What a device's facts are computed from is read by device, and of its drills only the newest of each kind.
CREATE INDEX drill_device_passed ON drill (tenant_id, device_id, finished_at DESC) WHERE state = 'passed';
CREATE INDEX drill_device_failed ON drill (tenant_id, device_id, finished_at DESC) WHERE state = 'failed';
CREATE INDEX drill_device_open ON drill (tenant_id, device_id) WHERE state IN ('queued', 'running');
CREATE INDEX verification_device_open ON verification (tenant_id, device_id) WHERE state IN ('queued', 'running');

SELECT protect_table('device_summary', '{SELECT,INSERT,UPDATE,DELETE}');
SELECT protect_table('device_dirty', '{SELECT,INSERT,DELETE}');
SELECT protect_table('fleet_view', '{SELECT,INSERT,UPDATE,DELETE}');
GRANT UPDATE (tags) ON device TO holdfast_app;

-- The dirty set ---------------------------------------------------------------------------------------------------------
-- Written by the tables themselves, so that no use-case can forget it. Statement by statement: a thousand occurrences that
-- one sweep plans for a device are one row here. It runs as whoever changed the row, inside the same walls.

CREATE FUNCTION mark_device_dirty() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO public.device_dirty (tenant_id, customer_id, device_id)
    SELECT DISTINCT tenant_id, customer_id, device_id FROM changed WHERE device_id IS NOT NULL;
  RETURN NULL;
END
$$;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['source', 'vault', 'expected_occurrence', 'backup_run', 'restore_point', 'verification', 'drill', 'damage',
      'alert', 'agent_command'] LOOP
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_device_dirty()',
      name || '_dirties_insert', name);
    EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_device_dirty()',
      name || '_dirties_update', name);
    EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %I REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_device_dirty()',
      name || '_dirties_delete', name);
  END LOOP;
END
$$;

CREATE FUNCTION mark_own_device_dirty() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO public.device_dirty (tenant_id, customer_id, device_id)
    SELECT tenant_id, customer_id, id FROM changed;
  RETURN NULL;
END
$$;
CREATE TRIGGER device_dirties_insert AFTER INSERT ON device
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_own_device_dirty();
CREATE TRIGGER device_dirties_update AFTER UPDATE ON device
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_own_device_dirty();

-- A run brings thousands of objects; only one that becomes bad, or good again, changes what a device shows.
CREATE FUNCTION mark_vault_device_dirty() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO public.device_dirty (tenant_id, customer_id, device_id)
    SELECT tenant_id, customer_id, device_id FROM public.vault WHERE tenant_id = NEW.tenant_id AND id = NEW.vault_id;
  RETURN NULL;
END
$$;
CREATE TRIGGER stored_object_dirties_update AFTER UPDATE ON stored_object FOR EACH ROW
  WHEN ((OLD.state IN ('damaged', 'missing')) <> (NEW.state IN ('damaged', 'missing')))
  EXECUTE FUNCTION mark_vault_device_dirty();
CREATE TRIGGER stored_object_dirties_insert AFTER INSERT ON stored_object FOR EACH ROW
  WHEN (NEW.state IN ('damaged', 'missing')) EXECUTE FUNCTION mark_vault_device_dirty();
CREATE FUNCTION mark_vault_device_dirty_of_old() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO public.device_dirty (tenant_id, customer_id, device_id)
    SELECT tenant_id, customer_id, device_id FROM public.vault WHERE tenant_id = OLD.tenant_id AND id = OLD.vault_id;
  RETURN NULL;
END
$$;
CREATE TRIGGER stored_object_dirties_delete AFTER DELETE ON stored_object FOR EACH ROW
  WHEN (OLD.state IN ('damaged', 'missing')) EXECUTE FUNCTION mark_vault_device_dirty_of_old();

-- Devices that were there before have no row yet. Forced, the walls would hide them from the owner, who runs this.
ALTER TABLE device NO FORCE ROW LEVEL SECURITY;
ALTER TABLE device_dirty NO FORCE ROW LEVEL SECURITY;
INSERT INTO device_dirty (tenant_id, customer_id, device_id) SELECT tenant_id, customer_id, id FROM device;
ALTER TABLE device FORCE ROW LEVEL SECURITY;
ALTER TABLE device_dirty FORCE ROW LEVEL SECURITY;
