/** Who there is in a scenario and what goes wrong. Pure: the same wish gives the same plan. */
import { type PolicyDocument, policyDocument } from '../../core/domain/policy.ts';
import { type CustomerName, FORTY_CUSTOMERS, manyCustomers } from './customer-names.ts';
import type { Mishap, Scenario, ScenarioCustomer, ScenarioDevice, ScenarioWish } from './scenario.ts';
import { type SeededRandom, seededId, seededRandom } from './seeded-random.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface MachineKind {
  readonly name: string;
  readonly policy: 'Servers' | 'Workstations' | 'Databases';
  readonly tags: readonly string[];
  readonly os: string;
  readonly bytes: number;
}

/** A first one of each customer comes first. */
const MACHINES: readonly MachineKind[] = [
  { name: 'SRV-FILES', policy: 'Servers', tags: ['server', 'files'], os: 'linux', bytes: 800e9 },
  { name: 'SRV-SQL', policy: 'Databases', tags: ['server', 'database'], os: 'linux', bytes: 120e9 },
  { name: 'RECEPTION', policy: 'Workstations', tags: ['desk'], os: 'windows', bytes: 90e9 },
  { name: 'OFFICE', policy: 'Workstations', tags: ['desk'], os: 'windows', bytes: 140e9 },
  { name: 'DIRECTOR', policy: 'Workstations', tags: ['laptop'], os: 'darwin', bytes: 60e9 },
  { name: 'NAS', policy: 'Servers', tags: ['server', 'archive'], os: 'linux', bytes: 2.4e12 },
];
const AGENT_VERSIONS = ['1.4.2', '1.4.2', '1.4.2', '1.4.1', '1.3.0', '1.2.5'] as const;

function documentFor(kind: MachineKind['policy'], drillEveryHours: number): PolicyDocument {
  const isServer = kind !== 'Workstations';
  return policyDocument.parse({
    paths: isServer ? ['/srv'] : ['/home'],
    ...(kind === 'Databases'
      ? { sources: [{ kind: 'postgres', label: 'main', user: 'holdfast', login: { kind: 'peer' } }] }
      : {}),
    schedule: {
      everyMinutes: kind === 'Databases' ? 6 * 60 : 24 * 60,
      windowMinutes: kind === 'Databases' ? 90 : 4 * 60,
    },
    rpoMinutes: (kind === 'Databases' ? 9 : kind === 'Servers' ? 30 : 48) * 60,
    rtoMinutes: isServer ? 4 * 60 : 24 * 60,
    drill: { level: kind === 'Databases' ? 4 : 3, everyHours: drillEveryHours, sampleFiles: 50 },
  });
}

export function planScenario(wish: ScenarioWish): Scenario {
  const { name, seed, atMs } = wish;
  const random = seededRandom(`${name} ${seed}`);
  const deviceCount = wish.devices ?? (name === 'fleet' ? 10_000 : 240);
  const days = wish.days ?? (name === 'fleet' ? 365 : 35);
  const customerNames = name === 'fleet' ? manyCustomers(Math.max(40, Math.ceil(deviceCount / 25))) : FORTY_CUSTOMERS;
  const drillEveryHours = name === 'fleet' ? 7 * 24 : 24;
  const customers = customerNames.map((one) => planCustomer(seed, one, drillEveryHours));
  const devices = Array.from({ length: deviceCount }, (_, index) => {
    const at = index % customers.length;
    const place = Math.floor(index / customers.length);
    return planDevice(wish, random, customers[at]!, customerNames[at]!, place, drillEveryHours);
  });
  return {
    name,
    seed,
    atMs,
    days,
    tenantId: seededId(seed, name, 'tenant'),
    tenantName:
      name === 'calm' ? 'Harbour IT' : name === 'monday' ? 'Northgate Managed Services' : 'Continental Backup',
    customers,
    devices: name === 'monday' ? badMonday(devices, customers, atMs) : devices,
  };
}

function planCustomer(seed: string, { name, timeZone }: CustomerName, drillEveryHours: number): ScenarioCustomer {
  const kinds = ['Servers', 'Databases', 'Workstations'] as const;
  return {
    id: seededId(seed, 'customer', name),
    name,
    timeZone,
    policies: kinds.map((kind) => ({
      id: seededId(seed, 'policy', name, kind),
      name: kind,
      document: documentFor(kind, drillEveryHours),
    })),
  };
}

function planDevice(
  { name, seed, atMs }: ScenarioWish,
  random: SeededRandom,
  customer: ScenarioCustomer,
  { short }: CustomerName,
  place: number,
  drillEveryHours: number,
): ScenarioDevice {
  const machine = MACHINES[place < MACHINES.length ? place : 2 + (place % 3)]!;
  const number = place < MACHINES.length ? '' : `-${Math.floor(place / 3)}`;
  const policy = customer.policies.find((one) => one.name === machine.policy)!;
  const { schedule } = policy.document;
  const id = seededId(seed, 'device', customer.name, place);
  // In a calm or a bad week alike, machines that are fine are fine: what is wrong stands out.
  const flaws = name === 'fleet' ? random.pick([0, 0, 10, 40, 120, 400]) : random.pick([0, 0, 0, 60]);
  return {
    id,
    sourceId: seededId(seed, 'source', id),
    vaultId: seededId(seed, 'vault', id),
    customerId: customer.id,
    policyId: policy.id,
    name: `${machine.name}${number}`,
    hostname: `${machine.name}${number}.${short}.example`.toLowerCase(),
    os: machine.os,
    agentVersion: name === 'fleet' ? random.pick(AGENT_VERSIONS) : random.pick(['1.4.2', '1.4.2', '1.4.1']),
    tags: machine.tags,
    custody: random.chance(0.08) ? 'customer_held' : 'escrowed',
    everyMinutes: 'everyMinutes' in schedule ? schedule.everyMinutes : 24 * 60,
    windowMinutes: schedule.windowMinutes,
    drillEveryHours,
    drillLevel: policy.document.drill.level,
    bytes: Math.round(machine.bytes * (0.4 + random.below(1200) / 1000)),
    flaws,
    excused: random.chance(0.06) ? { fromMs: atMs - 12 * DAY_MS, toMs: atMs - 9 * DAY_MS } : null,
    mishap: name === 'fleet' ? fleetMishap(random, atMs) : null,
  };
}

/** Of a large fleet something is always wrong somewhere: about one device in twelve. */
function fleetMishap(random: SeededRandom, atMs: number): Mishap | null {
  const drawn = random.below(1000);
  const sinceMs = atMs - HOUR_MS * (30 + random.below(200));
  if (drawn < 25) return { kind: 'dead_link', sinceMs };
  if (drawn < 40) return { kind: 'unproven', sinceMs: atMs - DAY_MS * (12 + random.below(60)) };
  if (drawn < 52) return { kind: 'quota', sinceMs };
  if (drawn < 62) return { kind: 'partial', sinceMs };
  if (drawn < 70) return { kind: 'stuck', sinceMs: atMs - 26 * HOUR_MS };
  if (drawn < 76) return { kind: 'drill', sinceMs };
  if (drawn < 80) return { kind: 'damage', sinceMs };
  return null;
}

/** Ransomware at two customers, a dead link at one, a full quota at one, and the small things of any week. */
function badMonday(
  devices: readonly ScenarioDevice[],
  customers: readonly ScenarioCustomer[],
  atMs: number,
): ScenarioDevice[] {
  const of = (index: number): string => customers[index]!.id;
  // A night and its window lie behind each of them, at whatever hour the seed is made: what is daily shows it too.
  const mishaps = new Map<string, Mishap>([
    [of(5), { kind: 'ransomware', sinceMs: atMs - 62 * HOUR_MS }],
    [of(33), { kind: 'ransomware', sinceMs: atMs - 56 * HOUR_MS }],
    [of(25), { kind: 'dead_link', sinceMs: atMs - 62 * HOUR_MS }],
    [of(39), { kind: 'quota', sinceMs: atMs - 50 * HOUR_MS }],
  ]);
  const single = new Map<number, Mishap>([
    [41, { kind: 'stuck', sinceMs: atMs - 30 * HOUR_MS }],
    [93, { kind: 'partial', sinceMs: atMs - 25 * HOUR_MS }],
    [87, { kind: 'drill', sinceMs: atMs - 34 * HOUR_MS }],
    [102, { kind: 'damage', sinceMs: atMs - 8 * HOUR_MS }],
    [128, { kind: 'unproven', sinceMs: atMs - 20 * DAY_MS }],
    [171, { kind: 'dead_link', sinceMs: atMs - 50 * HOUR_MS }],
  ]);
  return devices.map((device, index) => ({
    ...device,
    mishap: mishaps.get(device.customerId) ?? single.get(index) ?? null,
  }));
}
