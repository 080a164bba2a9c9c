/**
 * Makes this machine a device: key pair, enrolment, vault, recovery kit, identity. The identity is written last, so that
 * a machine is either not enrolled (and the same command continues) or completely.
 */
import { generateKeyPairSync } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { arch, hostname as systemHostname, type as systemType } from 'node:os';
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import type { UploadGrant } from '../../core/protocol/messages.ts';
import type { DeviceKey, GatewayClient } from '../gateway/gateway-client.ts';
import { uploadObject } from '../gateway/upload-object.ts';
import { emptyState, saveState } from '../state/agent-state.ts';
import { syncFolder, writeFileAtomic } from '../state/atomic-file.ts';
import { findIdentity, type Identity, saveIdentity } from '../state/identity.ts';
import { createSequence } from '../state/sequence.ts';
import { stateFiles } from '../state/state-files.ts';
import { acquireLock } from '../state/state-lock.ts';
import { AGENT_VERSION } from '../version.ts';
import { makeVault } from './make-vault.ts';
import {
  dropPendingEnrolment,
  findPendingEnrolment,
  type PendingEnrolment,
  savePendingEnrolment,
  type VaultMaterial,
} from './pending-enrolment.ts';
import { recoveryKitText } from './recovery-kit.ts';

export interface EnrolOptions {
  readonly statePath: string;
  readonly serverUrl: string;
  readonly token: string;
  /** Gives up an identity that is there; its files are kept beside. */
  readonly isReplacing: boolean;
  readonly clientFor: (serverUrl: string, device: DeviceKey | undefined) => GatewayClient;
  readonly hostname?: string;
  readonly signal?: AbortSignal;
}

/** An interactive command: long enough for a restart of the gateway, short enough for a person. */
const RETRY_FOR_MS = 20_000;

/** @throws HoldfastError conflict when enrolled already; the server's refusals; disk_full. */
export async function enrol(options: EnrolOptions): Promise<Identity> {
  const lock = await acquireLock(options.statePath, 'enrol');
  try {
    const existing = await findIdentity(options.statePath).catch((error: unknown) => {
      if (options.isReplacing) return undefined;
      throw error;
    });
    if (existing !== undefined && !options.isReplacing) throw alreadyEnrolled(existing);
    return await continueEnrolment(options);
  } finally {
    await lock.release();
  }
}

function alreadyEnrolled(identity: Identity): HoldfastError {
  return new HoldfastError(
    'conflict',
    `This machine is enrolled already, as ${identity.deviceName} of ${identity.customerName}. Nothing was changed. To give that identity up and become a new device, add --replace.`,
  );
}

async function continueEnrolment(options: EnrolOptions): Promise<Identity> {
  const { statePath, serverUrl } = options;
  const hostname = options.hostname ?? systemHostname();
  const found = await findPendingEnrolment(statePath);
  let pending = found?.serverUrl === serverUrl ? found : newPending(serverUrl);
  await savePendingEnrolment(statePath, pending);
  if (pending.response === null) {
    pending = { ...pending, response: await requestEnrolment(options, pending, hostname) };
    await savePendingEnrolment(statePath, pending);
  }
  const { response } = pending;
  if (response === null) throw new HoldfastError('internal', 'The enrolment has no answer.');
  const vault = pending.vault ?? (await makeVault(response.custody, hostname));
  pending = { ...pending, vault };
  await savePendingEnrolment(statePath, pending);
  const { tenantId, deviceId } = response;
  const client = options.clientFor(serverUrl, { tenantId, deviceId, privateKey: pending.privateKey });
  try {
    await bringVault(client, response.vaultId, vault, options.signal);
  } finally {
    client.close();
  }
  return await settle(statePath, pending, response, vault);
}

function newPending(serverUrl: string): PendingEnrolment {
  const keys = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { version: 1, serverUrl, ...keys, response: null, vault: null };
}

async function requestEnrolment(options: EnrolOptions, pending: PendingEnrolment, hostname: string) {
  const client = options.clientFor(options.serverUrl, undefined);
  const request = {
    token: options.token,
    publicKey: pending.publicKey,
    hostname: hostname.slice(0, 255),
    os: systemType().toLowerCase(),
    arch: arch(),
    agentVersion: AGENT_VERSION,
  };
  try {
    return await client.enrol(request, pending.privateKey, { retryForMs: RETRY_FOR_MS, signal: options.signal });
  } finally {
    client.close();
  }
}

/** Uploads config and keys and opens the vault. Repeatable: the material is the same each time. */
async function bringVault(
  client: GatewayClient,
  vaultId: string,
  vault: VaultMaterial,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = { retryForMs: RETRY_FOR_MS, signal };
  const request = {
    vaultId,
    repositoryId: vault.repositoryId,
    configSha256: vault.configSha256,
    keys: vault.keys,
    objects: vault.objects.map(({ object }) => object),
    ...(vault.drillPassword === null ? {} : { drillPassword: vault.drillPassword }),
  };
  let uploads: UploadGrant[];
  try {
    uploads = (await client.initVault(request, options)).uploads;
  } catch (error) {
    // Ready already: the answer to our own "ready" was lost. Nobody else holds this device's key.
    if (!isHoldfastError(error, 'conflict')) throw error;
    await client.readyVault(vaultId, options);
    return;
  }
  for (const { object, bytes } of vault.objects) {
    const grant = uploads.find(({ key }) => key === object.key);
    if (grant === undefined) throw new HoldfastError('internal', 'The server left a file of the new vault out.');
    const terms = { client, object, bytes: Buffer.from(bytes, 'base64'), grant, renew: async () => grant, ...options };
    await uploadObject(terms).catch((error: unknown) => {
      // A name that is taken holds what an earlier try of this enrolment sent: "ready" compares every byte.
      if (!isHoldfastError(error) || error.detail.status !== 412) throw error;
    });
  }
  await client.readyVault(vaultId, options);
}

/** Everything on disk before the identity, which is what makes the machine enrolled. */
async function settle(
  statePath: string,
  pending: PendingEnrolment,
  response: NonNullable<PendingEnrolment['response']>,
  vault: VaultMaterial,
): Promise<Identity> {
  await setOldAside(statePath);
  const nowMs = Date.now();
  const identity: Identity = {
    version: 1,
    serverUrl: pending.serverUrl,
    tenantId: response.tenantId,
    customerId: response.customerId,
    customerName: response.customerName,
    deviceId: response.deviceId,
    deviceName: response.deviceName,
    vaultId: response.vaultId,
    repositoryId: vault.repositoryId,
    custody: response.custody,
    source: response.source,
    privateKey: pending.privateKey,
    repositoryPassword: vault.agentPassword,
    enrolledMs: nowMs,
  };
  const kit = recoveryKitText({ ...identity, password: vault.recoveryPassword, madeMs: nowMs });
  await writeFileAtomic(stateFiles.recoveryKit(statePath), kit);
  await createSequence(statePath);
  await saveState(statePath, { ...emptyState, policyVersion: response.policyVersion, policy: response.policy });
  await saveIdentity(statePath, identity);
  await dropPendingEnrolment(statePath);
  return identity;
}

/** A former identity keeps its files: its password still opens the former vault. */
async function setOldAside(statePath: string): Promise<void> {
  const old = await findIdentity(statePath).catch(() => undefined);
  if (old !== undefined) {
    for (const path of [stateFiles.recoveryKit(statePath), stateFiles.identity(statePath)]) {
      const kept = path.replace(/(\.\w+)$/, `-${old.deviceId}$1`);
      await rename(path, kept).catch(() => undefined);
    }
    await syncFolder(statePath);
  }
  await rm(stateFiles.pendingPacks(statePath), { force: true });
}
