/** Runs the gateway: settings from the environment, JSON lines on stdout, an orderly end on SIGTERM and SIGINT. */
import { pino } from 'pino';
import { publicMessage } from '../core/base/errors.ts';
import { loadEnv, type ServerEnv } from '../server/env.ts';
import { startQueueWatch } from '../server/queues/watch-queues.ts';
import { createServices } from '../server/services.ts';
import { createGatewayApp } from './gateway-app.ts';
import { serveGateway } from './serve-gateway.ts';

async function main(): Promise<void> {
  const env = loadEnv();
  const log = pino({ level: env.HOLDFAST_LOG_LEVEL, base: { program: 'gateway' } });
  const services = createServices(env, { log });
  const app = createGatewayApp(services, objectSigning(env));
  const served = await serveGateway(app, { host: env.GATEWAY_HOST, port: env.GATEWAY_PORT }).catch(
    async (error: unknown) => {
      await services.close(); // or its connections keep alive a process that serves nothing
      throw error;
    },
  );
  const watch = startQueueWatch(services);
  log.info({ host: env.GATEWAY_HOST, port: served.port, store: env.HOLDFAST_STORE }, 'gateway ready');

  let isStopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    log.info({ signal }, 'gateway stopping');
    await Promise.all([served.close(), watch.stop()]);
    await services.close();
    log.info({}, 'gateway stopped');
    process.exitCode = 0;
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
}

/** With Google Cloud Storage nobody but Google serves objects, and the endpoint is not there at all. */
function objectSigning(env: ServerEnv): { objectSigningKey?: Uint8Array } {
  if (env.HOLDFAST_STORE !== 'file') return {};
  return { objectSigningKey: Buffer.from(env.HOLDFAST_STORE_SIGNING_KEY ?? '', 'base64') };
}

main().catch((error: unknown) => {
  // A person reads this: one sentence, and the cause below it for the log.
  console.error(publicMessage(error));
  console.error(JSON.stringify({ level: 60, program: 'gateway', msg: 'gateway could not start', err: String(error) }));
  process.exitCode = 1;
});
