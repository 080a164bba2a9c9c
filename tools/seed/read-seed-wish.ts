import { parseArgs } from 'node:util';
import { HoldfastError } from '../../core/base/errors.ts';
import { SCENARIOS, type ScenarioWish } from '../../server/seed/scenario.ts';

export interface SeedWish extends ScenarioWish {
  readonly force: string | undefined;
  /** A folder with a database of its own; undefined: what the environment names. */
  readonly data: string | undefined;
  /** Show it in the portal until this is ended. */
  readonly isServed: boolean;
}

/** @throws HoldfastError bad_request with a sentence that says what to write. */
export function readSeedWish(args: readonly string[], nowMs: number): SeedWish {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (cause) {
    throw new HoldfastError('bad_request', `${cause instanceof Error ? cause.message : ''} ${SEED_USAGE}`.trim(), {
      cause,
    });
  }
  const { values, positionals } = parsed;
  const name = SCENARIOS.find((one) => one === positionals[0]);
  if (name === undefined || positionals.length > 1) throw new HoldfastError('bad_request', SEED_USAGE);
  const atMs = values.at === undefined ? nowMs : Date.parse(values.at);
  if (Number.isNaN(atMs)) throw new HoldfastError('bad_request', '--at is no instant; write 2026-11-23T08:00:00Z.');
  if (values.serve === true && values.data === undefined)
    throw new HoldfastError('bad_request', '--serve needs a folder of its own: --data FOLDER.');
  return {
    name,
    seed: values.seed ?? 'holdfast',
    atMs,
    ...(values.devices === undefined ? {} : { devices: count('--devices', values.devices, 100_000) }),
    ...(values.days === undefined ? {} : { days: count('--days', values.days, 3660) }),
    force: values.force,
    data: values.data,
    isServed: values.serve === true,
  };
}

/** What `--help` prints. */
export const SEED_USAGE =
  'Usage: npm run seed -- calm | monday | fleet [--seed TEXT] [--at INSTANT] [--devices N] [--days N] [--data FOLDER [--serve]]';

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { seed: text, at: text, devices: text, days: text, force: text, data: text, serve: { type: 'boolean' } },
  });
}

function count(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw new HoldfastError('bad_request', `${name} is a whole number from 1 to ${max}.`);
  return value;
}
