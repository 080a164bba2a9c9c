/**
 * What the agent says to the gateway: signed requests, answers parsed strictly, refusals as HoldfastError with the
 * server's own sentence. Every attempt is signed anew (its own time and nonce), so that a repeated request is never a
 * replay. Source of the messages: core/protocol/messages.ts.
 */
import type { z } from 'zod';
import { type Clock, systemClock } from '../../core/base/clock.ts';
import { HoldfastError, isHoldfastError } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import { signEnrolment } from '../../core/protocol/enrolment-proof.ts';
import { type Inventory, inventoryRequest } from '../../core/protocol/inventory.ts';
import type { SignedAnswer } from '../../core/protocol/drill-answer.ts';
import type { SignedManifest } from '../../core/protocol/manifest.ts';
import * as messages from '../../core/protocol/messages.ts';
import { HEADER, signRequest } from '../../core/protocol/signed-request.ts';
import { PROTOCOL_VERSION, RESTORE_END_REVISION } from '../../core/protocol/version.ts';
import { backoffMs, systemWaiting, type Waiting } from './backoff.ts';
import { createHttpTransfer, type HttpAnswer, type HttpTransfer, TransportError } from './http-transfer.ts';
import { isTransient, refusalError, retryAfterOf } from './refusal-error.ts';
import { SpeedLimiter } from './speed-limiter.ts';

export interface DeviceKey {
  readonly tenantId: string;
  readonly deviceId: string;
  /** PKCS #8 PEM. */
  readonly privateKey: string;
}

export interface GatewayClientOptions {
  readonly serverUrl: string;
  /** Undefined while this machine is not enrolled: then `enrol` alone works. */
  readonly device: DeviceKey | undefined;
  readonly log: Log;
  readonly transfer?: HttpTransfer;
  readonly clock?: Clock;
  readonly waiting?: Waiting;
  /** How long a request is repeated when the gateway cannot be reached. */
  readonly retryForMs?: number;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** 0: one attempt only. */
  readonly retryForMs?: number;
  readonly totalMs?: number;
}

/** A run outlives a gateway that is away for up to an hour; a person at a terminal sets less. */
const RETRY_FOR_MS = 60 * 60_000;
const ANSWER_MS = 30_000;
/** A fault inside the service that comes back every time is not cured by an hour of patience. */
const INTERNAL_ATTEMPTS_MAX = 6;
/** A listing of a vault's index with its signed URLs stays far below. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

export class GatewayClient {
  readonly serverUrl: string;
  readonly transfer: HttpTransfer;
  readonly waiting: Waiting;
  readonly log: Log;
  /** Paces objects on their way to and from the storage; messages to the gateway are never held back. */
  readonly speed: SpeedLimiter;
  readonly #device: DeviceKey | undefined;
  readonly #clock: Clock;
  readonly #retryForMs: number;
  #clockOffsetMs = 0;
  #revision = 0;

  constructor(options: GatewayClientOptions) {
    this.serverUrl = options.serverUrl.replace(/\/+$/, '');
    this.transfer = options.transfer ?? createHttpTransfer();
    this.waiting = options.waiting ?? systemWaiting;
    this.log = options.log;
    this.#device = options.device;
    this.#clock = options.clock ?? systemClock;
    this.#retryForMs = options.retryForMs ?? RETRY_FOR_MS;
    this.speed = new SpeedLimiter({ clock: { nowMs: () => this.nowMs() }, sleep: this.waiting.sleep });
  }

  /** What the gateway that answered last knows of the protocol: core/protocol/version.ts. 0 before the first answer. */
  get revision(): number {
    return this.#revision;
  }

  /** The agent's clock, corrected by what the server said when it refused our time. */
  nowMs(): number {
    return this.#clock.nowMs() + this.#clockOffsetMs;
  }

  get clockOffsetMs(): number {
    return this.#clockOffsetMs;
  }

  /** `privateKey` is the new key, PKCS #8 PEM. @throws HoldfastError token_invalid, token_used, token_expired. */
  enrol(
    request: messages.EnrolRequest,
    privateKey: string,
    options: CallOptions = {},
  ): Promise<messages.EnrolResponse> {
    const body = Buffer.from(JSON.stringify(messages.enrolRequest.parse(request)));
    const headers = (): Record<string, string> => ({
      [HEADER.protocol]: String(PROTOCOL_VERSION),
      [HEADER.signature]: signEnrolment(body, privateKey),
    });
    return this.#repeat('POST', '/agent/v1/enrol', body, headers, messages.enrolResponse, options);
  }

  initVault(request: messages.VaultInitRequest, options?: CallOptions): Promise<{ uploads: messages.UploadGrant[] }> {
    const { vaultInitRequest, vaultInitResponse } = messages;
    return this.#call('POST', '/agent/v1/vault', request, vaultInitRequest, vaultInitResponse, options);
  }

  async readyVault(vaultId: string, options?: CallOptions): Promise<void> {
    const { vaultReadyRequest, vaultReadyResponse } = messages;
    await this.#call('POST', '/agent/v1/vault/ready', { vaultId }, vaultReadyRequest, vaultReadyResponse, options);
  }

  /** Never repeated by itself: a sequence number that arrives twice looks like a cloned machine. */
  heartbeat(request: messages.HeartbeatRequest, options: CallOptions = {}): Promise<messages.HeartbeatResponse> {
    const { heartbeatRequest, heartbeatResponse } = messages;
    const once = { ...options, retryForMs: 0 };
    return this.#call('POST', '/agent/v1/heartbeat', request, heartbeatRequest, heartbeatResponse, once);
  }

  async finishCommand(
    id: string,
    result: z.infer<typeof messages.commandResultRequest>,
    options?: CallOptions,
  ): Promise<void> {
    const { commandResultRequest, emptyResponse } = messages;
    await this.#call('POST', `/agent/v1/commands/${id}`, result, commandResultRequest, emptyResponse, options);
  }

  startRun(request: messages.RunStartRequest, options?: CallOptions): Promise<messages.RunStartResponse> {
    const { runStartRequest, runStartResponse } = messages;
    return this.#call('POST', '/agent/v1/runs', request, runStartRequest, runStartResponse, options);
  }

  lease(runId: string, request: messages.LeaseRequest, options?: CallOptions): Promise<messages.LeaseResponse> {
    const { leaseRequest, leaseResponse } = messages;
    return this.#call('POST', `/agent/v1/runs/${runId}/leases`, request, leaseRequest, leaseResponse, options);
  }

  async progress(runId: string, progress: messages.RunProgress, options?: CallOptions): Promise<void> {
    const { progressRequest, emptyResponse } = messages;
    const path = `/agent/v1/runs/${runId}/progress`;
    await this.#call('POST', path, { progress }, progressRequest, emptyResponse, options);
  }

  /** May be repeated with the same text: the server knows it again. */
  commit(runId: string, signed: SignedManifest, options: CallOptions = {}): Promise<messages.RunView> {
    const { commitRequest, runView } = messages;
    // The server reads and checks the whole manifest before it answers: that of a large vault takes its time.
    const patient = { totalMs: ANSWER_MS + Math.ceil(signed.text.length / 1_000), ...options };
    return this.#call('POST', `/agent/v1/runs/${runId}/commit`, signed, commitRequest, runView, patient);
  }

  failRun(runId: string, request: messages.RunFailRequest, options?: CallOptions): Promise<messages.RunView> {
    const { runFailRequest, runView } = messages;
    return this.#call('POST', `/agent/v1/runs/${runId}/fail`, request, runFailRequest, runView, options);
  }

  viewRun(runId: string, options?: CallOptions): Promise<messages.RunView> {
    return this.#call('GET', `/agent/v1/runs/${runId}`, undefined, undefined, messages.runView, options);
  }

  snapshots(options?: CallOptions): Promise<messages.SnapshotsResponse> {
    const { emptyResponse, snapshotsResponse } = messages;
    return this.#call('POST', '/agent/v1/snapshots', {}, emptyResponse, snapshotsResponse, options);
  }

  reads(request: messages.ReadRequest, options?: CallOptions): Promise<messages.ReadResponse> {
    const { readRequest, readResponse } = messages;
    return this.#call('POST', '/agent/v1/reads', request, readRequest, readResponse, options);
  }

  orderKitDrill(options?: CallOptions): Promise<messages.KitDrillResponse> {
    const { emptyResponse, kitDrillResponse } = messages;
    return this.#call('POST', '/agent/v1/drills', {}, emptyResponse, kitDrillResponse, options);
  }

  /** May be repeated: the first answer stands. */
  answerDrill(drillId: string, signed: SignedAnswer, options?: CallOptions): Promise<messages.DrillAnswerResponse> {
    const { drillAnswerRequest, drillAnswerResponse } = messages;
    const path = `/agent/v1/drills/${drillId}`;
    return this.#call('POST', path, signed, drillAnswerRequest, drillAnswerResponse, options);
  }

  /** @throws HoldfastError grant_required when the policy leaves restores to the provider. */
  requestRestoreGrant(
    snapshotId: string,
    paths: readonly string[],
    purpose: 'restore' | 'preview',
    options?: CallOptions,
  ): Promise<{ grantId: string; expiresMs: number }> {
    const { restoreGrantRequest, restoreGrantResponse } = messages;
    const isKnown = this.#revision >= RESTORE_END_REVISION;
    const request = { snapshotId, paths: [...paths], ...(isKnown ? { purpose } : {}) };
    return this.#call('POST', '/agent/v1/restores', request, restoreGrantRequest, restoreGrantResponse, options);
  }

  /** How a restore ended that was started at this machine. May be repeated: the first word stands. */
  async endRestore(grantId: string, end: messages.RestoreEndRequest, options?: CallOptions): Promise<void> {
    const { restoreEndRequest, emptyResponse } = messages;
    await this.#call('POST', `/agent/v1/restores/${grantId}/end`, end, restoreEndRequest, emptyResponse, options);
  }

  /** What the machine holds, for the figures of coverage; a gateway of a revision before INVENTORY_REVISION knows no such message. */
  async sendInventory(inventory: Inventory, options?: CallOptions): Promise<void> {
    const { emptyResponse } = messages;
    await this.#call('POST', '/agent/v1/inventory', inventory, inventoryRequest, emptyResponse, options);
  }

  close(): void {
    this.transfer.close();
  }

  async #call<Response>(
    method: 'GET' | 'POST',
    target: string,
    request: unknown,
    requestShape: z.ZodType | undefined,
    responseShape: z.ZodType<Response>,
    options: CallOptions = {},
  ): Promise<Response> {
    const device = this.#device;
    if (device === undefined) throw new HoldfastError('device_unknown', 'This machine is not enrolled.');
    // Parsed before it is sent, so that a mistake of ours is found here and not as a refusal.
    const text = requestShape === undefined ? '' : JSON.stringify(requestShape.parse(request));
    const body = Buffer.from(text);
    const headers = (): Record<string, string> =>
      signRequest(
        { method, target, body, tenantId: device.tenantId, deviceId: device.deviceId },
        device.privateKey,
        this.nowMs(),
      );
    return await this.#repeat(method, target, body, headers, responseShape, options);
  }

  async #repeat<Response>(
    method: 'GET' | 'POST',
    target: string,
    body: Buffer,
    headers: () => Record<string, string>,
    responseShape: z.ZodType<Response>,
    options: CallOptions,
  ): Promise<Response> {
    const retryForMs = options.retryForMs ?? this.#retryForMs;
    let waitedMs = 0;
    let isClockHealed = false;
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await this.transfer.exchange({
          method,
          url: this.serverUrl + target,
          headers: { ...headers(), ...(method === 'POST' ? { 'content-type': 'application/json' } : {}) },
          ...(method === 'POST' ? { body } : {}),
          signal: options.signal,
          totalMs: options.totalMs ?? ANSWER_MS,
          responseBytesMax: ANSWER_BYTES_MAX,
        });
        const response = readAnswer(answer, responseShape, this.serverUrl);
        this.#revision = revisionOf(answer);
        return response;
      } catch (thrown) {
        const error = describeFailure(thrown, this.serverUrl);
        if (!isClockHealed && this.#learnTime(error)) {
          isClockHealed = true;
          continue;
        }
        if (!isTransient(error)) throw error;
        const waitMs = backoffMs(attempt, retryAfterOf(error), this.waiting.random);
        const isHopeless = error.code === 'internal' && attempt >= INTERNAL_ATTEMPTS_MAX;
        if (waitedMs + waitMs > retryForMs || isHopeless) throw error;
        waitedMs += waitMs;
        this.log.debug({ target, attempt, waitMs, code: error.code }, 'a request will be repeated');
        await this.waiting.sleep(waitMs, options.signal);
      }
    }
  }

  /** The server refused our time and told its own: from now on it is used. */
  #learnTime(error: HoldfastError): boolean {
    const { serverTimeMs } = error.detail;
    if (error.code !== 'clock_skew' || typeof serverTimeMs !== 'number') return false;
    this.#clockOffsetMs = serverTimeMs - this.#clock.nowMs();
    this.log.warn({ clockOffsetMs: this.#clockOffsetMs }, 'this machine’s clock is wrong; the server’s time is used');
    return true;
  }
}

function readAnswer<Response>(answer: HttpAnswer, shape: z.ZodType<Response>, serverUrl: string): Response {
  if (answer.status < 200 || answer.status >= 300) throw refusalError(answer, serverUrl);
  try {
    return shape.parse(JSON.parse(answer.body.toString('utf8')));
  } catch (error) {
    throw new HoldfastError(
      'protocol_unsupported',
      `The server at ${serverUrl} answered in a way this agent does not understand. Update the agent, or check that the address is that of a Holdfast gateway.`,
      { cause: error },
    );
  }
}

/** 0 of a gateway that is older than revisions, and of a proxy that hides them. */
function revisionOf({ headers }: HttpAnswer): number {
  const revision = Number(headers[HEADER.revision]);
  return Number.isInteger(revision) ? revision : 0;
}

function describeFailure(error: unknown, serverUrl: string): HoldfastError {
  if (isHoldfastError(error)) return error;
  if (error instanceof TransportError) {
    return new HoldfastError(
      'storage_unavailable',
      `The server at ${serverUrl} cannot be reached. Existing backups are not affected; check the network and the address, or try again later.`,
      { cause: error, detail: { isTransient: true } },
    );
  }
  return new HoldfastError('internal', 'The agent could not make its request to the server.', { cause: error });
}
