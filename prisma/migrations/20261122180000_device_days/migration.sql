-- The days of a device's bar, computed with its summary: a customer's home counted three thousand rows anew for each who looked.
ALTER TABLE "device_summary" ADD COLUMN "days" TEXT;
GRANT UPDATE (days) ON device_summary TO holdfast_app;

-- They are days by the customer's clock.
CREATE FUNCTION mark_customer_devices_dirty() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO public.device_dirty (tenant_id, customer_id, device_id)
    SELECT tenant_id, customer_id, id FROM public.device WHERE tenant_id = NEW.tenant_id AND customer_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER customer_dirties_update AFTER UPDATE ON customer FOR EACH ROW
  WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone) EXECUTE FUNCTION mark_customer_devices_dirty();

-- Devices that were there before have none yet. Forced, the walls would hide them from the owner, who runs this.
ALTER TABLE device NO FORCE ROW LEVEL SECURITY;
ALTER TABLE device_dirty NO FORCE ROW LEVEL SECURITY;
INSERT INTO device_dirty (tenant_id, customer_id, device_id) SELECT tenant_id, customer_id, id FROM device;
ALTER TABLE device FORCE ROW LEVEL SECURITY;
ALTER TABLE device_dirty FORCE ROW LEVEL SECURITY;
