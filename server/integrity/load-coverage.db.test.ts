/** The sums that the database makes are those of the pure module over the raw rows. */
import { randomBytes, randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHECK_LEVELS, COVERAGE_DAYS, type ObjectFacts, sumObjects } from '../../core/domain/integrity.ts';
import { withScope } from '../db/with-scope.ts';
import { createTestTenant } from '../testing/test-services.ts';
import { enrolTestDevice } from '../testing/test-device.ts';
import { loadCoverage } from './load-coverage.ts';
import { type StartedTestServices, startTestServices } from '../testing/start-test-services.ts';

const DAY_MS = 24 * 3600_000;
let services: StartedTestServices;
beforeAll(async () => {
  services = await startTestServices();
});
afterAll(() => services.stop());

const KINDS = ['data_pack', 'tree_pack', 'index', 'snapshot', 'key'] as const;
const FOLDERS = { data_pack: 'data', tree_pack: 'data', index: 'index', snapshot: 'snapshots', key: 'keys' } as const;

test('coverage and oldest byte of random ledgers equal a computation from their rows', async () => {
  for (let round = 0; round < 15; round += 1) {
    const seed = randomInt(2 ** 31);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const tenant = await createTestTenant(services, 'integrity');
    const device = await enrolTestDevice(services, await tenant.customers[0].createToken());
    const { tenantId, customerId, vaultId, deviceId } = device.answer;
    const nowMs = services.clock.nowMs();
    const ago = (): Date => new Date(nowMs - random(120 * DAY_MS));
    const maybe = (): Date | null => (random(3) === 0 ? null : ago());
    const listedAt = maybe();
    const isEscrowed = random(3) > 0;
    const rows = Array.from({ length: random(40) }, () => {
      const kind = KINDS[random(KINDS.length)]!;
      const id = randomBytes(32).toString('hex');
      const sealedAt = random(8) === 0 ? null : ago();
      const states = ['sealed', 'sealed', 'sealed', 'sealed', 'damaged', 'missing', 'retired'];
      return {
        tenantId,
        customerId,
        vaultId,
        key: kind.endsWith('pack') ? `data/${id.slice(0, 2)}/${id}` : `${FOLDERS[kind]}/${id}`,
        kind,
        size: BigInt(random(1e9)),
        crc32c: 'AAAAAA==',
        state: sealedAt === null ? 'leased' : states[random(states.length)]!,
        sealedAt,
        verifiedAt: sealedAt === null ? null : maybe(),
        decryptedAt: sealedAt === null ? null : maybe(),
      };
    });
    const found = await withScope(services, tenant.system, async (tx) => {
      const due = { listingDueAt: new Date(), readingDueAt: new Date(), decryptingDueAt: new Date() };
      await tx.storedObject.deleteMany({ where: { tenantId, vaultId } });
      await tx.storedObject.createMany({ data: rows });
      await tx.vaultCheck.create({ data: { tenantId, customerId, deviceId, vaultId, listedAt, ...due } });
      await tx.vault.updateMany({
        where: { tenantId, id: vaultId },
        data: { drillPasswordSealed: isEscrowed ? Uint8Array.from([1]) : null },
      });
      return await loadCoverage(tx, { tenantId }, nowMs);
    });
    const ofVault = found.find((one) => one.vaultId === vaultId)!;
    for (const level of CHECK_LEVELS) {
      const facts = rows
        .filter((row) => row.sealedAt !== null && row.state !== 'retired')
        .filter((row) => level < 2 || (isEscrowed && row.kind !== 'key'))
        .map((row): ObjectFacts => {
          const sealedMs = row.sealedAt!.getTime();
          const listedMs = listedAt === null || listedAt.getTime() < sealedMs ? sealedMs : listedAt.getTime();
          return {
            bytes: Number(row.size),
            sealedMs,
            isIntact: row.state === 'sealed',
            passedMs: { 0: listedMs, 1: row.verifiedAt?.getTime(), 2: row.decryptedAt?.getTime() },
          };
        });
      const wanted = sumObjects(facts, level, { days: COVERAGE_DAYS[level], nowMs });
      const { storedBytes, verifiedBytes, oldestMs } = ofVault.levels[level];
      expect({ storedBytes, verifiedBytes, oldestMs }, `level ${level}, seed ${seed}`).toEqual({
        storedBytes: wanted.storedBytes,
        verifiedBytes: wanted.verifiedBytes,
        oldestMs: wanted.oldestMs,
      });
    }
  }
});
