import type { Hono } from 'hono';
import type { GatewayEnvironment } from './gateway-environment.ts';

/** An object of this name is never there; asking for it shows whether the store answers. */
const PROBE_KEY = 'readiness-probe';
const PROBE_MS_MAX = 5000;

/** `/livez`: this process answers. `/readyz`: its database and its object store answer too; 503 names what does not. */
export function addHealthRoutes(app: Hono<GatewayEnvironment>): void {
  app.get('/livez', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', async (c) => {
    const { db, store, log } = c.get('services');
    const [database, objects] = await Promise.all([
      answers(() => db.ping()),
      answers(async () => {
        await store.sizeOf(PROBE_KEY);
        return true;
      }),
    ]);
    if (!database || !objects) log.warn({ database, objects }, 'not ready');
    return c.json(
      { status: database && objects ? 'ok' : 'unavailable', database, objects },
      database && objects ? 200 : 503,
    );
  });
}

async function answers(ask: () => Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PROBE_MS_MAX);
  });
  try {
    return await Promise.race([ask(), late]);
  } catch {
    return false; // the cause is logged where it arises; the probe only says which part does not answer
  } finally {
    clearTimeout(timer);
  }
}
