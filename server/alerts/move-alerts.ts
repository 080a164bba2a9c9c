/** Carries out what has to change among the alerts of subjects: the sweep for pages of devices, a finder for the one it looked at. */
import { reconcile, ruleKey, type StandingAlert } from '../../core/domain/alerts/reconcile.ts';
import type { WantedAlert } from '../../core/domain/alerts/evaluate.ts';
import { matchesFilter, type Rule, type RuleSubject } from '../../core/domain/alerts/rules.ts';
import type { Services } from '../services.ts';
import { announceAlerts } from './alert-events.ts';
import { type AlertChange, type AlertSubject, insertAlerts, resolveAlerts, type WeighedAlert } from './open-alert.ts';

export interface AlertMoves {
  readonly open: readonly WeighedAlert[];
  readonly update: readonly { readonly id: string; readonly to: WeighedAlert }[];
  readonly recovered: readonly string[];
  /** Their rule was switched off, or looks elsewhere now: nothing is known to be better. */
  readonly ruleOff: readonly string[];
}

/** Undefined: nothing has to change. */
export function movesOf(
  subject: AlertSubject,
  about: RuleSubject,
  rules: readonly Rule[],
  wanted: readonly WantedAlert[],
  standing: readonly StandingAlert[],
): AlertMoves | undefined {
  const { open, update, resolve } = reconcile(wanted, standing);
  if (open.length + update.length + resolve.length === 0) return undefined;
  const looking = new Set(
    rules
      .filter(({ isEnabled, filter }) => isEnabled && matchesFilter(filter, about))
      .map(({ id, kind }) => ruleKey({ kind, ruleId: id })),
  );
  const over = standing.filter(({ id }) => resolve.includes(id));
  return {
    open: open.map((one) => ({ ...subject, ...one })),
    update: update.map(({ id, to }) => ({ id, to: { ...subject, ...to } })),
    recovered: over.filter((one) => looking.has(ruleKey(one))).map(({ id }) => id),
    ruleOff: over.filter((one) => !looking.has(ruleKey(one))).map(({ id }) => id),
  };
}

/** @returns how many alerts changed. */
export async function moveAlerts(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  tenantId: string,
  moves: readonly AlertMoves[],
): Promise<number> {
  const all = <T>(of: (one: AlertMoves) => readonly T[]): T[] => moves.flatMap(of);
  let changed = await insertAlerts(
    services,
    change,
    all(({ open }) => open),
  );
  for (const { id, to } of all(({ update }) => update)) if (await rewordAlert(services, change, id, to)) changed += 1;
  for (const [ids, how] of [
    [all(({ recovered }) => recovered), 'recovered'],
    [all(({ ruleOff }) => ruleOff), 'rule_off'],
  ] as const)
    changed += await resolveAlerts(services, change, tenantId, ids, how);
  return changed;
}

/** What an alert that stands is about has changed. @returns false when it is over. */
export async function rewordAlert(
  services: Pick<Services, 'clock'>,
  change: AlertChange,
  id: string,
  { tenantId, customerId, severity, cause, title, message }: WeighedAlert,
): Promise<boolean> {
  const { count } = await change.tx.alert.updateMany({
    where: { tenantId, id, resolvedAt: null },
    data: { severity, cause, title, message },
  });
  if (count === 0) return false;
  await change.audit('alert.changed', { kind: 'alert', id }, { severity, cause });
  await announceAlerts(services, change, tenantId, [
    { alertId: id, customerId, event: 'updated', data: { severity, cause } },
  ]);
  return true;
}
