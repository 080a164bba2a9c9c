import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createFirstDeviceToken } from '../../server/seed/first-start.ts';
import type { Services } from '../../server/services.ts';
import { agentEnvironment, agentStatePath, gatewayUrl } from './environment.ts';
import { runTask } from './run-task.ts';
import type { StartSettings } from './settings.ts';
import { writePrivateFile } from './write-private-file.ts';

interface EnrolOptions {
  services: Services;
  tenantId: string;
  /** Of the seed; null on later starts. */
  token: string | null;
  outside: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

/** Enrols this machine through the gateway as any other would be, unless it is enrolled. Returns whether it was now. */
export async function enrolThisMachine(settings: StartSettings, options: EnrolOptions): Promise<boolean> {
  const identityPath = path.join(agentStatePath(settings), 'identity.json');
  if (existsSync(identityPath)) {
    followGateway(identityPath, gatewayUrl(settings));
    return false;
  }
  const { services, tenantId, outside, signal } = options;
  const token = options.token ?? (await createFirstDeviceToken(services, tenantId, settings.deviceName));
  await runTask(path.join(settings.root, 'bin/holdfast'), ['enroll', '--server', gatewayUrl(settings)], {
    cwd: settings.root,
    // By the environment, so that the token is in no process list.
    env: { ...agentEnvironment(settings, outside), HOLDFAST_ENROLMENT_TOKEN: token },
    signal,
    sentence: 'This machine could not be enrolled:',
  });
  return true;
}

/** GATEWAY_PORT may differ from that of the start that enrolled this machine. */
function followGateway(identityPath: string, url: string): void {
  const identity = JSON.parse(readFileSync(identityPath, 'utf8')) as { serverUrl?: unknown };
  if (identity.serverUrl === url) return;
  writePrivateFile(identityPath, `${JSON.stringify({ ...identity, serverUrl: url }, null, 2)}\n`);
}
