/** How the paper of a provider looks, or that of one of its customers: staff see and change it. */
import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import type { BrandTerms } from '../../core/domain/reports/brand.ts';
import { cleanLogo } from '../../core/domain/reports/clean-logo.ts';
import { requireRole, requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { loadBrand } from './load-brand.ts';

export interface BrandWish {
  readonly terms: BrandTerms;
  /** base64; null: without one; undefined: as it was. */
  readonly logo?: string | null | undefined;
}

/** @throws HoldfastError forbidden; not_found; bad_request for a picture that cannot be printed. */
export async function saveBrand(
  services: Services,
  scope: Scope,
  customerId: string | null,
  { terms, logo }: BrandWish,
): Promise<Record<string, never>> {
  requireRole(scope, 'owner');
  const { tenantId } = scope;
  const changedBy = scope.actor.id;
  if (changedBy === null) throw new HoldfastError('forbidden', 'Only a person can change how reports look.');
  const picture = typeof logo === 'string' ? cleanLogo(Buffer.from(logo, 'base64')) : undefined;
  await applyChange(services, scope, async ({ tx, audit }) => {
    if (customerId !== null && (await tx.customer.count({ where: { tenantId, id: customerId } })) === 0)
      throw new HoldfastError('not_found', 'There is no such customer.');
    const data = {
      ...terms,
      ...(logo === undefined ? {} : { logo: picture?.bytes ?? null }),
      changedBy,
      changedAt: new Date(services.clock.nowMs()),
    };
    const { count } = await tx.reportBrand.updateMany({ where: { tenantId, customerId }, data });
    const id = newId(services.clock);
    if (count === 0) await tx.reportBrand.createMany({ data: { tenantId, id, customerId, ...data } });
    const looks = picture === undefined ? {} : { logo: `${picture.kind}, ${picture.width} × ${picture.height}` };
    await audit('report_brand.changed', { kind: 'report_brand', id: customerId }, { ...terms, ...looks });
  });
  return {};
}

/** A customer's reports look like the provider's again. @throws HoldfastError forbidden, not_found. */
export async function dropBrand(services: Services, scope: Scope, customerId: string): Promise<Record<string, never>> {
  requireRole(scope, 'owner');
  const { tenantId } = scope;
  await applyChange(services, scope, async ({ tx, audit }) => {
    const { count } = await tx.reportBrand.deleteMany({ where: { tenantId, customerId } });
    if (count === 0) throw new HoldfastError('not_found', 'This customer has no look of its own.');
    await audit('report_brand.changed', { kind: 'report_brand', id: customerId }, { dropped: true });
  });
  return {};
}

export interface BrandView {
  readonly customers: readonly { readonly id: string; readonly name: string; readonly hasOwn: boolean }[];
  readonly customer: { readonly id: string; readonly name: string } | null;
  /** False: what is shown is the provider's, or nobody has chosen anything yet. */
  readonly isOwn: boolean;
  readonly terms: BrandTerms;
  /** A data: address of a picture that was checked; null: the name stands in its place. */
  readonly logo: string | null;
  readonly mayChange: boolean;
}

/** @throws HoldfastError forbidden, not_found. */
export async function viewBrand(services: Services, scope: Scope, customerId: string | null): Promise<BrandView> {
  requireStaff(scope);
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const customers = await tx.customer.findMany({
      where: { tenantId },
      select: { id: true, name: true, reportBrand: { select: { id: true } } },
      orderBy: [{ name: 'asc' }, { id: 'asc' }],
    });
    const customer = customers.find(({ id }) => id === customerId) ?? null;
    if (customerId !== null && customer === null) throw new HoldfastError('not_found', 'There is no such customer.');
    // For the provider's own look a customer that nobody is: no row but the provider's can match.
    const brand = await loadBrand(tx, { tenantId, customerId: customerId ?? tenantId });
    const { logo, ...terms } = brand;
    return {
      customers: customers.map(({ id, name, reportBrand }) => ({ id, name, hasOwn: reportBrand.length > 0 })),
      customer: customer === null ? null : { id: customer.id, name: customer.name },
      isOwn: customer === null ? true : customer.reportBrand.length > 0,
      terms,
      logo: logo === undefined ? null : dataAddress(logo),
      mayChange: scope.role === 'owner',
    };
  });
}

function dataAddress(logo: Uint8Array): string {
  const kind = logo[0] === 0xff ? 'jpeg' : 'png';
  return `data:image/${kind};base64,${Buffer.from(logo).toString('base64')}`;
}
