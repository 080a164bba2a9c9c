-- Backups that no schedule asked for are few among very many, and every bar of 28 days asks for them.

CREATE INDEX backup_run_unasked ON backup_run (tenant_id, customer_id, device_id) WHERE occurrence_id IS NULL;
