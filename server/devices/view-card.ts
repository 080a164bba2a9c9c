import type { OwnValues } from '../../core/domain/fleet-filter/own-fields.ts';
import { requireStaff, type Scope } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import { selectOwnFields } from '../fleet/own-fields.ts';
import type { OwnField } from '../fleet/view.ts';
import type { Services } from '../services.ts';

export interface CardView {
  /** Empty: none. */
  readonly note: string;
  readonly notedBy: string | null;
  readonly notedMs: number | null;
  readonly values: OwnValues;
  readonly fields: readonly OwnField[];
}

/** What staff have written about a device. Staff only. @throws HoldfastError forbidden. */
export async function viewCard(services: Services, scope: Scope, deviceId: string): Promise<CardView> {
  requireStaff(scope);
  const { tenantId } = scope;
  return await withScope(services, scope, async (tx) => {
    const card = await tx.deviceCard.findFirst({
      where: { tenantId, deviceId },
      include: { noter: { select: { name: true } } },
    });
    return {
      note: card?.note ?? '',
      notedBy: card?.noter?.name ?? null,
      notedMs: card?.notedAt?.getTime() ?? null,
      values: (card?.values ?? {}) as OwnValues, // written by write-card.ts alone
      fields: await selectOwnFields(tx, tenantId),
    };
  });
}
