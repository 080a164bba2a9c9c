/** What the commands that speak with the service have in common: a parsed --state, the identity, a client with its key. */
import { resolve } from 'node:path';
import type { Log } from '../../core/base/log.ts';
import type { CommandIo } from '../command-io.ts';
import { type DeviceKey, GatewayClient } from '../gateway/gateway-client.ts';
import { createHttpTransfer } from '../gateway/http-transfer.ts';
import { loadState } from '../state/agent-state.ts';
import { type Identity, loadIdentity } from '../state/identity.ts';

export function statePathOf(io: CommandIo, given: string | undefined): string {
  return given === undefined ? io.env.statePath : resolve(given);
}

export function clientFor(
  io: CommandIo,
  log: Log,
  serverUrl: string,
  device: DeviceKey | undefined,
  retryForMs?: number,
): GatewayClient {
  return new GatewayClient({
    serverUrl,
    device,
    log,
    transfer: createHttpTransfer(io.env.proxyEnv),
    ...(retryForMs === undefined ? {} : { retryForMs }),
  });
}

/** A person waits at the terminal: a minute of patience, not the hour that an unattended run has. */
export const TERMINAL_RETRY_MS = 60_000;

export async function openClient(
  io: CommandIo,
  log: Log,
  statePath: string,
  retryForMs?: number,
): Promise<{ identity: Identity; client: GatewayClient }> {
  const identity = await loadIdentity(statePath);
  const client = clientFor(io, log, identity.serverUrl, identity, retryForMs);
  // The limits hold for what a person starts too: the line is the same.
  client.speed.obey((await loadState(statePath)).policy?.limits);
  return { identity, client };
}
