/** A filter of the list under a name. Everybody has their own; a shared one is seen by all staff and changed by its owner. */
import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import { type Density, readColumns } from '../../core/domain/fleet-filter/columns.ts';
import type { DayRule } from '../../core/domain/fleet-filter/day-rule.ts';
import { parseFilter } from '../../core/domain/fleet-filter/parse-filter.ts';
import { printFilter } from '../../core/domain/fleet-filter/print-filter.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import { isUniqueViolation } from '../db/row-codes.ts';
import type { Services } from '../services.ts';

/** More than anybody looks through. */
const VIEWS_MAX = 100;

export interface ViewWish {
  /** Null: a new one. */
  readonly id: string | null;
  readonly name: string;
  readonly filter: string;
  readonly columns: readonly string[];
  readonly density: Density;
  readonly dayRule: DayRule;
  readonly isShared: boolean;
}

/** @throws HoldfastError bad_request for a filter that cannot be read; conflict where the name is taken; not_found. */
export async function saveFleetView(services: Services, scope: Scope, wish: ViewWish): Promise<{ id: string }> {
  requireStaff(scope);
  const ownerId = ownerOf(scope);
  const name = wish.name.trim();
  if (name.length === 0 || name.length > 80)
    throw new HoldfastError('bad_request', 'A view has a name of at most 80 characters.');
  const data = {
    name,
    filter: printFilter(parseFilter(wish.filter)),
    columns: [...readColumns(wish.columns)],
    density: wish.density,
    dayRule: wish.dayRule,
    isShared: wish.isShared,
    updatedAt: new Date(services.clock.nowMs()),
  };
  const { tenantId } = scope;
  try {
    return await applyChange(services, scope, async ({ tx, audit }) => {
      const id = wish.id ?? newId(services.clock);
      if (wish.id === null) {
        if ((await tx.fleetView.count({ where: { tenantId, ownerId } })) >= VIEWS_MAX)
          throw new HoldfastError('conflict', 'You have a hundred views. Remove one that you no longer use.');
        await tx.fleetView.create({ data: { ...data, tenantId, id, ownerId, createdAt: data.updatedAt } });
      } else {
        const { count } = await tx.fleetView.updateMany({ where: { tenantId, id, ownerId }, data });
        if (count === 0) throw new HoldfastError('not_found', 'There is no such view of yours.');
      }
      await audit('fleet_view.saved', { kind: 'fleet_view', id }, { isShared: wish.isShared });
      return { id };
    });
  } catch (error) {
    if (isUniqueViolation(error))
      throw new HoldfastError('conflict', 'You have a view of this name already.', { cause: error });
    throw error;
  }
}

/** An owner of the provider may remove shared views of others too: people leave. */
export async function removeFleetView(services: Services, scope: Scope, id: string): Promise<void> {
  requireStaff(scope);
  const { tenantId } = scope;
  const own = { ownerId: ownerOf(scope) };
  await applyChange(services, scope, async ({ tx, audit }) => {
    const removable = scope.role === 'owner' ? { OR: [own, { isShared: true }] } : own;
    const { count } = await tx.fleetView.deleteMany({ where: { tenantId, id, ...removable } });
    if (count === 0) throw new HoldfastError('not_found', 'There is no such view of yours.');
    await audit('fleet_view.removed', { kind: 'fleet_view', id });
  });
}

function ownerOf(scope: Scope): string {
  if (scope.actor.kind !== 'user' || scope.actor.id === null)
    throw new HoldfastError('forbidden', 'A view belongs to a person.');
  return scope.actor.id;
}
