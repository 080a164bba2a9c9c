-- An alert for an error budget that is used up fast: another word among the kinds.
ALTER TABLE alert
  DROP CONSTRAINT alert_kind_check,
  ADD CONSTRAINT alert_kind_check CHECK (kind IN ('damage', 'ransomware', 'clone', 'evidence', 'drill_failed', 'no_point',
    'failing', 'run_failed', 'stuck', 'missed', 'silent', 'suspicious', 'drill_overdue', 'weakened', 'quota', 'growth', 'upkeep',
    'burn'));
ALTER TABLE alert_rule
  DROP CONSTRAINT alert_rule_kind_check,
  ADD CONSTRAINT alert_rule_kind_check CHECK (kind IN ('damage', 'ransomware', 'clone', 'evidence', 'drill_failed', 'no_point',
    'failing', 'run_failed', 'stuck', 'missed', 'silent', 'suspicious', 'drill_overdue', 'weakened', 'quota', 'growth', 'upkeep',
    'burn'));
