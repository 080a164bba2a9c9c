/** The whole service without its portal, as real programs: Postgres, gateway and workers, and agents by bin/holdfast. */
import { childEnvironment } from '../../core/base/child-environment.ts';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { silentLog } from '../../core/base/log.ts';
import { createFirstDeviceToken, seedFirstStart } from '../../server/seed/first-start.ts';
import { loadEnv } from '../../server/env.ts';
import { createServices, type Services } from '../../server/services.ts';
import { freePort } from '../../tools/services/free-port.ts';
import { startTestPostgres, type TestPostgres } from './start-test-postgres.ts';
import { FaultyProxy } from './faulty-proxy.ts';

export const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
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
    const inherited = {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '/',
      // Most of the time of a start is compiling.
      ...(process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }),
    };
    // The cast: ProcessEnv is declared with members that only a web server has.
    const environment = childEnvironment({ ...inherited, ...env });
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
  readonly #workers = new Set<RunningProgram>();
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

  /** `workers`: the arguments of each worker program; one that serves every queue unless told. */
  static async start({
    workers = [[]],
  }: {
    readonly workers?: readonly (readonly string[])[];
  } = {}): Promise<ServiceStack> {
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
      // Nobody waits half a minute for a machine to call.
      HOLDFAST_HEARTBEAT_SECONDS: '1',
      HOLDFAST_STORE_PATH: join(folder, 'store'),
      HOLDFAST_STORE_SIGNING_KEY: randomBytes(32).toString('base64'),
      HOLDFAST_SCRATCH_PATH: join(folder, 'scratch'),
    };
    const services = createServices(loadEnv(env), { log: silentLog });
    const seed = { protectPaths: [join(folder, 'protect')], excludes: [], deviceName: 'test-machine' };
    const { tenantId } = await seedFirstStart(services, seed);
    const stack = new ServiceStack(folder, database, env, services, tenantId, proxy);
    await stack.startGateway();
    await Promise.all(workers.map(async (args) => await stack.startWorkers(args)));
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

  /** `program`: another one in the place of the workers' own, which says as they do that it is ready. */
  async startWorkers(args: readonly string[] = [], program = 'workers/main.ts'): Promise<RunningProgram> {
    const worker = new RunningProgram(NODE, [program, ...args], this.#env);
    this.#workers.add(worker);
    void worker.ended.then(() => this.#workers.delete(worker));
    await worker.line(/workers ready/);
    return worker;
  }

  async stopWorkers(): Promise<void> {
    await Promise.all([...this.#workers].map(async (worker) => await worker.stop()));
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
  async sql<Row extends object = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    return (await this.#admin.query<Row>(text, [...values])).rows;
  }

  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.stop('SIGKILL')));
    await this.stopWorkers();
    await this.#gateway?.stop();
    await this.proxy.close();
    await this.services.close();
    await this.#admin.end();
    await this.#database.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
