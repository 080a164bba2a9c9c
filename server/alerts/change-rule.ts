import { z } from 'zod';
import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { type AlertKind, KIND_WORDS } from '../../core/domain/alerts/kinds.ts';
import {
  builtInRule,
  OWN_RULE_KINDS,
  parseParameters,
  type Rule,
  type RuleFilter,
  type RuleWish,
  ruleWish,
} from '../../core/domain/alerts/rules.ts';
import { requireRole, type Scope } from '../access/scope.ts';
import { applyChange, type Change } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import type { Services } from '../services.ts';
import { requireTrial } from './back-test/rule-trials.ts';
import { toRule } from './load-rules.ts';

/** More rules of a provider's own say that its filters are wrong; each is looked at for every device. */
export const OWN_RULES_MAX = 100;

/** Which rule: a built-in one by its kind, one of the provider's own by its id, or a new one. */
export const ruleTarget = z.union([
  z.strictObject({ builtIn: z.literal(true) }),
  z.strictObject({ id: z.uuid() }),
  z.strictObject({ isNew: z.literal(true) }),
]);
export type RuleTarget = z.infer<typeof ruleTarget>;

/**
 * Changes a rule, or makes one. What it asks for is opened, and what it no longer asks for is closed, by the next sweep.
 * The owner alone: a rule that is off is a failure that nobody hears of. What a rule that is on does is changed only by somebody
 * who has just seen what it would have done (back-test/rule-trials.ts).
 * @throws HoldfastError forbidden, not_found, bad_request; conflict without a back-test.
 */
export async function changeRule(
  services: Services,
  scope: Scope,
  target: RuleTarget,
  given: RuleWish,
): Promise<{ readonly id: string }> {
  requireRole(scope, 'owner');
  const wish = checkWish(given);
  return await applyChange(services, scope, async (change) => {
    await checkFilter(change, scope, wish.filter);
    const seen = await requireTrial(services, change.tx, scope, await loadFormer(change.tx, scope, target, wish), wish);
    const id = await write(services, change, scope, target, wish);
    const { kind, name, isEnabled, severity, parameters, filter } = wish;
    await change.audit(
      'alert_rule.changed',
      { kind: 'alert_rule', id },
      { kind, name, isEnabled, severity, parameters, filter, ...(seen === null ? {} : { backTest: seen }) },
    );
    return { id };
  });
}

function checkWish(given: RuleWish): RuleWish {
  const parsed = ruleWish.safeParse(given);
  if (!parsed.success)
    throw new HoldfastError('bad_request', parsed.error.issues[0]?.message ?? 'The rule is not as expected.');
  const parameters = { ...parseParameters(parsed.data.kind, parsed.data.parameters) };
  return { ...parsed.data, parameters };
}

/** The rule as it stands; null for one that is not there yet. */
async function loadFormer(tx: Tx, { tenantId }: Scope, target: RuleTarget, { kind }: RuleWish): Promise<Rule | null> {
  if ('isNew' in target) return null;
  const row = await tx.alertRule.findFirst({
    where: { tenantId, kind, ...('id' in target ? { id: target.id, isBuiltIn: false } : { isBuiltIn: true }) },
  });
  if (row !== null) return toRule(row);
  if ('id' in target) throw new HoldfastError('not_found', 'There is no such rule.');
  return builtInRule(kind);
}

async function write(
  services: Services,
  change: Change,
  scope: Scope,
  target: RuleTarget,
  wish: RuleWish,
): Promise<string> {
  const { tenantId } = scope;
  const { kind, ...rest } = wish;
  const at = new Date(services.clock.nowMs());
  const data = {
    isEnabled: rest.isEnabled,
    severity: rest.severity,
    parameters: rest.parameters as object,
    filter: rest.filter as object,
    updatedAt: at,
    updatedBy: scope.actor.id,
  };
  if ('builtIn' in target) {
    // Its name is that of its kind everywhere.
    const name = KIND_WORDS[kind].name;
    const former = await change.tx.alertRule.findFirst({ where: { tenantId, kind, isBuiltIn: true } });
    if (former === null) {
      const id = newId(services.clock);
      await change.tx.alertRule.create({ data: { tenantId, id, kind, isBuiltIn: true, name, createdAt: at, ...data } });
      return id;
    }
    await change.tx.alertRule.update({ where: { tenantId_id: { tenantId, id: former.id } }, data });
    return former.id;
  }
  requireOwnKind(kind);
  if ('id' in target) {
    const changed = await change.tx.alertRule.updateMany({
      where: { tenantId, id: target.id, kind, isBuiltIn: false },
      data: { ...data, name: rest.name },
    });
    if (changed.count === 0) throw new HoldfastError('not_found', 'There is no such rule.');
    return target.id;
  }
  if ((await change.tx.alertRule.count({ where: { tenantId, isBuiltIn: false } })) >= OWN_RULES_MAX)
    throw new HoldfastError('conflict', `There are ${OWN_RULES_MAX} rules already. Change one of them instead.`);
  const id = newId(services.clock);
  await change.tx.alertRule.create({
    data: { tenantId, id, kind, isBuiltIn: false, name: rest.name, createdAt: at, ...data },
  });
  return id;
}

function requireOwnKind(kind: AlertKind): void {
  if (!(OWN_RULE_KINDS as readonly AlertKind[]).includes(kind))
    throw new HoldfastError(
      'bad_request',
      'This has no limit that a rule of your own could set. Change the built-in rule.',
    );
}

/** A rule that looks at what is not there would never alert, and nobody would know. */
async function checkFilter({ tx }: Change, { tenantId }: Scope, filter: RuleFilter): Promise<void> {
  const customers = [...new Set(filter.customerIds ?? [])];
  const policies = [...new Set(filter.policyIds ?? [])];
  const known =
    (await tx.customer.count({ where: { tenantId, id: { in: customers } } })) +
    (await tx.policy.count({ where: { tenantId, id: { in: policies } } }));
  if (known !== customers.length + policies.length)
    throw new HoldfastError('bad_request', 'The rule names a customer or a policy that is not there.');
}
