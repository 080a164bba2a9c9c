/** What a rule would have done in the last 30 days, from the rows of that time: how often, for whom, how long, and for nothing. */
import { backTest, type PastAlert, type Stretch } from '../../../core/domain/alerts/back-test.ts';
import { backTestQuota } from '../../../core/domain/alerts/back-test-quota.ts';
import { type AlertKind, isFoundKind, isPastKeptApart } from '../../../core/domain/alerts/kinds.ts';
import { isRuleOf, parseParameters, type Rule, type RuleWish } from '../../../core/domain/alerts/rules.ts';
import { requireStaff, type Scope } from '../../access/scope.ts';
import { withScope } from '../../db/with-scope.ts';
import type { Services } from '../../services.ts';
import { loadPolicyFacts, type PolicyFacts } from '../load-device-facts.ts';
import type { BackTestView } from '../view.ts';
import { type ChosenDevice, chooseDevices } from './choose-devices.ts';
import { loadFindings } from './load-findings.ts';
import { loadPasts } from './load-pasts.ts';
import { loadQuotaPasts } from './load-quota-pasts.ts';
import { noteTrial } from './rule-trials.ts';
import { summarise } from './summarise.ts';

const DAYS = 30;
const DAY_MS = 86_400_000;
/** What stood when the 30 days began follows from the days before: growth looks back four weeks. */
const BEFORE_DAYS = 30;
/** Devices of one page, and of one test: of a larger fleet a sample is looked at, which is drawn by their ids. */
const PAGE = 200;
const DEVICES_MAX = 2000;

/** Changes nothing but this: that this person has seen the answer, which a rule needs before it is switched on. */
export async function testRule(services: Services, scope: Scope, wish: RuleWish): Promise<BackTestView> {
  requireStaff(scope);
  const rule: Rule = { ...wish, id: null, isEnabled: true, parameters: parseParameters(wish.kind, wish.parameters) };
  const view = await tryOnPast(services, scope, rule);
  await noteTrial(services, scope, wish, view);
  return view;
}

async function tryOnPast(services: Services, scope: Scope, rule: Rule): Promise<BackTestView> {
  const nowMs = services.clock.nowMs();
  const { tenantId } = scope;
  const { devices, policies, keptMs } = await withScope(services, scope, async (tx) => {
    const facts = await loadPolicyFacts(tx, tenantId, nowMs);
    const { pastKeptAt } = await tx.tenant.findUniqueOrThrow({
      where: { id: tenantId },
      select: { pastKeptAt: true },
    });
    return { policies: facts, devices: await chooseDevices(tx, tenantId, rule, facts), keptMs: pastKeptAt.getTime() };
  });
  const startMs = nowMs - DAYS * DAY_MS;
  const knownMs = isPastKeptApart(rule.kind) ? Math.min(nowMs, Math.max(startMs, keptMs)) : startMs;
  const stretch = { startMs: knownMs, endMs: nowMs };
  const of = { days: DAYS, about: aboutOf(rule.kind), ...stretch };
  if (isRuleOf(rule, 'quota')) return await tryQuotas(services, scope, rule, devices, policies, of);
  if (isFoundKind(rule.kind)) {
    const { alerts, names } = await withScope(services, scope, (tx) =>
      loadFindings(tx, tenantId, rule, devices, stretch),
    );
    return summarise(alerts, names, { ...of, looked: devices.length, total: devices.length });
  }
  const chosen = devices.slice(0, DEVICES_MAX);
  const since = new Date(startMs - BEFORE_DAYS * DAY_MS);
  const alerts: PastAlert[] = [];
  for (let at = 0; at < chosen.length; at += PAGE) {
    const pasts = await withScope(services, scope, (tx) =>
      loadPasts(tx, tenantId, chosen.slice(at, at + PAGE), policies, since, rule.kind === 'retention' ? nowMs : null),
    );
    for (const past of pasts) alerts.push(...backTest(rule, past, stretch));
  }
  const names = new Map(chosen.map((device) => [device.id, device]));
  return summarise(alerts, names, { ...of, looked: chosen.length, total: devices.length });
}

async function tryQuotas(
  services: Services,
  scope: Scope,
  rule: Rule<'quota'>,
  devices: readonly ChosenDevice[],
  policies: ReadonlyMap<string, PolicyFacts>,
  of: Stretch & { readonly days: number } & Pick<BackTestView, 'about'>,
): Promise<BackTestView> {
  const { pasts, names, total } = await withScope(services, scope, (tx) =>
    loadQuotaPasts(tx, scope.tenantId, devices, policies),
  );
  const alerts = pasts.flatMap((past) => backTestQuota(rule, past, of));
  return summarise(alerts, names, { ...of, looked: pasts.length, total });
}

/** What an alert of a kind is about. */
function aboutOf(kind: AlertKind): BackTestView['about'] {
  if (kind === 'quota') return 'quota';
  if (kind === 'evidence' || kind === 'burn') return 'customer';
  return kind === 'weakened' ? 'setting' : 'device';
}
