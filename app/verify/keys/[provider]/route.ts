/** The public keys that sign a provider's evidence, for anybody who holds a bundle of it: nothing else is told. */
import { isUuid } from '../../../../core/base/ids.ts';
import { scopeForSystem } from '../../../../server/access/scope.ts';
import { listEvidenceKeys } from '../../../../server/evidence/queries.ts';
import { portalServices } from '../../../_server/portal-services.ts';

export async function GET(_: Request, { params }: { params: Promise<{ provider: string }> }): Promise<Response> {
  const { provider } = await params;
  // A provider that never was answers like one that has signed nothing yet.
  const keys = isUuid(provider) ? await listEvidenceKeys(portalServices(), scopeForSystem(provider)) : [];
  return Response.json({ keys }, { headers: { 'cache-control': 'no-cache' } });
}
