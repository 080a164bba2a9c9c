/**
 * What agent and gateway say to one another, version 1. Every body is JSON, parsed strictly on both sides; unknown keys are
 * refused. Times are milliseconds since the epoch. Docs: docs/protocol.md.
 */
import { z } from 'zod';
import { ERROR_CODES } from '../base/errors.ts';
import { policyDocument } from '../domain/policy.ts';
import { manifestObject, unreadItem, vaultKey } from './manifest.ts';
import { repairReport } from './repair-report.ts';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const text = (max: number) => z.string().min(1).max(max);
const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);

/** Every refusal. `action` says what the agent (or its owner) can do about it. */
export const refusal = z.strictObject({
  error: z.strictObject({
    code: z.enum(ERROR_CODES),
    message: z.string(),
    action: z.enum(['retry', 'fix_clock', 'enrol_again', 'update_agent', 'ask_provider', 'start_new_run', 'stop']),
    serverTimeMs: z.int(),
    retryAfterSeconds: z.int().optional(),
    supported: z.strictObject({ min: z.int(), max: z.int() }).optional(),
  }),
});
export type Refusal = z.infer<typeof refusal>;

// POST /agent/v1/enrol (not signed by a known key yet: the body is signed by the new key, header holdfast-signature)
export const enrolRequest = z.strictObject({
  token: text(200),
  /** SPKI PEM of the Ed25519 key that was made on the device. */
  publicKey: text(500),
  hostname: text(255),
  os: text(64),
  arch: text(32),
  agentVersion: text(32),
});
export const sourceView = z.strictObject({ id: z.uuid(), name: z.string(), kind: z.literal('files') });
export const enrolResponse = z.strictObject({
  tenantId: z.uuid(),
  customerId: z.uuid(),
  customerName: z.string(),
  deviceId: z.uuid(),
  deviceName: z.string(),
  vaultId: z.uuid(),
  custody: z.enum(['escrowed', 'customer_held']),
  source: sourceView,
  policyVersion: z.int(),
  policy: policyDocument,
  serverTimeMs: z.int(),
});

// POST /agent/v1/vault : the new repository's config and key files, and (escrowed custody) the drill key's password
export const vaultInitRequest = z.strictObject({
  vaultId: z.uuid(),
  repositoryId: hex64,
  configSha256: hex64,
  /** Key file ids, by whom they serve. */
  keys: z
    .array(z.strictObject({ id: hex64, principal: z.enum(['agent', 'drill', 'recovery_kit']) }))
    .min(2)
    .max(20),
  /** Sealed under the tenant's key at once and never returned. Absent in customer-held custody. */
  drillPassword: text(200).optional(),
  objects: z.array(manifestObject).min(3).max(21),
});
export const vaultInitResponse = z.strictObject({ uploads: z.lazy(() => z.array(uploadGrant)) });
/** After the uploads: POST /agent/v1/vault/ready {vaultId}; the server checks config and keys and opens the vault. */
export const vaultReadyRequest = z.strictObject({ vaultId: z.uuid() });
export const vaultReadyResponse = z.strictObject({ state: z.literal('ready') });

// POST /agent/v1/heartbeat
export const runProgress = z.strictObject({
  phase: z.enum(['scan', 'read', 'index', 'done']),
  filesDone: z.number(),
  filesTotal: z.number(),
  bytesDone: z.number(),
  bytesTotal: z.number(),
  bytesAdded: z.number(),
});
export const heartbeatRequest = z.strictObject({
  /** Grows by one with each heartbeat of this identity; a fork tells a cloned machine. */
  sequence: z.int().min(1),
  agentVersion: text(32),
  policyVersion: z.int(),
  running: z.strictObject({ runId: z.uuid(), progress: runProgress }).nullable(),
  /** Commands that the agent has and the server has no result of: those that it lacks are handed out again. */
  commandIds: z.array(z.uuid()).max(300),
});
export const agentCommand = z.discriminatedUnion('kind', [
  z.strictObject({ id: z.uuid(), kind: z.literal('backup_now') }),
  z.strictObject({
    id: z.uuid(),
    kind: z.literal('restore'),
    grantId: z.uuid(),
    snapshotId: hex64,
    paths: z.array(z.string()).max(1000),
    targetPath: z.string(),
  }),
  /** Send again what damaged objects of the vault held; the run that is started for it says which they are. */
  z.strictObject({ id: z.uuid(), kind: z.literal('repair'), damageId: z.uuid() }),
  // A restore test on the machine that alone holds the keys. What the hashes should be, it is not told.
  z.strictObject({
    id: z.uuid(),
    kind: z.literal('drill'),
    drillId: z.uuid(),
    grantId: z.uuid(),
    snapshotId: hex64,
    paths: z.array(z.string().max(8192)).min(1).max(1000),
  }),
]);
export const heartbeatResponse = z.strictObject({
  serverTimeMs: z.int(),
  nextInSeconds: z.int(),
  /** Present when the agent's version is not the current one. */
  policy: z.strictObject({ version: z.int(), document: policyDocument }).optional(),
  /** The open occurrence that the next scheduled run serves, when one is due. */
  due: z.strictObject({ occurrenceId: z.uuid(), sourceId: z.uuid(), dueMs: z.int() }).nullable(),
  commands: z.array(agentCommand),
});
/** What a restore has written, whether all of it was wanted or not. */
export const restoredSize = z.strictObject({
  files: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  bytes: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
});
// POST /agent/v1/commands/:id
export const commandResultRequest = z.strictObject({
  state: z.enum(['done', 'failed']),
  message: z.string().max(2000),
  /** Of a repair, done or not. */
  repair: repairReport.optional(),
  /** Of a restore, done or not: what is there now. Since revision 2. */
  restored: restoredSize.optional(),
});
export const emptyResponse = z.strictObject({});

// POST /agent/v1/runs
export const runStartRequest = z.strictObject({
  sourceId: z.uuid(),
  trigger: z.enum(['schedule', 'command', 'manual']),
  occurrenceId: z.uuid().nullable(),
  commandId: z.uuid().nullable(),
});
export const runStartResponse = z.strictObject({
  runId: z.uuid(),
  vaultId: z.uuid(),
  /** The newest sealed, unquarantined point of this source: the parent to compare with. */
  parentSnapshotId: hex64.nullable(),
  /** Packs and index files that are damaged or missing: nothing may build on them, and what they held is to be sent again. */
  damagedKeys: z.array(vaultKey).max(10_000),
});

// POST /agent/v1/runs/:id/leases : at most 64 objects
export const leaseRequest = z.strictObject({ objects: z.array(manifestObject).min(1).max(64) });
export const uploadGrant = z.strictObject({
  key: vaultKey,
  /** present: these bytes are already there, nothing to send. */
  state: z.enum(['upload', 'present']),
  url: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
});
export const leaseResponse = z.strictObject({ expiresMs: z.int(), uploads: z.array(uploadGrant) });

// POST /agent/v1/runs/:id/progress
export const progressRequest = z.strictObject({ progress: runProgress });

// POST /agent/v1/runs/:id/commit
export const commitRequest = z.strictObject({ text: z.string().max(128 * 1024 * 1024), signature: base64url });
// POST /agent/v1/runs/:id/fail
export const runFailRequest = z.strictObject({
  code: z.enum(ERROR_CODES),
  message: z.string().max(2000),
  unread: z.array(unreadItem).max(1000),
});
// GET /agent/v1/runs/:id (and the answer of commit and fail)
export const runView = z.strictObject({
  runId: z.uuid(),
  state: z.enum(['running', 'committed', 'sealed', 'failed', 'aborted']),
  outcome: z.enum(['ok', 'partial', 'failed']).nullable(),
  snapshotId: hex64.nullable(),
  message: z.string().nullable(),
});

// POST /agent/v1/snapshots {} : this device's restore points
export const snapshotsResponse = z.strictObject({
  snapshots: z.array(
    z.strictObject({
      snapshotId: hex64,
      captureMs: z.int(),
      sealedMs: z.int(),
      state: z.enum(['sealed', 'quarantined', 'expired']),
      files: z.number(),
      bytes: z.number(),
      levelVerified: z.int().nullable(),
    }),
  ),
});

// POST /agent/v1/reads : signed GET URLs. Repository metadata (config, keys, index, snapshots, tree packs) of the device's
// own vault needs no grant; data packs need one (a restore grant of the portal, or selfRestore in the policy).
export const readRequest = z.strictObject({
  /** Keys, or a listing of all keys of one prefix. */
  keys: z.array(vaultKey).max(256),
  list: z.enum(['keys', 'index', 'snapshots']).nullable(),
  grantId: z.uuid().nullable(),
});
export const readResponse = z.strictObject({
  expiresMs: z.int(),
  downloads: z.array(
    z.strictObject({ key: vaultKey, url: z.string(), headers: z.record(z.string(), z.string()), size: z.number() }),
  ),
  missing: z.array(vaultKey),
});

// POST /agent/v1/restores : asks for a grant for one of the device's own points
export const restoreGrantRequest = z.strictObject({
  snapshotId: hex64,
  paths: z.array(z.string()).max(1000),
  /** `restore`: its end will be told. Since revision 2; without it nobody knows which it is, or hears how it ends. */
  purpose: z.enum(['restore', 'preview']).optional(),
});
export const restoreGrantResponse = z.strictObject({ grantId: z.uuid(), expiresMs: z.int() });

/** POST /agent/v1/restores/:grantId/end, since revision 2: how a restore ended that was started at the machine. */
export const restoreEndRequest = z.strictObject({
  state: z.enum(['delivered', 'failed', 'cancelled']),
  message: z.string().max(2000),
  restored: restoredSize.optional(),
});

// POST /agent/v1/drills {} : a drill with the recovery kit, to be made outside of the service; of the newest usable point
export const kitDrillResponse = z.strictObject({
  drillId: z.uuid(),
  snapshotId: hex64,
  paths: z.array(z.string().max(8192)).min(1).max(1000),
});
// POST /agent/v1/drills/:id : the signed answer, core/protocol/drill-answer.ts
export const drillAnswerRequest = z.strictObject({ text: z.string().max(16 * 1024 * 1024), signature: base64url });
export const drillAnswerResponse = z.strictObject({
  state: z.enum(['passed', 'failed', 'void']),
  message: z.string().nullable(),
});

export type EnrolRequest = z.infer<typeof enrolRequest>;
export type EnrolResponse = z.infer<typeof enrolResponse>;
export type VaultInitRequest = z.infer<typeof vaultInitRequest>;
export type HeartbeatRequest = z.infer<typeof heartbeatRequest>;
export type HeartbeatResponse = z.infer<typeof heartbeatResponse>;
export type AgentCommand = z.infer<typeof agentCommand>;
export type RestoreGrantRequest = z.infer<typeof restoreGrantRequest>;
export type RestoreEndRequest = z.infer<typeof restoreEndRequest>;
export type RunProgress = z.infer<typeof runProgress>;
export type RunStartRequest = z.infer<typeof runStartRequest>;
export type RunStartResponse = z.infer<typeof runStartResponse>;
export type LeaseRequest = z.infer<typeof leaseRequest>;
export type LeaseResponse = z.infer<typeof leaseResponse>;
export type UploadGrant = z.infer<typeof uploadGrant>;
export type CommitRequest = z.infer<typeof commitRequest>;
export type RunFailRequest = z.infer<typeof runFailRequest>;
export type RunView = z.infer<typeof runView>;
export type SnapshotsResponse = z.infer<typeof snapshotsResponse>;
export type ReadRequest = z.infer<typeof readRequest>;
export type ReadResponse = z.infer<typeof readResponse>;
export type KitDrillResponse = z.infer<typeof kitDrillResponse>;
export type DrillAnswerResponse = z.infer<typeof drillAnswerResponse>;
