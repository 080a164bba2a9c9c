/** Columns that a provider has defined for its devices. Their values are in device_card. */
import { HoldfastError } from '../../core/base/errors.ts';
import { newId } from '../../core/base/ids.ts';
import type { FilterNode } from '../../core/domain/fleet-filter/filter.ts';
import { keyOf, type OwnFieldKind, ownKeysOf, unknownColumn } from '../../core/domain/fleet-filter/own-fields.ts';
import { requireRole, requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import type { Tx } from '../db/client.ts';
import { isUniqueViolation } from '../db/row-codes.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import type { OwnField } from './view.ts';

/** More than anybody reads beside one another. */
export const OWN_FIELDS_MAX = 30;

export async function selectOwnFields(tx: Tx, tenantId: string): Promise<OwnField[]> {
  const rows = await tx.deviceField.findMany({
    where: { tenantId, removedAt: null },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  });
  return rows.map(({ id, key, label, kind, choices }) => ({
    ...{ id, key, label, choices },
    kind: kind as OwnFieldKind, // held by a CHECK constraint
  }));
}

/** Staff. The oldest first, as they stand beside one another. */
export async function listOwnFields(services: Services, scope: Scope): Promise<OwnField[]> {
  requireStaff(scope);
  return await withScope(services, scope, (tx) => selectOwnFields(tx, scope.tenantId));
}

/**
 * A list that is empty because of a slip of the pen would look like good news.
 * @throws HoldfastError bad_request for a filter that asks for a column that is not there.
 */
export async function requireOwnFields(services: Services, scope: Scope, where: FilterNode | null): Promise<void> {
  const asked = new Set(where === null ? [] : ownKeysOf(where));
  if (asked.size === 0) return;
  const known = new Set((await listOwnFields(services, scope)).map(({ key }) => key));
  const unknown = [...asked].find((key) => !known.has(key));
  if (unknown !== undefined) throw new HoldfastError('bad_request', unknownColumn(unknown, [...known]));
}

export interface OwnFieldWish {
  /** Null: a new one. Of one that is there its kind and its key stay: values and saved filters were written for them. */
  readonly id: string | null;
  readonly label: string;
  readonly kind: OwnFieldKind;
  readonly choices: readonly string[];
}

/** The owner. @throws HoldfastError forbidden, not_found; bad_request for a name or choices that are none; conflict. */
export async function saveOwnField(services: Services, scope: Scope, wish: OwnFieldWish): Promise<{ id: string }> {
  requireRole(scope, 'owner');
  const { tenantId } = scope;
  const label = wish.label.trim();
  const key = keyOf(label);
  const choices = [...new Set(wish.choices.map((one) => one.trim()).filter((one) => one !== ''))];
  if (key === '' || label.length > 40)
    throw new HoldfastError(
      'bad_request',
      'A column has a name of at most 40 characters, with a letter or a digit in it.',
    );
  if (wish.kind === 'choice' && (choices.length === 0 || choices.length > 50))
    throw new HoldfastError('bad_request', 'A column of choices has one to fifty of them.');
  const data = { label, choices: wish.kind === 'choice' ? choices : [] };
  try {
    return await applyChange(services, scope, async ({ tx, audit }) => {
      const id = wish.id ?? newId(services.clock);
      if (wish.id === null) {
        if ((await tx.deviceField.count({ where: { tenantId, removedAt: null } })) >= OWN_FIELDS_MAX)
          throw new HoldfastError('conflict', `There are ${OWN_FIELDS_MAX} columns of your own. Remove one first.`);
        const createdAt = new Date(services.clock.nowMs());
        await tx.deviceField.create({ data: { ...data, tenantId, id, key, kind: wish.kind, createdAt } });
      } else {
        const where = { tenantId, id, kind: wish.kind, removedAt: null };
        const { count } = await tx.deviceField.updateMany({ where, data });
        if (count === 0) throw new HoldfastError('not_found', 'There is no such column of this kind.');
      }
      await audit('device_field.changed', { kind: 'device_field', id }, { label, fieldKind: wish.kind, choices });
      return { id };
    });
  } catch (error) {
    if (isUniqueViolation(error))
      throw new HoldfastError('conflict', 'There is a column of this name already.', { cause: error });
    throw error;
  }
}

/** The owner. What devices have there is gone with it. @throws HoldfastError forbidden, not_found. */
export async function removeOwnField(services: Services, scope: Scope, id: string): Promise<void> {
  requireRole(scope, 'owner');
  const { tenantId } = scope;
  await applyChange(services, scope, async ({ tx, audit }) => {
    const field = await tx.deviceField.findFirst({ where: { tenantId, id, removedAt: null } });
    if (field === null) throw new HoldfastError('not_found', 'There is no such column.');
    await tx.deviceField.updateMany({ where: { tenantId, id }, data: { removedAt: new Date(services.clock.nowMs()) } });
    const cleared = await tx.$executeRaw`
      UPDATE device_card SET values = values - ${field.key}::text
      WHERE tenant_id = ${tenantId}::uuid AND values ? ${field.key}::text`;
    await audit('device_field.changed', { kind: 'device_field', id }, { label: field.label, removed: true, cleared });
  });
}
