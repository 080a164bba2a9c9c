/** A customer's contract with all its versions, and what can be assigned to its tiers. */
import { HoldfastError } from '../../core/base/errors.ts';
import { dayOf, monthOf } from '../../core/domain/calendar.ts';
import { policyDocument } from '../../core/domain/policy.ts';
import { type SlaTerms, slaTerms, versionAt } from '../../core/domain/sla/contract.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';

export interface ContractView {
  readonly nowMs: number;
  readonly customer: { readonly id: string; readonly name: string; readonly timeZone: string };
  readonly versions: readonly {
    readonly version: number;
    readonly validFromMs: number;
    readonly terms: SlaTerms;
    readonly reason: string;
    readonly author: string;
    readonly createdMs: number;
  }[];
  /** The version that holds now; null: none does. */
  readonly present: number | null;
  readonly policies: readonly {
    readonly id: string;
    readonly name: string;
    readonly rpoMinutes: number;
    readonly rtoMinutes: number;
  }[];
  readonly devices: readonly { readonly id: string; readonly name: string }[];
  /** The newest months of which something is known, to try terms on. */
  readonly months: readonly string[];
  readonly today: string;
  readonly excusesNeedTwo: boolean;
}

/** @throws HoldfastError forbidden, not_found. */
export async function viewContract(services: Services, scope: Scope, customerId: string): Promise<ContractView> {
  requireStaff(scope);
  const { tenantId } = scope;
  const nowMs = services.clock.nowMs();
  return await withScope(services, scope, async (tx) => {
    const customer = await tx.customer.findFirst({ where: { tenantId, id: customerId } });
    if (customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    const where = { tenantId, customerId };
    const rows = await tx.slaContractVersion.findMany({
      where,
      orderBy: { version: 'desc' },
      include: { author: { select: { name: true } } },
    });
    const versions = rows.map((row) => ({
      version: row.version,
      validFromMs: row.validFrom.getTime(),
      terms: slaTerms.parse(row.terms),
      reason: row.reason,
      author: row.author.name,
      createdMs: row.createdAt.getTime(),
    }));
    const policies = await tx.policy.findMany({ where, orderBy: { name: 'asc' } });
    const months = await tx.customerMonth.findMany({
      where,
      select: { month: true },
      orderBy: { month: 'desc' },
      take: 12,
    });
    const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { excusesNeedTwo: true } });
    return {
      nowMs,
      customer: { id: customer.id, name: customer.name, timeZone: customer.timezone },
      versions,
      present: versionAt(versions, nowMs)?.version ?? null,
      policies: policies.map(({ id, name, document }) => {
        const { rpoMinutes, rtoMinutes } = policyDocument.parse(document);
        return { id, name, rpoMinutes, rtoMinutes };
      }),
      devices: await tx.device.findMany({
        where: { ...where, revokedAt: null },
        select: { id: true, name: true },
        orderBy: [{ name: 'asc' }, { id: 'asc' }],
      }),
      months: [...new Set([monthOf(nowMs, customer.timezone), ...months.map(({ month }) => month)])].sort().reverse(),
      today: dayOf(nowMs, customer.timezone),
      excusesNeedTwo: tenant.excusesNeedTwo,
    };
  });
}
