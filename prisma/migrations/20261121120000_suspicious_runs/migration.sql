-- A backup that holds far less than the one before it is kept, and somebody has to look.
ALTER TABLE alert
  DROP CONSTRAINT alert_kind_check,
  ADD CONSTRAINT alert_kind_check
    CHECK (kind IN ('damage', 'run_failed', 'missed', 'drill_failed', 'silent', 'clone', 'suspicious'));
