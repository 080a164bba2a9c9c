-- "Retention has stopped": restore points that a policy no longer keeps and that are still there. Another word among the kinds.
ALTER TABLE alert
  DROP CONSTRAINT alert_kind_check,
  ADD CONSTRAINT alert_kind_check CHECK (kind IN ('damage', 'ransomware', 'clone', 'evidence', 'drill_failed', 'no_point',
    'failing', 'run_failed', 'stuck', 'missed', 'silent', 'suspicious', 'drill_overdue', 'weakened', 'quota', 'growth', 'upkeep',
    'burn', 'retention'));
ALTER TABLE alert_rule
  DROP CONSTRAINT alert_rule_kind_check,
  ADD CONSTRAINT alert_rule_kind_check CHECK (kind IN ('damage', 'ransomware', 'clone', 'evidence', 'drill_failed', 'no_point',
    'failing', 'run_failed', 'stuck', 'missed', 'silent', 'suspicious', 'drill_overdue', 'weakened', 'quota', 'growth', 'upkeep',
    'burn', 'retention'));

-- When a point was let go, whoever does it: what was too old for how long is not to be guessed afterwards.
ALTER TABLE "restore_point" ADD COLUMN "expired_at" TIMESTAMPTZ;
GRANT UPDATE (expired_at) ON restore_point TO holdfast_app;
CREATE FUNCTION note_expiry() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  NEW.expired_at := coalesce(NEW.expired_at, now());
  RETURN NEW;
END $$;
CREATE TRIGGER note_expiry BEFORE UPDATE ON restore_point FOR EACH ROW
  WHEN (NEW.state = 'expired' AND OLD.state <> 'expired') EXECUTE FUNCTION note_expiry();

-- Since when the first of a device's points should have been gone; the newest seal or another policy decides, not the time.
ALTER TABLE "device_watch" ADD COLUMN "overdue_at" TIMESTAMPTZ;
GRANT UPDATE (overdue_at) ON device_watch TO holdfast_app;
CREATE FUNCTION mark_policy_devices_dirty() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO public.device_dirty (tenant_id, customer_id, device_id)
    SELECT tenant_id, customer_id, id FROM public.device WHERE tenant_id = NEW.tenant_id AND policy_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER policy_dirties_update AFTER UPDATE ON policy FOR EACH ROW
  WHEN (OLD.document -> 'retention' IS DISTINCT FROM NEW.document -> 'retention') EXECUTE FUNCTION mark_policy_devices_dirty();
