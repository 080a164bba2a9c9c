/** A device as the gateway sees one: a key, signed requests, uploads by URL. It does what a test says, right or wrong. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { crc32cBase64 } from '../../core/base/crc32c.ts';
import { signEnrolment } from '../../core/protocol/enrolment-proof.ts';
import { type CommitManifest, type ManifestObject, signManifest } from '../../core/protocol/manifest.ts';
import {
  type EnrolResponse,
  enrolResponse,
  type LeaseResponse,
  leaseResponse,
  type Refusal,
  refusal,
  type UploadGrant,
  vaultInitResponse,
} from '../../core/protocol/messages.ts';
import { HEADER, signRequest } from '../../core/protocol/signed-request.ts';
import { PROTOCOL_VERSION } from '../../core/protocol/version.ts';
import { sha256Hex } from '../../core/storage/testing/conformance.ts';
import type { SeededCustomer, TestGateway } from './test-gateway.ts';

export interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly headers: Headers;
}

export interface TestObject extends ManifestObject {
  readonly bytes: Uint8Array;
}

export function makeObject(kind: ManifestObject['kind'], bytes: Uint8Array = randomBytes(2000)): TestObject {
  const id = sha256Hex(bytes);
  const place = { data_pack: `data/${id.slice(0, 2)}`, tree_pack: `data/${id.slice(0, 2)}`, index: 'index' } as const;
  const folder = kind === 'snapshot' ? 'snapshots' : kind === 'key' ? 'keys' : place[kind as keyof typeof place];
  return {
    kind,
    bytes,
    key: kind === 'config' ? 'config' : `${folder}/${id}`,
    size: bytes.length,
    crc32c: crc32cBase64(bytes),
  };
}

/** A heartbeat of an idle agent. */
export function beat(sequence: number, policyVersion = 1) {
  return {
    sequence,
    agentVersion: '0.1.0',
    policyVersion,
    running: null,
    commandIds: [],
  };
}

export function announced({ key, kind, size, crc32c }: TestObject): ManifestObject {
  return { key, kind, size, crc32c };
}

export class TestDevice {
  readonly gateway: TestGateway;
  readonly keys = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  readonly repositoryId = randomBytes(32).toString('hex');
  identity!: EnrolResponse;

  constructor(gateway: TestGateway) {
    this.gateway = gateway;
  }

  /** Enrolled, with a vault that is ready. */
  static async ready(gateway: TestGateway, customer: SeededCustomer = gateway.customers[0]): Promise<TestDevice> {
    const device = new TestDevice(gateway);
    device.identity = enrolResponse.parse((await device.enrol(await gateway.createToken(customer))).json);
    await device.prepareVault();
    return device;
  }

  async enrol(token: string, more: { signature?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
    const message = {
      token,
      publicKey: this.keys.publicKey,
      hostname: 'test-machine',
      os: 'linux',
      arch: 'x64',
      agentVersion: '0.1.0',
    };
    const body = Buffer.from(JSON.stringify(message));
    const headers = {
      [HEADER.protocol]: String(PROTOCOL_VERSION),
      [HEADER.signature]: more.signature ?? signEnrolment(body, this.keys.privateKey),
      ...more.headers,
    };
    return await send(`${this.gateway.url}/agent/v1/enrol`, 'POST', headers, body);
  }

  vaultObjects(): { objects: TestObject[]; message: Record<string, unknown> } {
    const config = makeObject('config');
    const keyFiles = [makeObject('key'), makeObject('key'), makeObject('key')];
    const principals = ['agent', 'drill', 'recovery_kit'] as const;
    const objects = [config, ...keyFiles];
    return {
      objects,
      message: {
        vaultId: this.identity.vaultId,
        repositoryId: this.repositoryId,
        configSha256: sha256Hex(config.bytes),
        keys: keyFiles.map(({ key }, at) => ({ id: key.slice('keys/'.length), principal: principals[at] })),
        drillPassword: 'the-drill-password-of-this-vault',
        objects: objects.map(announced),
      },
    };
  }

  async prepareVault(): Promise<void> {
    const { objects, message } = this.vaultObjects();
    const { uploads } = vaultInitResponse.parse((await this.post('/agent/v1/vault', message)).json);
    await this.upload(objects, uploads);
    await this.post('/agent/v1/vault/ready', { vaultId: this.identity.vaultId });
  }

  headersFor(method: string, target: string, body: Uint8Array, nowMs = this.gateway.clock.nowMs()) {
    const { tenantId, deviceId } = this.identity;
    return signRequest({ method, target, body, tenantId, deviceId }, this.keys.privateKey, nowMs);
  }

  async post(target: string, message: unknown, nowMs?: number): Promise<Answer> {
    const body = Buffer.from(JSON.stringify(message));
    return await send(this.gateway.url + target, 'POST', this.headersFor('POST', target, body, nowMs), body);
  }

  async get(target: string): Promise<Answer> {
    const nothing = new Uint8Array(0);
    return await send(this.gateway.url + target, 'GET', this.headersFor('GET', target, nothing), nothing);
  }

  async startRun(): Promise<string> {
    const answer = await this.post('/agent/v1/runs', {
      sourceId: this.identity.source.id,
      trigger: 'manual',
      occurrenceId: null,
      commandId: null,
    });
    return (answer.json as { runId: string }).runId;
  }

  async lease(runId: string, objects: readonly TestObject[]): Promise<LeaseResponse> {
    const answer = await this.post(`/agent/v1/runs/${runId}/leases`, { objects: objects.map(announced) });
    return leaseResponse.parse(answer.json);
  }

  /** Status of each upload; 0 for objects that are present. */
  async upload(objects: readonly TestObject[], grants: readonly UploadGrant[]): Promise<number[]> {
    return await Promise.all(
      objects.map(async ({ key, bytes }) => {
        const grant = grants.find((candidate) => candidate.key === key);
        if (grant?.url === undefined) return 0;
        const response = await fetch(grant.url, {
          method: 'PUT',
          headers: grant.headers ?? {},
          body: Buffer.from(bytes),
        });
        await response.arrayBuffer();
        return response.status;
      }),
    );
  }

  manifest(runId: string, objects: readonly TestObject[], change: Partial<CommitManifest> = {}): CommitManifest {
    const packs = objects.filter(({ kind }) => kind === 'data_pack' || kind === 'tree_pack');
    const snapshot = objects.find(({ kind }) => kind === 'snapshot');
    const nowMs = this.gateway.clock.nowMs();
    return {
      version: 1,
      runId,
      vaultId: this.identity.vaultId,
      repositoryId: this.repositoryId,
      snapshotId: snapshot?.key.split('/')[1] ?? '0'.repeat(64),
      treeId: randomBytes(32).toString('hex'),
      parentSnapshotId: null,
      captureMs: nowMs,
      startedMs: nowMs,
      finishedMs: nowMs,
      objects: objects.map(announced),
      packIds: packs.map(({ key }) => key.split('/')[2]!),
      selected: { files: 3, bytes: 6000 },
      added: { blobs: 4, bytes: 6000, storedBytes: 6000 },
      unread: [],
      unreadCount: 0,
      unreadBytes: 0,
      witness: [{ path: '/srv/a', size: 3, sha256: '0'.repeat(64), role: 'canary' }],
      ...change,
    };
  }

  async commit(runId: string, manifest: CommitManifest): Promise<Answer> {
    return await this.post(`/agent/v1/runs/${runId}/commit`, signManifest(manifest, this.keys.privateKey));
  }
}

export async function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body: Uint8Array,
): Promise<Answer> {
  const init = { method, headers: { 'content-type': 'application/json', ...headers } };
  const response = await fetch(url, method === 'GET' ? init : { ...init, body: Buffer.from(body) });
  const text = await response.text();
  return { status: response.status, json: text === '' ? undefined : JSON.parse(text), headers: response.headers };
}

/** The refusal of an answer, as the protocol defines it. */
export function refusalOf(answer: Answer): Refusal['error'] {
  return refusal.parse(answer.json).error;
}
