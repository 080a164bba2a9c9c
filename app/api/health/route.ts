import { portalServices } from '../../_server/portal-services.ts';

/** 200 while the database answers; for those who supervise the portal. Says nothing about customers. */
export async function GET(): Promise<Response> {
  const isWell = await portalServices()
    .db.ping()
    .catch(() => false);
  return Response.json({ ok: isWell }, { status: isWell ? 200 : 503, headers: { 'cache-control': 'no-store' } });
}

export const dynamic = 'force-dynamic';
