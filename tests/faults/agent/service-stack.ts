/** The whole service without its portal, as real programs: Postgres, gateway and workers, and agents by bin/holdfast. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { silentLog } from '../../../core/base/log.ts';
import { createFirstDeviceToken, seedFirstStart } from '../../../server/seed/first-start.ts';
import { loadEnv } from '../../../server/env.ts';
import { createServices, type Services } from '../../../server/services.ts';
import { freePort } from '../../../tools/services/free-port.ts';
import { startTestPostgres, type TestPostgres } from '../../support/start-test-postgres.ts';
import { FaultyProxy } from './faulty-proxy.ts';

export const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
const NODE = join(CHECKOUT, 'node_modules/.bin/node');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class RunningProgram {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly lines: string[] = [];
  #stderr = '';
  readonly #listeners = new Set<() => void>();

  constructor(command: string, args: readonly string[], env: Record<string, string>, userId?: number) {
    const inherited = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/' };
    // The cast: ProcessEnv is declared with members that only a web server has.
    const environment = { ...inherited, ...env } as Record<string, string> as NodeJS.ProcessEnv;
    this.child = spawn(command, args, {
      cwd: CHECKOUT,
      env: environment,
      ...(userId === undefined ? {} : { uid: userId, gid: userId }),
    });
    this.child.stdin?.end();
    const { stdout, stderr } = this.child;
    if (stdout === null || stderr === null) throw new Error('a program without its output');
    createInterface({ input: stdout }).on('line', (line) => {
      this.lines.push(line);
      for (const listener of this.#listeners) listener();
    });
    stderr.on('data', (piece: Buffer) => {
      this.#stderr += piece.toString();
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        for (const listener of this.#listeners) listener();
        resolve({ code, signal, stdout: this.lines.join('\n'), stderr: this.#stderr });
      });
    });
  }

  get output(): string {
    return `${this.lines.join('\n')}\n${this.#stderr}`;
  }

  /** The first line so far or to come that matches. */
  line(pattern: RegExp, timeoutMs = 40_000): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.lines.find((line) => pattern.test(line));
        const hasEnded = this.child.exitCode !== null || this.child.signalCode !== null;
        if (found === undefined && !hasEnded) return;
        clearTimeout(timer);
        this.#listeners.delete(look);
        if (found === undefined) reject(new Error(`it ended before ${pattern}:\n${this.output}`));
        else resolve(found);
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        reject(new Error(`no line like ${pattern} within ${timeoutMs} ms:\n${this.output}`));
      }, timeoutMs);
      this.#listeners.add(look);
      look();
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return await this.ended;
  }
}

export class ServiceStack {
  readonly folder: string;
  readonly protectPath: string;
  readonly storeRoot: string;
  readonly services: Services;
  readonly tenantId: string;
  /** Stands between the agents and the gateway, and is the address of the signed URLs as well. */
  readonly proxy: FaultyProxy;
  readonly #database: TestPostgres;
  readonly #admin: pg.Pool;
  readonly #env: Record<string, string>;
  #gateway: RunningProgram | undefined;
  #workers: RunningProgram | undefined;
  readonly #agents: RunningProgram[] = [];

  private constructor(
    folder: string,
    database: TestPostgres,
    env: Record<string, string>,
    services: Services,
    tenantId: string,
    proxy: FaultyProxy,
  ) {
    this.folder = folder;
    this.protectPath = join(folder, 'protect');
    this.storeRoot = join(folder, 'store');
    this.services = services;
    this.tenantId = tenantId;
    this.proxy = proxy;
    this.#database = database;
    this.#env = env;
    this.#admin = new pg.Pool({ connectionString: database.databaseUrl, max: 2 });
  }

  static async start(): Promise<ServiceStack> {
    const database = await startTestPostgres();
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-stack-'));
    const gatewayPort = await freePort();
    const proxy = await FaultyProxy.start(() => gatewayPort);
    await mkdir(join(folder, 'protect'));
    await writeFile(join(folder, 'root.key'), randomBytes(32).toString('base64'), { mode: 0o600 });
    const env = {
      DATABASE_SERVICE_URL: database.serviceUrl,
      QUEUE_DATABASE_URL: database.queueUrl,
      HOLDFAST_ROOT_KEY_FILE: join(folder, 'root.key'),
      GATEWAY_PORT: String(gatewayPort),
      HOLDFAST_GATEWAY_URL: proxy.url,
      HOLDFAST_STORE_PATH: join(folder, 'store'),
      HOLDFAST_STORE_SIGNING_KEY: randomBytes(32).toString('base64'),
      HOLDFAST_SCRATCH_PATH: join(folder, 'scratch'),
    };
    const services = createServices(loadEnv(env), { log: silentLog });
    const seed = { protectPaths: [join(folder, 'protect')], excludes: [], deviceName: 'test-machine' };
    const { tenantId } = await seedFirstStart(services, seed);
    const stack = new ServiceStack(folder, database, env, services, tenantId, proxy);
    await stack.startGateway();
    await stack.startWorkers();
    return stack;
  }

  get url(): string {
    return this.proxy.url;
  }

  /** For a device of the first customer; serves once. */
  async createToken(): Promise<string> {
    return await createFirstDeviceToken(this.services, this.tenantId, 'test-machine');
  }

  async startGateway(): Promise<void> {
    this.#gateway = new RunningProgram(NODE, ['gateway/main.ts'], this.#env);
    await this.#gateway.line(/gateway ready/);
  }

  async stopGateway(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#gateway?.stop(signal);
  }

  async startWorkers(): Promise<void> {
    this.#workers = new RunningProgram(NODE, ['workers/main.ts'], this.#env);
    await this.#workers.line(/workers ready/);
  }

  async stopWorkers(): Promise<void> {
    await this.#workers?.stop();
  }

  /** A process of the agent on a state folder. */
  agent(statePath: string, args: readonly string[], env: Record<string, string> = {}, userId?: number): RunningProgram {
    const all = { HOLDFAST_AGENT_STATE: statePath, ...env };
    const program = new RunningProgram(join(CHECKOUT, 'bin/holdfast'), args, all, userId);
    this.#agents.push(program);
    return program;
  }

  async newState(): Promise<string> {
    return await mkdtemp(join(this.folder, 'agent-'));
  }

  async enrol(statePath: string, token: string, ...more: string[]): Promise<Ended> {
    const args = ['enroll', '--server', this.url, ...more];
    return await this.agent(statePath, args, { HOLDFAST_ENROLMENT_TOKEN: token }).ended;
  }

  /** Runs a command of the agent to its end. */
  async run(statePath: string, ...args: string[]): Promise<Ended> {
    return await this.agent(statePath, args).ended;
  }

  /** A fresh, enrolled state folder. */
  async enrolled(): Promise<string> {
    const statePath = await this.newState();
    const ended = await this.enrol(statePath, await this.createToken());
    if (ended.code !== 0) throw new Error(`enrolment failed: ${ended.stdout}${ended.stderr}`);
    return statePath;
  }

  /** As the database's administrator, past row-level security. */
  async sql(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    return (await this.#admin.query(text, [...values])).rows;
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop('SIGKILL')));
    await this.#workers?.stop();
    await this.#gateway?.stop();
    await this.proxy.close();
    await this.services.close();
    await this.#admin.end();
    await this.#database.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
