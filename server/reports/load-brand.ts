import { DEFAULT_ACCENT } from '../../core/domain/reports/brand.ts';
import type { ReportBrand } from '../../core/domain/reports/month-report.ts';
import type { Tx } from '../db/client.ts';

export interface LoadedBrand extends ReportBrand {
  readonly contact: string;
}

/** A customer's own look, else the provider's, else the provider's name in the ink of everybody. */
export async function loadBrand(
  tx: Tx,
  { tenantId, customerId }: { readonly tenantId: string; readonly customerId: string },
): Promise<LoadedBrand & { readonly paper: 'A4' | 'LETTER' }> {
  const rows = await tx.reportBrand.findMany({ where: { tenantId, OR: [{ customerId }, { customerId: null }] } });
  const row = rows.find((one) => one.customerId === customerId) ?? rows[0];
  if (row === undefined) {
    const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { name: true } });
    return { name: tenant.name, accent: DEFAULT_ACCENT, footer: '', contact: '', paper: 'A4' };
  }
  const { name, accent, footer, contact, paper, logo } = row;
  return {
    ...{ name, accent, footer, contact },
    paper: paper === 'LETTER' ? 'LETTER' : 'A4',
    ...(logo === null ? {} : { logo }),
  };
}
