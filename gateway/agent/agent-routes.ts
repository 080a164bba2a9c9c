/** The agent protocol, version 1: which message goes where. docs/protocol.md describes each. */
import type { Hono } from 'hono';
import { inventoryRequest } from '../../core/protocol/inventory.ts';
import * as messages from '../../core/protocol/messages.ts';
import { finishCommand } from '../../server/devices/finish-command.ts';
import { finishAgentDrill } from '../../server/drills/finish-agent-drill.ts';
import { orderKitDrill } from '../../server/drills/order-kit-drill.ts';
import { recordHeartbeat } from '../../server/devices/record-heartbeat.ts';
import { recordInventory } from '../../server/inventory/record-inventory.ts';
import { endMachineRestore } from '../../server/restores/end-machine-restore.ts';
import { grantReads } from '../../server/restores/grant-reads.ts';
import { listDeviceSnapshots } from '../../server/restores/list-device-snapshots.ts';
import { requestRestoreGrant } from '../../server/restores/request-restore-grant.ts';
import { commitRun } from '../../server/runs/commit-run.ts';
import { failRun } from '../../server/runs/fail-run.ts';
import { leaseObjects } from '../../server/runs/lease-objects.ts';
import { recordProgress } from '../../server/runs/record-progress.ts';
import { startRun } from '../../server/runs/start-run.ts';
import { viewRun } from '../../server/runs/view-run.ts';
import { initVault } from '../../server/vaults/init-vault.ts';
import { readyVault } from '../../server/vaults/ready-vault.ts';
import type { GatewayEnvironment } from '../gateway-environment.ts';
import { enrolRoute } from './enrol-route.ts';
import { signedRoute } from './signed-route.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

const emptyRequest = messages.emptyResponse;

export function addAgentRoutes(app: Hono<GatewayEnvironment>): void {
  app.post('/agent/v1/enrol', enrolRoute);

  app.post(
    '/agent/v1/heartbeat',
    signedRoute({
      request: messages.heartbeatRequest,
      response: messages.heartbeatResponse,
      bodyBytesMax: 64 * KIB,
      handle: ({ services, scope }, body) => recordHeartbeat(services, scope, body),
    }),
  );
  app.post(
    '/agent/v1/commands/:id',
    signedRoute({
      request: messages.commandResultRequest,
      response: messages.emptyResponse,
      bodyBytesMax: 64 * KIB,
      async handle({ services, scope, id }, body) {
        await finishCommand(services, scope, id, body);
        return {};
      },
    }),
  );

  app.post(
    '/agent/v1/inventory',
    signedRoute({
      request: inventoryRequest,
      response: messages.emptyResponse,
      // As many volumes and servers as may be named, with paths that are long.
      bodyBytesMax: 512 * KIB,
      async handle({ services, scope }, body) {
        await recordInventory(services, scope, body);
        return {};
      },
    }),
  );
  app.post(
    '/agent/v1/vault',
    signedRoute({
      request: messages.vaultInitRequest,
      response: messages.vaultInitResponse,
      bodyBytesMax: 256 * KIB,
      handle: ({ services, scope }, body) => initVault(services, scope, body),
    }),
  );
  app.post(
    '/agent/v1/vault/ready',
    signedRoute({
      request: messages.vaultReadyRequest,
      response: messages.vaultReadyResponse,
      bodyBytesMax: 64 * KIB,
      handle: ({ services, scope }, body) => readyVault(services, scope, body),
    }),
  );

  app.post(
    '/agent/v1/runs',
    signedRoute({
      request: messages.runStartRequest,
      response: messages.runStartResponse,
      bodyBytesMax: 64 * KIB,
      handle: ({ services, scope }, body) => startRun(services, scope, body),
    }),
  );
  app.get(
    '/agent/v1/runs/:id',
    signedRoute({
      request: null,
      response: messages.runView,
      bodyBytesMax: 0,
      handle: ({ services, scope, id }) => viewRun(services, scope, id),
    }),
  );
  app.post(
    '/agent/v1/runs/:id/leases',
    signedRoute({
      request: messages.leaseRequest,
      response: messages.leaseResponse,
      bodyBytesMax: 256 * KIB,
      handle: ({ services, scope, id }, body) => leaseObjects(services, scope, id, body),
    }),
  );
  app.post(
    '/agent/v1/runs/:id/progress',
    signedRoute({
      request: messages.progressRequest,
      response: messages.emptyResponse,
      bodyBytesMax: 64 * KIB,
      async handle({ services, scope, id }, body) {
        await recordProgress(services, scope, id, body.progress);
        return {};
      },
    }),
  );
  app.post(
    '/agent/v1/runs/:id/commit',
    signedRoute({
      request: messages.commitRequest,
      response: messages.runView,
      // The manifest is at most 128 MiB of text; quotes inside of it are escaped once more by the JSON around it.
      bodyBytesMax: 160 * MIB,
      handle: ({ services, scope, id }, body) => commitRun(services, scope, id, body),
    }),
  );
  app.post(
    '/agent/v1/runs/:id/fail',
    signedRoute({
      request: messages.runFailRequest,
      response: messages.runView,
      // A thousand unread items with paths of up to 8 KiB.
      bodyBytesMax: 16 * MIB,
      handle: ({ services, scope, id }, body) => failRun(services, scope, id, body),
    }),
  );

  app.post(
    '/agent/v1/snapshots',
    signedRoute({
      request: emptyRequest,
      response: messages.snapshotsResponse,
      bodyBytesMax: 64 * KIB,
      handle: ({ services, scope }) => listDeviceSnapshots(services, scope),
    }),
  );
  app.post(
    '/agent/v1/reads',
    signedRoute({
      request: messages.readRequest,
      response: messages.readResponse,
      bodyBytesMax: 256 * KIB,
      handle: ({ services, scope }, body) => grantReads(services, scope, body),
    }),
  );
  app.post(
    '/agent/v1/restores',
    signedRoute({
      request: messages.restoreGrantRequest,
      response: messages.restoreGrantResponse,
      bodyBytesMax: 16 * MIB,
      handle: ({ services, scope }, body) => requestRestoreGrant(services, scope, body),
    }),
  );
  app.post(
    '/agent/v1/restores/:id/end',
    signedRoute({
      request: messages.restoreEndRequest,
      response: messages.emptyResponse,
      bodyBytesMax: 64 * KIB,
      async handle({ services, scope, id }, body) {
        await endMachineRestore(services, scope, id, body);
        return {};
      },
    }),
  );
  app.post(
    '/agent/v1/drills',
    signedRoute({
      request: emptyRequest,
      response: messages.kitDrillResponse,
      bodyBytesMax: 64 * KIB,
      handle: ({ services, scope }) => orderKitDrill(services, scope),
    }),
  );
  app.post(
    '/agent/v1/drills/:id',
    signedRoute({
      request: messages.drillAnswerRequest,
      response: messages.drillAnswerResponse,
      // A thousand paths of up to 8 KiB, escaped once more by the JSON around them.
      bodyBytesMax: 24 * MIB,
      handle: ({ services, scope, id }, body) => finishAgentDrill(services, scope, id, body),
    }),
  );
}
