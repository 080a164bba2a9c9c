/**
 * The fleet list of ten thousand devices for fifty people at once, each with a filter of a seeded list: the time of a list (its
 * first page with bars, owners of alerts, notes and columns of the provider's own) and of its facets, with row-level security on,
 * while backups go on. A third of the alerts have an owner, and of every second device something is written. A person looks at a
 * list for some seconds before the next one, and goes on to its second page each third time.
 *
 *   npm run bench -- fleet [--devices 10000] [--days 35] [--users 50] [--seconds 60] [--seed bench] [--data FOLDER]
 *
 * A folder that holds a seeded fleet already (`npm run seed -- fleet --data FOLDER --at INSTANT`) is measured as it is; `--at` then says
 * that instant, at which the service's clock begins, or every device would be late.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { parseFilter } from '../../core/domain/fleet-filter/parse-filter.ts';
import { type Scope, scopeForSystem, scopeForUser } from '../../server/access/scope.ts';
import { withDispatcher } from '../../server/db/with-dispatcher.ts';
import { withScope } from '../../server/db/with-scope.ts';
import { loadEnv } from '../../server/env.ts';
import { countFacets } from '../../server/fleet/count-fleet.ts';
import { listFleet } from '../../server/fleet/list-fleet.ts';
import { listOwnFields, saveOwnField } from '../../server/fleet/own-fields.ts';
import { refreshAllSummaries } from '../../server/fleet/refresh-summaries.ts';
import { seedScenario } from '../../server/seed/seed-scenario.ts';
import { type SeededRandom, seededRandom } from '../../server/seed/seeded-random.ts';
import { createServices, type Services } from '../../server/services.ts';
import { startDataFolderService } from '../../tools/seed/data-folder-service.ts';
import { cpuSeconds } from '../measure.ts';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '10000' },
    days: { type: 'string', default: '35' },
    users: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: 'bench' },
    data: { type: 'string' },
    at: { type: 'string' },
  },
});
/** Lists of one person alone. */
const ALONE = 100;
/** Between two lists of one person. */
const THINK_MS = { from: 3000, to: 7000 } as const;
/** Devices whose backup changes something, in each second: a hundred thousand a day. */
const CHANGES_PER_SECOND = 1;

function anyFilter(random: SeededRandom): string {
  const conditions: readonly (() => string)[] = [
    () => `status:${random.pick(['missed', 'failed', 'late', 'proven', 'stuck', 'partial'])}`,
    () => `status:failed,missed,damaged`,
    () => `customer:"${random.pick(['dental', 'law', 'haulage', 'a', 'hill dental', 'chen'])}"`,
    () => `rpo>${random.pick(['1h', '12h', '24h', '7d'])}`,
    () => `proof>${random.pick(['1d', '7d', '30d'])}`,
    () => `level<${1 + random.below(5)}`,
    () => `tag:${random.pick(['server', 'desk', 'database', 'laptop'])}`,
    () => `agent<${random.pick(['1.3', '1.4', '1.4.2'])}`,
    () => `(missed or stuck) -excused`,
    () => `srv`,
    () => `size>${random.pick(['100GB', '1TB'])}`,
    () => `is:${random.pick(['overdue', 'alerting', 'busy'])}`,
    () => `note:${random.pick(['ups', 'none', 'move'])}`,
    () => `my.site:${random.pick(['oslo', 'bergen', 'none'])}`,
    () => `my.seats>${random.below(50)}`,
    () => `my.renewal<${random.pick(['2026-12-31', '2027-06-30'])}`,
  ];
  const count = random.below(4);
  const chosen = Array.from({ length: count }, () => `${random.chance(0.15) ? '-' : ''}${random.pick(conditions)()}`);
  const text = random.chance(0.2) && count > 1 ? chosen.map((one) => `(${one})`).join(' or ') : chosen.join(' ');
  const sort = random.chance(0.4)
    ? `sort:${random.chance(0.5) ? '-' : ''}${random.pick(['name', 'customer', 'rpo', 'proof', 'size', 'rto', 'seen', 'agent'])}`
    : '';
  return [text, sort]
    .filter((part) => part !== '')
    .join(' ')
    .replaceAll('--', '');
}

const percentile = (times: readonly number[], share: number): number =>
  Math.round(times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);

async function changeSomething(services: Services, scope: Scope, random: SeededRandom, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    await withScope(services, scope, async (tx) => {
      const at = random.below(Number(values.devices));
      await tx.$executeRaw`UPDATE backup_run SET last_progress_at = now() WHERE tenant_id = ${scope.tenantId}::uuid
        AND id = (SELECT run_id FROM device_summary WHERE tenant_id = ${scope.tenantId}::uuid ORDER BY device_id OFFSET ${at} LIMIT 1)`;
    });
    await new Promise((resolve) => setTimeout(resolve, 1000 / CHANGES_PER_SECOND));
  }
}

/** What people add to a fleet, and no seed writes: owners of alerts, columns of the provider's own, and notes. */
async function addPeoplesWork(services: Services, scope: Scope): Promise<void> {
  for (const [label, kind, choices] of [
    ['Site', 'choice', ['Oslo', 'Bergen', 'Tromsø']],
    ['Seats', 'number', []],
    ['Renewal', 'date', []],
  ] as const)
    await saveOwnField(services, scope, { id: null, label, kind, choices });
  await withScope(services, scope, async (tx) => {
    await tx.$executeRaw`
      INSERT INTO device_card (tenant_id, device_id, customer_id, note, values)
      SELECT tenant_id, id, customer_id, (ARRAY['', 'Replace the UPS', 'Will move to another rack in spring'])[1 + n % 3],
        jsonb_build_object('site', (ARRAY['Oslo', 'Bergen', 'Tromsø'])[1 + n % 3], 'seats', n % 60,
          'renewal', to_char(date '2026-11-01' + (n % 400)::int, 'YYYY-MM-DD'))
      FROM (SELECT d.*, row_number() OVER (ORDER BY id) AS n FROM device d WHERE tenant_id = ${scope.tenantId}::uuid) d
      WHERE n % 2 = 0 ON CONFLICT DO NOTHING`;
    await tx.$executeRaw`
      UPDATE alert SET owner_id = u.id FROM (SELECT id FROM app_user WHERE tenant_id = ${scope.tenantId}::uuid AND customer_id IS NULL
        ORDER BY id LIMIT 1) u
      WHERE tenant_id = ${scope.tenantId}::uuid AND resolved_at IS NULL AND hashtext(alert.id::text) % 3 = 0`;
  });
}

async function findSeeded(services: Services): Promise<string | undefined> {
  const [tenant] = await withDispatcher(services, (tx) => tx.$queryRaw<{ id: string }[]>`SELECT id FROM tenant`);
  return tenant?.id;
}

/** A user that is one: what people write bears their name. */
async function findOwner(services: Services, tenantId: string): Promise<string> {
  return await withScope(services, scopeForSystem(tenantId), async (tx) => {
    const user = await tx.appUser.findFirst({ where: { tenantId, role: 'owner' }, select: { id: true } });
    if (user === null) throw new Error('The seeded fleet has no owner.');
    return user.id;
  });
}

/** One person alone: what the work itself costs, without the line before it. */
async function listAlone(services: Services, scope: Scope, servers: readonly number[]): Promise<void> {
  const random = seededRandom(`${values.seed} alone`);
  const pages: number[] = [];
  const [own, others] = [process.cpuUsage(), cpuSeconds(servers)];
  for (let at = 0; at < ALONE; at += 1) {
    const filter = parseFilter(anyFilter(random));
    const from = performance.now();
    await listFleet(services, scope, { filter, after: null });
    pages.push(performance.now() - from);
  }
  const { user, system } = process.cpuUsage(own);
  console.log(
    `one person alone, a list: median ${percentile(pages, 0.5)} ms, p95 ${percentile(pages, 0.95)} ms; processor time ` +
      `${Math.round((user + system) / 1000 / ALONE)} ms here, ${Math.round(((cpuSeconds(servers) - others) * 1000) / ALONE)} ms in Postgres`,
  );
}

/** The folder's own servers. */
function pidsOf(folder: string): number[] {
  const text = readFileSync(path.join(folder, 'processes.json'), 'utf8');
  return [...text.matchAll(/"pid":\s*(\d+)/g)].map(([, pid]) => Number(pid));
}

async function main(): Promise<void> {
  const folder = values.data ?? mkdtempSync(path.join(tmpdir(), 'holdfast-bench-fleet-'));
  const service = await startDataFolderService(folder, process.env, (sentence) => console.log(sentence));
  const atMs = values.at === undefined ? Date.now() : Date.parse(values.at);
  const startedMs = Date.now();
  const services = {
    ...createServices(loadEnv({ ...service.environment, HOLDFAST_LOG_LEVEL: 'error' })),
    clock: { nowMs: () => atMs + Date.now() - startedMs },
  };
  try {
    const began = performance.now();
    const wish = {
      name: 'fleet',
      seed: values.seed,
      atMs,
      devices: Number(values.devices),
      days: Number(values.days),
    } as const;
    const kept = await findSeeded(services);
    const tenantId =
      kept ?? (await service.inBulk(async (analyze) => (await seedScenario(services, wish, { analyze })).tenantId));
    const seconds = Math.round((performance.now() - began) / 1000);
    console.log(
      kept === undefined
        ? `seed ${values.seed}: ${values.devices} devices, ${values.days} days, written in ${seconds} s`
        : `the fleet that ${folder} holds`,
    );
    const owner = scopeForUser({ tenantId, id: await findOwner(services, tenantId), customerId: null, role: 'owner' });
    if ((await listOwnFields(services, owner)).length === 0) await addPeoplesWork(services, owner);
    const computed = await refreshAllSummaries(services, scopeForSystem(tenantId));
    if (computed > 0) console.log(`${computed} summaries computed`);
    const scope = scopeForUser({ tenantId, id: tenantId, customerId: null, role: 'owner' });
    await withScope(services, scope, (tx) => tx.$queryRaw`SELECT 1`);
    const lists: number[] = [];
    const secondPages: number[] = [];
    const facets: number[] = [];
    const slowest: { text: string; ms: number }[] = [];
    const untilMs = performance.now() + Number(values.seconds) * 1000;
    const user = async (number: number): Promise<void> => {
      const random = seededRandom(`${values.seed} user ${number}`);
      const think = (): Promise<void> =>
        new Promise((resolve) => setTimeout(resolve, THINK_MS.from + random.below(THINK_MS.to - THINK_MS.from)));
      // They do not all come in one second.
      await new Promise((resolve) => setTimeout(resolve, random.below(THINK_MS.to)));
      while (performance.now() < untilMs) {
        const text = anyFilter(random);
        const filter = parseFilter(text);
        const from = performance.now();
        const { next } = await listFleet(services, scope, { filter, after: null });
        const listed = performance.now();
        await countFacets(services, scope, filter);
        lists.push(listed - from);
        facets.push(performance.now() - listed);
        slowest.push({ text, ms: Math.round(listed - from) });
        if (next !== null && random.chance(1 / 3)) {
          const turned = performance.now();
          await listFleet(services, scope, { filter, after: next });
          secondPages.push(performance.now() - turned);
        }
        await think();
      }
    };
    await Promise.all([
      changeSomething(services, scope, seededRandom(values.seed), untilMs),
      ...Array.from({ length: Number(values.users) }, async (_, number) => await user(number)),
    ]);
    const line = (name: string, times: readonly number[]): void =>
      console.log(
        `${name}: n ${times.length}, median ${percentile(times, 0.5)} ms, p95 ${percentile(times, 0.95)} ms, worst ${percentile(times, 1)} ms`,
      );
    console.log(`${values.users} users, ${values.seconds} s`);
    line('list of devices, first page with bars', lists);
    line('its second page', secondPages);
    line('facets with counts', facets);
    await listAlone(services, scope, pidsOf(folder));
    for (const { text, ms } of slowest.toSorted((a, b) => b.ms - a.ms).slice(0, 5)) console.log(`  ${ms} ms  ${text}`);
  } finally {
    await services.close();
    await service.stop();
    if (values.data === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

await main();
