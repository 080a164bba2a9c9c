/** What may happen to an alert. Append-only: the history of one is the list of these, and delivery reads them in order. */
export const ALERT_EVENTS = [
  'opened',
  /** Back within half an hour after it was resolved: the same trouble. */
  'reopened',
  'updated',
  'acknowledged',
  'assigned',
  'snoozed',
  'woken',
  'excused',
  'resolved',
] as const;
export type AlertEventKind = (typeof ALERT_EVENTS)[number];

/** Why an alert is over. */
export const RESOLUTIONS = ['recovered', 'accepted', 'excused', 'rule_off', 'device_gone'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

export const RESOLUTION_WORDS: Readonly<Record<Resolution, string>> = {
  recovered: 'It is over by itself.',
  accepted: 'Somebody accepted it.',
  excused: 'It was excused.',
  rule_off: 'Its rule was switched off, or no longer looks at this.',
  device_gone: 'The device was removed.',
};
