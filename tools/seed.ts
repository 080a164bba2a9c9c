/**
 * Without a word: what `npm start` does by itself, for a service that is run by its parts: the first provider with two
 * customers, their users and policies, and a token that enrols a first machine. Changes nothing where there is a provider.
 * With a word, a made-up provider with history (server/seed/README.md), for tests, screenshots and demonstrations:
 *
 *   DATABASE_SERVICE_URL=… HOLDFAST_ROOT_KEY_FILE=… [HOLDFAST_PROTECT=/home] node tools/seed.ts
 *   npm run seed -- calm | monday | fleet [--seed TEXT] [--at INSTANT] [--devices N] [--days N]
 *   npm run seed -- monday --data .holdfast-monday --serve      # a database of its own, shown in the portal
 *
 * Prints the sign-ins once.
 */
import { hostname } from 'node:os';
import { HoldfastError } from '../core/base/errors.ts';
import { loadEnv } from '../server/env.ts';
import { seedFirstStart, type SignInText } from '../server/seed/first-start.ts';
import { seedScenario } from '../server/seed/seed-scenario.ts';
import { createServices, type Services } from '../server/services.ts';
import { type DataFolderService, startDataFolderService } from './seed/data-folder-service.ts';
import { readSeedWish, SEED_USAGE, type SeedWish } from './seed/read-seed-wish.ts';

/** Between two words about how far it is. */
const SAY_DEVICES = 500;
const SAY_CUSTOMERS = 10;

async function seedFirst(services: Services, gatewayUrl: string): Promise<void> {
  const seed = await seedFirstStart(services, {
    protectPaths: [process.env.HOLDFAST_PROTECT || '/home'],
    excludes: [],
    deviceName: hostname(),
  });
  if (!seed.created) console.log('There is a provider already; nothing was changed.');
  printSignIns(seed.signIns);
  if (seed.enrolmentToken !== null)
    console.log(
      `Within 24 hours, on the first machine: holdfast enroll --server ${gatewayUrl} --token ${seed.enrolmentToken}`,
    );
}

function printSignIns(signIns: readonly SignInText[]): void {
  for (const { role, name, email, password } of signIns) console.log(`${email}  ${password}  (${name}, ${role})`);
}

async function seedWish(wish: SeedWish, environment: NodeJS.ProcessEnv, analyze?: () => Promise<void>): Promise<void> {
  const services = createServices(loadEnv({ ...environment, HOLDFAST_LOG_LEVEL: 'error' }));
  try {
    console.log(`Seed “${wish.seed}” of ${wish.name}, as of ${new Date(wish.atMs).toISOString()}`);
    const began = performance.now();
    let said = 0;
    const { devices, signIns } = await seedScenario(services, wish, {
      force: wish.force,
      ...(analyze === undefined ? {} : { analyze }),
      say: (done, of) => {
        if (done < said + SAY_DEVICES && done < of) return;
        said = done;
        console.log(`  ${done} of ${of} devices`);
      },
      settled: (done, of) => {
        if (done === of || done % SAY_CUSTOMERS === 0) console.log(`  months of ${done} of ${of} customers`);
      },
    });
    console.log(`${devices} devices in ${Math.round((performance.now() - began) / 1000)} s`);
    printSignIns(signIns);
  } finally {
    await services.close();
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.length === 0) {
    const env = loadEnv();
    const services = createServices(env);
    try {
      await seedFirst(services, env.HOLDFAST_GATEWAY_URL);
    } finally {
      await services.close();
    }
    return;
  }
  if (args.includes('--help') || args.includes('-h')) {
    console.log(SEED_USAGE);
    return;
  }
  const wish = readSeedWish(args, Date.now());
  if (process.env.NODE_ENV === 'production')
    throw new HoldfastError(
      'forbidden',
      'Made-up customers have no place in production (NODE_ENV says so). Nothing was changed.',
    );
  if (wish.data === undefined) return await seedWish(wish, process.env);
  const service = await startDataFolderService(wish.data, process.env, (sentence) => console.log(sentence));
  try {
    await seedUnlessThere(wish, service);
    if (wish.isServed) {
      console.log(`Ready ${await service.servePortal()}`);
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
      });
    }
  } finally {
    await service.stop();
  }
}

/** A folder that was seeded before is shown as it is. */
async function seedUnlessThere(wish: SeedWish, service: DataFolderService): Promise<void> {
  try {
    await service.inBulk(async (analyze) => await seedWish(wish, service.environment, analyze));
  } catch (error) {
    if (!wish.isServed || !(error instanceof HoldfastError) || error.code !== 'conflict') throw error;
    console.log(error.message);
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof HoldfastError ? error.message : error);
  process.exitCode = 1;
}
