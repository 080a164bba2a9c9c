/**
 * From the alerts that stand and those that are wanted to what has to change. One open alert a subject and rule; what comes
 * back soon after it was resolved is the same trouble, so it keeps its history and its people and nobody is told anew.
 */
import type { WantedAlert } from './evaluate.ts';
import type { AlertKind, Severity } from './kinds.ts';

/** Back within this time after it was resolved: the same episode. */
export const FLAP_MS = 30 * 60_000;

/** An alert of one subject as far as the decision needs it. */
export interface StandingAlert {
  readonly id: string;
  readonly kind: AlertKind;
  readonly ruleId: string | null;
  readonly severity: Severity;
  readonly cause: string;
}

export interface Reconciliation {
  readonly open: readonly WantedAlert[];
  /** What it is about, or how urgent it is, has changed. */
  readonly update: readonly { readonly id: string; readonly to: WantedAlert }[];
  readonly resolve: readonly string[];
}

export function ruleKey({ kind, ruleId }: { readonly kind: string; readonly ruleId: string | null }): string {
  return ruleId ?? kind;
}

/** Repeating it after it was carried out changes nothing. */
export function reconcile(wanted: readonly WantedAlert[], standing: readonly StandingAlert[]): Reconciliation {
  const wantedBy = new Map(wanted.map((one) => [ruleKey(one), one]));
  const standingBy = new Map(standing.map((one) => [ruleKey(one), one]));
  return {
    open: [...wantedBy.values()].filter((one) => !standingBy.has(ruleKey(one))),
    update: standing.flatMap((one) => {
      const to = wantedBy.get(ruleKey(one));
      return to !== undefined && isChanged(one, to) ? [{ id: one.id, to }] : [];
    }),
    resolve: standing.filter((one) => !wantedBy.has(ruleKey(one))).map(({ id }) => id),
  };
}

/** Its words alone are no change: whoever found it first may have said it better. */
function isChanged(from: StandingAlert, to: WantedAlert): boolean {
  return from.severity !== to.severity || from.cause !== to.cause;
}
