import type { RunView } from '../../core/protocol/messages.ts';
import { type DeviceScope, requireDevice } from '../access/scope.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import { findRun, toRunView } from './find-run.ts';

/** @throws HoldfastError not_found. */
export async function viewRun(services: Services, scope: DeviceScope, runId: string): Promise<RunView> {
  requireDevice(scope);
  return await withScope(services, scope, async (tx) => toRunView(await findRun(tx, scope, runId)));
}
