/** `npm run seed`: a made-up provider with history, for tests, screenshots and demonstrations. Never beside real data. */
import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../core/base/errors.ts';
import { scopeForSystem } from '../access/scope.ts';
import { withDispatcher } from '../db/with-dispatcher.ts';
import { withScope } from '../db/with-scope.ts';
import type { Services } from '../services.ts';
import type { SignInText } from './first-start.ts';
import { planScenario } from './plan-scenario.ts';
import type { ScenarioWish } from './scenario.ts';
import { settleScenario } from './settle-scenario.ts';
import { type ScenarioPerson, seedSlug, writeScenario } from './write-scenario.ts';

/** What somebody has to type who really wants made-up customers beside others. */
export const FORCE_WORDS = 'add-made-up-data';

export interface SeedOptions {
  readonly force?: string | undefined;
  /** Devices whose history is written. */
  readonly say?: (done: number, of: number) => void;
  /** Between the writing and the adding up: the planner must have heard of millions of new rows, which takes an owner of the tables. */
  readonly analyze?: () => Promise<void>;
  /** Customers whose months are added up. */
  readonly settled?: (done: number, of: number) => void;
}

/** @throws HoldfastError conflict where there is anything but seeds, or this seed already. */
export async function seedScenario(
  services: Services,
  wish: ScenarioWish,
  { force, say, analyze, settled }: SeedOptions = {},
): Promise<{ readonly tenantId: string; readonly devices: number; readonly signIns: readonly SignInText[] }> {
  const scenario = planScenario(wish);
  await refuseRealData(services, scenario.name, force);
  const people = peopleOf(scenario.name);
  const scope = scopeForSystem(scenario.tenantId);
  await writeScenario(services, scope, scenario, people, (done) => say?.(done, scenario.devices.length));
  await analyze?.();
  await settleScenario(services, scope, scenario, (done, of) => settled?.(done, of));
  return { tenantId: scenario.tenantId, devices: scenario.devices.length, signIns: people };
}

async function refuseRealData(services: Services, name: string, force: string | undefined): Promise<void> {
  const tenants = await withDispatcher(services, (tx) => tx.$queryRaw<{ id: string }[]>`SELECT id FROM tenant`);
  for (const { id } of tenants) {
    const tenant = await withScope(services, scopeForSystem(id), (tx) =>
      tx.tenant.findUniqueOrThrow({ where: { id }, select: { slug: true, name: true } }),
    );
    if (tenant.slug === seedSlug(name))
      throw new HoldfastError(
        'conflict',
        `This database holds the seed “${name}” already. Nothing was changed; take an empty database.`,
      );
    if (!tenant.slug.startsWith(seedSlug('')) && force !== FORCE_WORDS)
      throw new HoldfastError(
        'conflict',
        `This database holds the provider “${tenant.name}”, which is no seed. Nothing was changed. Take an empty database, or say --force ${FORCE_WORDS}.`,
      );
  }
}

function peopleOf(name: string): ScenarioPerson[] {
  const person = (role: ScenarioPerson['role'], fullName: string, customer: number | null): ScenarioPerson => ({
    role,
    name: fullName,
    email: `${fullName.split(' ')[0]!.toLowerCase()}@${name}.example`,
    // New each time: a password that follows from a seed would be known to everybody.
    password: randomBytes(12).toString('base64url'),
    customer,
  });
  return [
    person('owner', 'Hanna Berg', null),
    person('technician', 'Tomas Reyes', null),
    person('customer_viewer', 'Maja Lindqvist', 1),
    person('customer_viewer', 'Sam Baker', 5),
  ];
}
