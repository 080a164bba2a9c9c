/** Twenty healthy machines of two customers, and as many more as a test makes sick, one at a time, in one real service. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadIdentity } from '../../agent/state/identity.ts';
import { newId } from '../../core/base/ids.ts';
import { type PolicyDocument, policyDocument } from '../../core/domain/policy.ts';
import { type Scope, scopeForSystem, scopeForUser } from '../../server/access/scope.ts';
import { listOpenAlerts } from '../../server/alerts/queries.ts';
import { EVERY_DEVICE } from '../../core/domain/fleet-filter/filter.ts';
import { applyChange } from '../../server/changes/apply-change.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { insertToken } from '../../server/devices/create-enrolment-token.ts';
import { listFleet } from '../../server/fleet/list-fleet.ts';
import { enqueueIntent } from '../../server/jobs/intents.ts';
import { QUEUE_NAMES } from '../../server/jobs/catalog.ts';
import { agentInProcess } from '../support/agent-in-process.ts';
import { type RunningProgram, ServiceStack } from '../support/service-stack.ts';
import { until } from '../support/until.ts';

const HEALTHY = 20;
const ENROLLED_AT_ONCE = 4;
/** A point that a restore test has proven. */
const PROOF_LEVEL = 3;

export interface Machine {
  readonly deviceId: string;
  readonly vaultId: string;
  readonly statePath: string;
  /** What it protects. */
  readonly folder: string;
  /** Of its vault in the store. */
  readonly vaultFolder: string;
  readonly password: string;
}

export interface Light {
  readonly state: string;
  /** The headline of the device's page. */
  readonly reason: string;
  readonly openAlerts: number;
}

export interface Alert {
  readonly deviceId: string | null;
  readonly kind: string;
  readonly title: string;
  readonly message: string;
}

/** Changes to what a machine's policy says. */
type PolicyChanges = Partial<Pick<PolicyDocument, 'sources' | 'drill'>>;

/** Longer than any of the tests. */
const SWEEPS_HELD_MS = 24 * 3_600_000;

export class RedFleet {
  readonly stack: ServiceStack;
  readonly #owner: Scope;
  readonly #customers: readonly string[];
  readonly #healthy: Machine[] = [];
  #drillWorker: RunningProgram | undefined;
  #drillProgram = '';
  #made = 0;

  private constructor(stack: ServiceStack, owner: Scope, customers: readonly string[]) {
    this.stack = stack;
    this.#owner = owner;
    this.#customers = customers;
  }

  /** `spare`: so many healthy machines more, which tests then make sick. */
  static async start(spare: number): Promise<{ readonly fleet: RedFleet; readonly spares: Machine[] }> {
    const others = QUEUE_NAMES.filter((name) => name !== 'drill');
    const stack = await ServiceStack.start({ workers: [['--queues', others.join(',')]] });
    try {
      const [owner] = await stack.sql(`SELECT id FROM app_user WHERE role = 'owner'`);
      const customers = await stack.sql('SELECT id FROM customer ORDER BY name');
      const fleet = new RedFleet(
        stack,
        scopeForUser({ tenantId: stack.tenantId, id: String(owner!['id']), customerId: null, role: 'owner' }),
        customers.map(({ id }) => String(id)),
      );
      return { fleet, spares: await fleet.#fill(spare) };
    } catch (error) {
      await stack.close(); // nobody else would end its programs
      throw error;
    }
  }

  async #fill(spare: number): Promise<Machine[]> {
    await this.drillsBy();
    const machines: Machine[] = [];
    const lane = async (): Promise<void> => {
      while (this.#made < HEALTHY + spare) machines.push(await this.machine());
    };
    await Promise.all(Array.from({ length: ENROLLED_AT_ONCE }, lane));
    this.#healthy.push(...machines.slice(0, HEALTHY));
    await this.proven(...machines);
    await this.sweep(); // the turns of the rolling checks begin
    return machines.slice(HEALTHY);
  }

  get owner(): Scope {
    return this.#owner;
  }

  async close(): Promise<void> {
    await this.stack.close();
  }

  /** There is one worker of drills at a time: the real one, or the program that a test puts in its place. */
  async drillsBy(
    program = 'workers/main.ts',
    args: readonly string[] = ['--queues', 'drill'],
  ): Promise<RunningProgram> {
    const wanted = [program, ...args].join(' ');
    if (this.#drillWorker !== undefined && this.#drillProgram === wanted) return this.#drillWorker;
    await this.#drillWorker?.stop();
    this.#drillProgram = wanted;
    this.#drillWorker = await this.stack.startWorkers(args, program);
    return this.#drillWorker;
  }

  /** Enrolled, and backed up once; a few files of its own, a policy of its own. */
  async machine(changes: PolicyChanges = {}, prepare?: (statePath: string) => Promise<void>): Promise<Machine> {
    const number = this.#made++;
    const folder = join(this.stack.folder, `machine-${number}`);
    await mkdir(join(folder, 'letters'), { recursive: true });
    await writeFile(join(folder, 'letters', 'one.txt'), `Letter one of machine ${number}\n`);
    await writeFile(join(folder, 'letters', 'two.txt'), `Letter two of machine ${number}\n`.repeat(100));
    await writeFile(join(folder, 'x-ray.raw'), randomBytes(30_000));
    const token = await this.#token(number, folder, changes);
    const statePath = await this.stack.newState();
    await agentInProcess(statePath, 'enroll', '--server', this.stack.url, '--token', token);
    await prepare?.(statePath);
    const { tenantId, deviceId, vaultId, repositoryPassword: password } = await loadIdentity(statePath);
    const vaultFolder = join(this.stack.storeRoot, 'v', tenantId, vaultId);
    const machine = { deviceId, vaultId, statePath, folder, vaultFolder, password };
    await this.backUp(machine);
    return machine;
  }

  async #token(number: number, folder: string, changes: PolicyChanges): Promise<string> {
    const { services, tenantId } = this.stack;
    const scope = scopeForSystem(tenantId);
    const customerId = this.#customers[number % this.#customers.length]!;
    return await applyChange(services, scope, async (change) => {
      const first = await change.tx.policy.findFirstOrThrow({ where: { tenantId }, orderBy: { createdAt: 'asc' } });
      const document = policyDocument.parse({ ...(first.document as object), paths: [folder], ...changes });
      const policyId = newId();
      await change.tx.policy.create({
        data: {
          tenantId,
          id: policyId,
          customerId,
          name: `Policy ${number}`,
          document: JSON.parse(JSON.stringify(document)),
        },
      });
      return (await insertToken(services, change, scope, { customerId, policyId, label: `machine ${number}` })).token;
    });
  }

  async backUp({ statePath }: Machine): Promise<void> {
    await agentInProcess(statePath, 'backup');
  }

  /** The newest points of these machines have passed a restore test. */
  async proven(...machines: readonly Machine[]): Promise<void> {
    const ids = machines.map(({ deviceId }) => deviceId);
    await until('that the machines are proven', async () => {
      const rows = await this.stack.sql(
        `SELECT DISTINCT ON (device_id) level_passed FROM restore_point WHERE device_id = ANY ($1)
         ORDER BY device_id, capture_at DESC`,
        [ids],
      );
      return rows.length === ids.length && rows.every((row) => Number(row['level_passed']) >= PROOF_LEVEL);
    });
    await this.idle();
  }

  /** No job is left that could be done now. */
  async idle(): Promise<void> {
    await until('that all jobs are done', async () => {
      // A restore test that gave way to the backup of its machine looks again a minute later: that minute is over.
      await this.stack.sql(
        `UPDATE job_intent SET run_after = now()
         WHERE kind = 'drill' AND state = 'waiting' AND run_after BETWEEN now() AND now() + interval '2 minutes'`,
      );
      const [row] = await this.stack.sql(
        `SELECT count(*)::int AS open FROM job_intent
         WHERE state IN ('dispatched', 'running') OR (state = 'waiting' AND run_after <= now())`,
      );
      return row!['open'] === 0;
    });
  }

  /**
   * One pass over the schedule, and all that follows from it. The service makes one each half minute by itself: from the first on
   * they wait for the test, or what it has made due would be done at a moment that nobody chose.
   */
  async sweep(): Promise<void> {
    const held = await this.stack.sql(
      `UPDATE job_intent SET run_after = now() WHERE kind = 'schedule-sweep' AND state = 'waiting' RETURNING id`,
    );
    if (held.length === 0) await this.#order(new Date());
    await this.idle();
    await until('that the next pass over the schedule waits', async () => {
      await this.idle();
      return await this.#order(new Date(Date.now() + SWEEPS_HELD_MS));
    });
  }

  /** Undefined: one is open already. */
  async #order(runAfter: Date): Promise<string | undefined> {
    const scope = scopeForSystem(this.stack.tenantId);
    return await withScope(this.stack.services, scope, (tx) =>
      enqueueIntent(tx, scope, 'schedule-sweep', {}, { dedupeKey: 'schedule-sweep', runAfter }),
    );
  }

  /**
   * The time of a rolling check has come: for this vault and for those of the healthy. It is ordered by the next sweep.
   * @returns how many hours lie between two such checks of the vault.
   */
  async check(sick: Machine, turn: 'listing' | 'reading' | 'decrypting', neighbours = HEALTHY): Promise<number> {
    const column = `${turn}_due_at`;
    const vaults = [sick, ...this.#healthy.slice(0, neighbours)].map(({ vaultId }) => vaultId);
    await this.stack.sql(`UPDATE vault_check SET ${column} = now() - interval '1 second' WHERE vault_id = ANY ($1)`, [
      vaults,
    ]);
    const before = await this.#dueMs(sick, column);
    await this.sweep();
    return ((await this.#dueMs(sick, column)) - before) / 3_600_000;
  }

  async #dueMs({ vaultId }: Machine, column: string): Promise<number> {
    const [row] = await this.stack.sql(`SELECT ${column} AS due FROM vault_check WHERE vault_id = $1`, [vaultId]);
    return (row!['due'] as Date).getTime();
  }

  /** What the machine's policy asks of restore tests is another thing from now on. */
  async plan({ deviceId }: Machine, drill: PolicyDocument['drill']): Promise<void> {
    await this.stack.sql(
      `UPDATE policy SET version = version + 1, document = document || jsonb_build_object('drill', $2::jsonb)
       WHERE id = (SELECT policy_id FROM device WHERE id = $1)`,
      [deviceId, JSON.stringify(drill)],
    );
  }

  /** What happened to the machine's restore tests happened so much earlier. */
  async age({ deviceId }: Machine, interval: string): Promise<void> {
    await this.stack.sql(
      `UPDATE drill SET created_at = created_at - $2::interval, started_at = started_at - $2::interval,
       finished_at = finished_at - $2::interval WHERE device_id = $1`,
      [deviceId, interval],
    );
  }

  /** The ends of a machine's restore tests, the oldest first. */
  async drills({ deviceId }: Machine): Promise<string[]> {
    const rows = await this.stack.sql('SELECT state FROM drill WHERE device_id = $1 ORDER BY created_at, id', [
      deviceId,
    ]);
    return rows.map(({ state }) => String(state));
  }

  /** Levels and ends of the rolling checks of a machine's vault, the oldest first. */
  async checks({ vaultId }: Machine): Promise<string[]> {
    const rows = await this.stack.sql(
      `SELECT level, state FROM verification WHERE vault_id = $1 AND purpose = 'rolling' ORDER BY created_at, id`,
      [vaultId],
    );
    return rows.map(({ level, state }) => `level ${String(level)} ${String(state)}`);
  }

  /** Every light, by device, as the fleet's page shows it. */
  async lights(): Promise<Map<string, Light>> {
    const wish = { filter: EVERY_DEVICE, after: null, withBars: false };
    const { rows } = await listFleet(this.stack.services, this.#owner, wish);
    return new Map(
      rows.map(({ id, protection, openAlerts }) => [
        id,
        { state: protection.state, reason: protection.reason, openAlerts },
      ]),
    );
  }

  async alerts(): Promise<Alert[]> {
    const alerts = await withScope(this.stack.services, this.#owner, (tx) => listOpenAlerts(tx, this.#owner, {}));
    return alerts.map(({ deviceId, kind, title, message }) => ({ deviceId, kind, title, message }));
  }

  /** The machine leaves the fleet, with its alerts. */
  async remove({ deviceId }: Machine): Promise<void> {
    await this.stack.sql('UPDATE device SET revoked_at = now() WHERE id = $1', [deviceId]);
    await this.stack.sql('UPDATE alert SET resolved_at = now() WHERE device_id = $1 AND resolved_at IS NULL', [
      deviceId,
    ]);
  }

  /** Keys of a vault's objects of a kind, the largest first. */
  async keys({ vaultId }: Machine, kind: string): Promise<string[]> {
    const rows = await this.stack.sql(
      'SELECT key FROM stored_object WHERE vault_id = $1 AND kind = $2 ORDER BY size DESC, key',
      [vaultId, kind],
    );
    return rows.map(({ key }) => String(key));
  }
}
