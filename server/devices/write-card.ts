import { HoldfastError } from '../../core/base/errors.ts';
import { isDate, type OwnValues } from '../../core/domain/fleet-filter/own-fields.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { applyChange } from '../changes/apply-change.ts';
import { selectOwnFields } from '../fleet/own-fields.ts';
import type { OwnField } from '../fleet/view.ts';
import type { Services } from '../services.ts';

export const NOTE_CHARS_MAX = 2000;
const TEXT_CHARS_MAX = 200;

export interface CardWish {
  /** Empty: none. */
  readonly note: string;
  /** By key; a column that is not named has no value. */
  readonly values: OwnValues;
}

/**
 * Writes the note of a device and its values of the provider's own columns, over what was there. Staff; customers do not see them.
 * @throws HoldfastError forbidden, not_found; bad_request for a value that its column cannot have.
 */
export async function writeCard(services: Services, scope: Scope, deviceId: string, wish: CardWish): Promise<void> {
  requireStaff(scope);
  const { tenantId } = scope;
  const note = wish.note.trim();
  if (note.length > NOTE_CHARS_MAX)
    throw new HoldfastError('bad_request', `A note has at most ${NOTE_CHARS_MAX} characters.`);
  await applyChange(services, scope, async ({ tx, audit }) => {
    const device = await tx.device.findFirst({
      where: { tenantId, id: deviceId, revokedAt: null },
      select: { customerId: true },
    });
    if (device === null) throw new HoldfastError('not_found', 'There is no such device.');
    const fields = new Map((await selectOwnFields(tx, tenantId)).map((field) => [field.key, field]));
    for (const [key, value] of Object.entries(wish.values)) requireFitting(fields.get(key), key, value);
    const data = {
      note,
      values: { ...wish.values },
      notedBy: scope.actor.id,
      notedAt: new Date(services.clock.nowMs()),
    };
    await tx.deviceCard.upsert({
      where: { tenantId_deviceId: { tenantId, deviceId } },
      create: { tenantId, deviceId, customerId: device.customerId, ...data },
      update: data,
    });
    await audit('device.noted', { kind: 'device', id: deviceId }, { note, values: wish.values });
  });
}

function requireFitting(field: OwnField | undefined, key: string, value: string | number): void {
  const refuse = (why: string): never => {
    throw new HoldfastError('bad_request', `${field?.label ?? key}: ${why} Nothing was saved.`);
  };
  if (field === undefined) return refuse('there is no such column any more.');
  switch (field.kind) {
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > 1e12) refuse('this is no number.');
      return;
    case 'date':
      if (typeof value !== 'string' || !isDate(value)) refuse('write a day as 2026-11-21.');
      return;
    case 'choice':
      if (typeof value !== 'string' || !field.choices.includes(value)) refuse(`choose ${field.choices.join(', ')}.`);
      return;
    case 'text':
      if (typeof value !== 'string' || value.trim() === '' || value.length > TEXT_CHARS_MAX)
        refuse(`write at most ${TEXT_CHARS_MAX} characters.`);
  }
}
