/** Real database servers, backed up by the agent's sources into the vault of a test device, and drilled by the workers. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DEFAULT_SEARCH_PATH } from '../../agent/sources/find-program.ts';
import { SourceRun } from '../../agent/sources/source-run.ts';
import { runManifest } from '../../agent/backup/run-manifest.ts';
import { silentLog } from '../../core/base/log.ts';
import { backupSources } from '../../core/domain/backup-source.ts';
import type { DatabaseChecks } from '../../core/domain/database-checks.ts';
import type { DrillCheck } from '../../core/domain/drill-checks.ts';
import { backUpSource } from '../../core/repository/testing/back-up-source.ts';
import { requestDrill } from '../../server/drills/request-drill.ts';
import { openRestored } from '../../workers/drill/open-restored.ts';
import { type StartedServices, startWorkerServices } from '../../workers/testing/start-worker-services.ts';
import { TestDevice } from '../../workers/testing/test-device.ts';
import { startSystemMariadb, type SystemMariadb } from '../support/start-system-mariadb.ts';
import { startSystemPostgres, type SystemPostgres } from '../support/start-system-postgres.ts';

type Source = Readonly<Record<string, unknown>>;

export class DatabaseBench {
  readonly services: StartedServices;
  readonly postgres: SystemPostgres;
  readonly mariadb: SystemMariadb;
  readonly #folder: string;
  readonly #allowed: string[] = [];
  #names = 0;

  private constructor(services: StartedServices, postgres: SystemPostgres, mariadb: SystemMariadb) {
    this.services = services;
    this.postgres = postgres;
    this.mariadb = mariadb;
    this.#folder = mkdtempSync(path.join(tmpdir(), 'holdfast-databases-'));
  }

  static async start(): Promise<DatabaseBench> {
    return new DatabaseBench(await startWorkerServices(), await startSystemPostgres(), await startSystemMariadb());
  }

  async stop(): Promise<void> {
    await Promise.all([this.services.stop(), this.postgres.stop(), this.mariadb.stop()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  postgresDatabase(name: string, sql: string): string {
    this.postgres.sql(`CREATE DATABASE ${name}`);
    this.postgres.sql(sql, name);
    return name;
  }

  mariadbDatabase(name: string, sql: string): string {
    this.mariadb.sql(`CREATE DATABASE ${name}`);
    this.mariadb.sql(sql, name);
    return name;
  }

  sqliteFile(name: string, sql: string): string {
    const file = path.join(this.#folder, name);
    execFileSync('sqlite3', [file], { input: sql });
    return file;
  }

  #secret(text: string): { readonly kind: 'secret_file'; readonly path: string } {
    const file = path.join(this.#folder, `secret-${this.#names++}`);
    writeFileSync(file, text, { mode: 0o600 });
    return { kind: 'secret_file', path: file };
  }

  postgresSource(databases: readonly string[], checks?: DatabaseChecks, globals = false): Source {
    const password = this.postgres.password.replaceAll(/[\\:]/g, '\\$&');
    return {
      ...{ kind: 'postgres', label: 'main', host: '127.0.0.1', port: this.postgres.port, user: 'postgres' },
      ...{
        databases,
        globals,
        login: this.#secret(`127.0.0.1:${this.postgres.port}:*:postgres:${password}\n`),
        checks,
      },
    };
  }

  mariadbSource(databases: readonly string[], checks?: DatabaseChecks): Source {
    const password = this.mariadb.password.replaceAll(/["\\]/g, '\\$&');
    return {
      ...{ kind: 'mysql', label: 'web', host: '127.0.0.1', port: this.mariadb.port, user: 'keeper', databases, checks },
      login: this.#secret(`[client]\npassword="${password}"\n`),
    };
  }

  sqliteSource(files: readonly string[], checks?: DatabaseChecks): Source {
    return { kind: 'sqlite', label: 'app', files, checks };
  }

  /** A command that the machine allows; its shell reports success whatever becomes of a pipe's first part. */
  commandSource(fileName: string, line: string, secrets: Readonly<Record<string, string>>): Source {
    const script = path.join(this.#folder, `command-${this.#names++}`);
    const words = Object.entries(secrets).map(([name, value]) => `export ${name}='${value}'\n`);
    writeFileSync(script, `#!/bin/sh\n${words.join('')}${line}\n`, { mode: 0o700 });
    this.#allowed.push(script);
    writeFileSync(path.join(this.#folder, 'allowed'), this.#allowed.join('\n'), { mode: 0o600 });
    return { kind: 'command', label: 'job', argv: [script], fileName };
  }

  async device(source: Source | undefined): Promise<TestDevice> {
    const device = await TestDevice.enrol(this.services, { 'canary.txt': 'sing' });
    // The first drill of a point would be the plan's own, of level 3: here all are asked for.
    const drill = { level: 4, everyHours: 2000, sampleFiles: 5, hours: notNow(this.services.clock.nowMs()) };
    const sources = source === undefined ? [] : [source];
    await device.setPolicy({ sources: backupSources.parse(JSON.parse(JSON.stringify(sources))), drill });
    return device;
  }

  async backUp(device: TestDevice): Promise<string> {
    const { document } = await device.sql((tx) =>
      tx.policy.findUniqueOrThrow({
        where: { tenantId_id: { tenantId: device.tenant.id, id: device.tenant.customers[0].policyId } },
      }),
    );
    const sources = backupSources.parse((document as { sources?: unknown }).sources ?? []);
    this.services.clock.set(Math.max(this.services.clock.nowMs() + 1000, Date.now()));
    const run = await SourceRun.begin(sources, {
      searchPath: DEFAULT_SEARCH_PATH,
      copiesPath: path.join(this.#folder, 'copies'),
      allowedListPath: path.join(this.#folder, 'allowed'),
      log: silentLog,
      signal: new AbortController().signal,
    });
    try {
      const { result } = await device.commit({
        makeBackup: async (repo, folder) => {
          const witness = { canaryPath: path.join(folder, 'canary.txt'), seed: 'test', sampleCount: 50 };
          const result = await backUpSource(repo, folder, {
            streams: run.streams,
            onStreamFailure: 'leave_out',
            witness,
            time: new Date(this.services.clock.nowMs()),
          });
          const problems = [...run.failures, ...result.unread];
          if (problems.length > 0) throw new Error(`not everything was backed up: ${JSON.stringify(problems)}`);
          const facts = {
            parentSnapshotId: null,
            captureMs: 0,
            startedMs: 0,
            finishedMs: 0,
            takenOver: [],
            revision: 0,
          };
          const ids = {
            runId: device.enrolled.deviceId,
            vaultId: device.enrolled.vaultId,
            repositoryId: repo.config.id,
          };
          return { result, witness: runManifest(result, { ...ids, ...facts, dumps: run.dumps }).witness };
        },
      });
      await device.work(['seal', 'verify']);
      return result.snapshotId;
    } finally {
      await run.end();
    }
  }

  /** A backup, and a drill of level 4 of it. */
  async backUpAndDrill(device: TestDevice) {
    const snapshotId = await this.backUp(device);
    const { drillId } = await requestDrill(this.services, device.tenant.owner, {
      deviceId: device.enrolled.deviceId,
      level: 4,
    });
    const ends = await device.work(['drill']);
    if (ends.join() !== 'done') throw new Error(`the drill's job ended as ${ends.join()}`);
    const drill = await device.sql((tx) =>
      tx.drill.findUniqueOrThrow({ where: { tenantId_id: { tenantId: device.tenant.id, id: drillId } } }),
    );
    return { drill, point: await device.point(snapshotId), alerts: await device.openAlerts() };
  }

  async drill(source: Source | undefined) {
    return await this.backUpAndDrill(await this.device(source));
  }

  /** Kind and state of every look, in order. */
  looks({ checks }: { readonly checks: unknown }): string[][] {
    return (checks as DrillCheck[])
      .map(({ kind, state }) => [kind, state])
      .sort((a, b) => (a.join() < b.join() ? -1 : 1));
  }

  /** SQL that claims to be a dump, opened as a drill would, with a listener that it may try to reach. */
  async openHostile(sql: string) {
    let contacts = 0;
    const listener = createServer((socket) => {
      contacts++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as { port: number };
    const folder = mkdtempSync(path.join(this.#folder, 'hostile-'));
    const text = `-- PostgreSQL database dump\n${sql.replaceAll('PORT', String(port))}`;
    writeFileSync(path.join(folder, 'dump.sql'), text);
    const about = { kind: 'command', label: 'job', database: null, serverVersion: null, clientVersion: null } as const;
    const dump = { path: '/dump.sql', size: text.length, sha256: '', role: 'dump', dump: about } as const;
    const work = { plan: { files: [dump], bytes: 0, leftOut: 0 }, dumps: [dump], sources: [], captureMs: 0 };
    try {
      const { checks, warnings } = await openRestored({
        log: silentLog,
        work: { ...work, earlier: { rows: {}, paces: [], breakdowns: 0 } },
        folder,
        signal: new AbortController().signal,
        onStep: () => undefined,
        limits: { wallClockMs: 15_000, roomBytes: 300 * 1024 * 1024 },
      });
      return { state: checks[0]!.state, message: checks[0]!.output, warnings, contacts };
    } finally {
      listener.close();
    }
  }
}

/** An hour of the day that is not now: no plan begins a drill by itself. */
function notNow(nowMs: number): { readonly from: string; readonly until: string } {
  const hour = (new Date(nowMs).getUTCHours() + 12) % 24;
  const text = String(hour).padStart(2, '0');
  return { from: `${text}:00`, until: `${text}:30` };
}
