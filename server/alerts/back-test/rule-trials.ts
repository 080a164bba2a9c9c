/** Who has seen what a rule would have done. The command that switches rules on asks here, not only the dialog. */
import { createHash } from 'node:crypto';
import { HoldfastError } from '../../../core/base/errors.ts';
import { newId } from '../../../core/base/ids.ts';
import { type Rule, ruleDefinition, type RuleWish } from '../../../core/domain/alerts/rules.ts';
import type { Scope } from '../../access/scope.ts';
import type { Tx } from '../../db/client.ts';
import { withScope } from '../../db/with-scope.ts';
import type { Services } from '../../services.ts';
import type { BackTestView } from '../view.ts';

/** What was seen longer ago is no answer to what happened meanwhile. */
const SEEN_FOR_MS = 3_600_000;

type Definition = Pick<RuleWish, 'kind' | 'parameters' | 'filter'>;

/** A filter may name a thousand customers: its sum is kept, not its text. */
function sumOf(definition: Definition): string {
  return createHash('sha256').update(ruleDefinition(definition)).digest('hex');
}

/** This person has been shown this answer about this definition. */
export async function noteTrial(
  services: Services,
  scope: Scope,
  definition: Definition,
  { alerts, hit }: Pick<BackTestView, 'alerts' | 'hit'>,
): Promise<void> {
  const { tenantId, actor } = scope;
  if (actor.id === null) return; // no person: it may not change rules either
  const row = { tenantId, id: newId(services.clock), userId: actor.id, definition: sumOf(definition) };
  await withScope(services, scope, (tx) =>
    tx.alertRuleTrial.create({ data: { ...row, alerts, devices: hit, at: new Date(services.clock.nowMs()) } }),
  );
}

/**
 * Refuses to switch a rule on, or to change what a rule that is on does, for somebody who has not seen the back-test of exactly
 * this definition within the last hour. Switching it off, its name and its urgency need none.
 * @returns what was seen, for the audit; null where nothing had to be.
 * @throws HoldfastError conflict.
 */
export async function requireTrial(
  services: Pick<Services, 'clock'>,
  tx: Tx,
  scope: Scope,
  former: Pick<Rule, 'kind' | 'parameters' | 'filter' | 'isEnabled'> | null,
  wish: RuleWish,
): Promise<{ readonly alerts: number; readonly subjects: number } | null> {
  if (!wish.isEnabled) return null;
  if (former?.isEnabled === true && ruleDefinition(former) === ruleDefinition(wish)) return null;
  const { tenantId, actor } = scope;
  const seen =
    actor.id === null
      ? null
      : await tx.alertRuleTrial.findFirst({
          where: {
            ...{ tenantId, userId: actor.id, definition: sumOf(wish) },
            at: { gte: new Date(services.clock.nowMs() - SEEN_FOR_MS) },
          },
          orderBy: { at: 'desc' },
        });
  if (seen === null)
    throw new HoldfastError(
      'conflict',
      'The rule was not changed, and alerts go on as before: nobody has looked at what it would have done. Try it on the last 30 days with exactly these limits and this filter, and keep it within an hour.',
    );
  return { alerts: seen.alerts, subjects: seen.devices };
}
