/** The gateway on a port, and its orderly end. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HttpBindings, serve } from '@hono/node-server';
import type { Hono } from 'hono';
import { HoldfastError } from '../core/base/errors.ts';
import type { GatewayEnvironment } from './gateway-environment.ts';

export interface ServedGateway {
  readonly url: string;
  readonly port: number;
  /** Lets running requests finish for at most `graceMs`, then ends them: an agent repeats what was cut off. */
  close(graceMs?: number): Promise<void>;
}

/** Below what an orchestrator waits before it kills. */
const GRACE_MS = 20_000;
/** Longer than the time between heartbeats, so that an agent keeps its connection. */
const KEEP_ALIVE_MS = 75_000;

/** @throws HoldfastError port_busy */
export async function serveGateway(
  app: Hono<GatewayEnvironment> | Hono<{ Bindings: HttpBindings }>,
  listen: { readonly host: string; readonly port: number },
): Promise<ServedGateway> {
  return await new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port: listen.port, hostname: listen.host }, (info: AddressInfo) => {
      resolve({
        url: `http://${listen.host}:${info.port}`,
        port: info.port,
        close: (graceMs = GRACE_MS) => closeServer(server, graceMs),
      });
    }) as Server;
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    // A pack over a slow line may take more than Node's five minutes; request-body.ts bounds silence instead.
    server.requestTimeout = 0;
    server.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new HoldfastError(
              'port_busy',
              `Port ${listen.port} is in use by another program. Stop it, or choose another port with GATEWAY_PORT.`,
              { cause: error },
            )
          : error,
      );
    });
  });
}

/** How often connections that have become idle are ended while the last requests finish. */
const SWEEP_MS = 50;

async function closeServer(server: Server, graceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = setTimeout(() => server.closeAllConnections(), graceMs);
    // A kept-alive connection would otherwise hold the process for the whole grace.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    server.close(() => {
      clearTimeout(end);
      clearInterval(sweep);
      resolve();
    });
  });
}
