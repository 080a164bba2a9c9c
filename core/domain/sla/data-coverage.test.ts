/** Metric 5 beside direct counts: what is not known is never covered. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backupSource, type BackupSource } from '../backup-source.ts';
import {
  type CoverageFacts,
  coverageFigures,
  type DatabaseFacts,
  databaseKey,
  deviceData,
  deviceDatabases,
  isSelected,
} from './data-coverage.ts';

const seed = Number(process.env.HOLDFAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const property = (name: string, body: fc.IProperty<never> | fc.IPropertyWithHooks<never>) =>
  test(`${name} (seed ${seed})`, () => fc.assert(body as fc.IProperty<never>, { seed, numRuns: 300 }));

const NOTHING: CoverageFacts = {
  volumes: null,
  databases: null,
  selectedBytes: 0,
  sources: [],
  dumped: new Set(),
  excludedVolumes: new Set(),
  excludedDatabases: new Set(),
};
const source = (more: object): BackupSource =>
  backupSource.parse({ kind: 'postgres', label: 'main', user: 'backup', login: { kind: 'peer' }, ...more });
const server = (more: Partial<DatabaseFacts> = {}): DatabaseFacts => ({
  ...{ kind: 'postgres', socket: '/run/postgresql', port: 5432, dataFolder: null, container: null, ...more },
});

const place = fc.constantFrom('/', '/data', '/srv', '/home');
const volumes = fc.uniqueArray(fc.record({ mountPoint: place, usedBytes: fc.option(fc.nat(100), { freq: 8 }) }), {
  selector: ({ mountPoint }) => mountPoint,
});
const port = fc.constantFrom(5432, 5433, 5434);
const servers = fc.uniqueArray(
  fc.record({
    kind: fc.constant('postgres' as const),
    socket: fc.constantFrom('/run/postgresql', null),
    port: fc.option(port),
    dataFolder: fc.constantFrom('/a', '/b'),
    container: fc.constantFrom(null, null, 'box'),
  }),
  { selector: databaseKey, maxLength: 4 },
);
const facts: fc.Arbitrary<CoverageFacts> = fc.record({
  volumes: fc.option(volumes),
  databases: fc.option(servers),
  selectedBytes: fc.nat(300),
  sources: fc
    .uniqueArray(port, { maxLength: 3 })
    .map((ports) => ports.map((one) => source({ label: `p${one}`, port: one }))),
  dumped: fc.subarray(['postgres/p5432', 'postgres/p5433', 'postgres/p5434']).map((all) => new Set(all)),
  excludedVolumes: fc.subarray(['/', '/data', '/srv']).map((all) => new Set(all)),
  excludedDatabases: fc.constantFrom(new Set<string>(), new Set(['postgres /run/postgresql 5432'])),
});

describe('data', () => {
  property(
    'coverage is what is selected among what is used and not left out, of the devices that were measured, and of no other',
    fc.property(fc.array(facts, { maxLength: 5 }), (devices) => {
      let [covered, wanted, measured] = [0, 0, 0];
      for (const { volumes: found, selectedBytes, excludedVolumes } of devices) {
        if (found === null || found.some(({ usedBytes }) => usedBytes === null)) continue;
        measured++;
        let own = 0;
        for (const { mountPoint, usedBytes } of found) if (!excludedVolumes.has(mountPoint)) own += usedBytes!;
        wanted += own;
        covered += Math.min(own, selectedBytes);
      }
      const { data, devices: all } = coverageFigures(devices);
      expect(all).toBe(devices.length);
      expect(data).toMatchObject({ met: covered, of: wanted, measured });
      expect(data.share).toBe(wanted === 0 ? null : covered / wanted);
    }) as never,
  );
  property(
    'that is not known of one volume is not known of its device, however much is selected',
    fc.property(volumes, fc.nat(), (known, selectedBytes) => {
      const hidden = [...known, { mountPoint: '/dead', usedBytes: null }];
      expect(deviceData({ ...NOTHING, volumes: hidden, selectedBytes })).toBeNull();
    }) as never,
  );
  test('of devices that told nothing is not measured, and never all of it', () => {
    const { data, databases } = coverageFigures([{ ...NOTHING, selectedBytes: 1e12 }]);
    expect([data.share, data.measured, databases.share, databases.measured]).toEqual([null, 0, null, 0]);
  });
});

describe('a database server', () => {
  property(
    'takes one source at most, and no source is for two',
    fc.property(facts, (device) => {
      const found = deviceDatabases(device);
      if (found === null) return;
      const labels = found.flatMap(({ label }) => label ?? []);
      expect(new Set(labels).size).toBe(labels.length);
      expect(found.filter(({ state }) => state === 'protected').length).toBeLessThanOrEqual(device.dumped.size);
      for (const { state, label, key } of found) {
        expect(state === 'protected').toBe(label !== null && device.dumped.has(`postgres/${label}`));
        if (state === 'excluded') expect(device.excludedDatabases.has(key)).toBe(true);
        if (state === 'unprotected') expect(label).toBeNull();
      }
      const { databases } = coverageFigures([device]);
      expect(databases.met + databases.unprotected + databases.excluded).toBe(found.length);
      expect(databases.of).toBe(databases.met + databases.unprotected);
    }) as never,
  );
  const stateOf = (one: DatabaseFacts, sources: readonly BackupSource[], dumped: readonly string[] = []) =>
    deviceDatabases({ ...NOTHING, databases: [one], sources, dumped: new Set(dumped) })?.[0]?.state;
  test('is protected by a dump of the source that names it, and not by one of another', () => {
    expect(stateOf(server(), [source({})], ['postgres/main'])).toBe('protected');
    expect(stateOf(server(), [source({})])).toBe('configured');
    expect(stateOf(server({ port: 5433 }), [source({})], ['postgres/main'])).toBe('unprotected');
    expect(stateOf(server(), [source({ host: 'db.example' })], ['postgres/main'])).toBe('unprotected');
    expect(stateOf(server(), [source({ host: '127.0.0.1' })], ['postgres/main'])).toBe('protected');
    expect(stateOf(server(), [source({ socket: '/var/run/postgresql' })], ['postgres/main'])).toBe('protected');
    expect(stateOf(server(), [source({ socket: '/tmp' })], ['postgres/main'])).toBe('unprotected');
    const maria = server({ kind: 'mysql', socket: '/run/mysqld/mysqld.sock', port: null });
    expect(stateOf(maria, [source({})], ['postgres/main'])).toBe('unprotected');
    expect(stateOf(maria, [source({ kind: 'mysql' })], ['mysql/main'])).toBe('protected');
  });
  test('of a container takes what no server of the machine itself has taken', () => {
    const databases = [server({ container: 'box', socket: null }), server()];
    const sources = [source({}), source({ label: 'box', host: 'localhost', port: 5433 })];
    const found = deviceDatabases({ ...NOTHING, databases, sources });
    expect(found?.map(({ label }) => label)).toEqual(['box', 'main']);
  });
  test('that is dumped is protected, whatever was decided before', () => {
    const device = { ...NOTHING, databases: [server()], excludedDatabases: new Set([databaseKey(server())]) };
    expect(deviceDatabases(device)?.[0]?.state).toBe('excluded');
    const dumped = { ...device, sources: [source({})], dumped: new Set(['postgres/main']) };
    expect(deviceDatabases(dumped)?.[0]?.state).toBe('protected');
  });
});

test('a volume is selected by what lies on it or above it, and not by what lies on another one within it', () => {
  const mounts = ['/', '/data', '/data/old'];
  const of = (...paths: string[]) => mounts.filter((mount) => isSelected(mount, mounts, paths));
  expect(of('/srv')).toEqual(['/']);
  expect(of('/database')).toEqual(['/']);
  expect(of('/data/old/x')).toEqual(['/data/old']);
  expect(of('/data')).toEqual(['/data', '/data/old']);
  expect(of('/')).toEqual(mounts);
  expect(of()).toEqual([]);
});
