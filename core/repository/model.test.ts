/**
 * Random lives of a small repository: the tree changes, two clients back up, stores fail, somebody checks and restores. A
 * model says what each sealed snapshot must hold. A failing seed is to be added to the list of those that always run.
 */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { isHoldfastError } from '../base/errors.ts';
import { createMemoryStore, type MemoryStore } from '../storage/memory-store.ts';
import { createFaultyStore } from '../storage/testing/faulty-store.ts';
import { initRepository, listSnapshots, openRepository } from './repository.ts';
import { describeTree } from './testing/nasty-tree.ts';
import { noise } from './testing/noise.ts';
import { assertResticFindsClean, backUp, damageOf, PASSWORD, restoreAll } from './testing/survival.ts';

const SEEDS = [1, 2];
const STEPS = 24;
const BUDGET_MS = 10_000;

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'holdfast-model-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

class Life {
  readonly source: string;
  readonly store: MemoryStore = createMemoryStore();
  readonly log: string[] = [];
  /** What each snapshot must hold, by its id. */
  readonly sealed = new Map<string, string[]>();
  readonly #seed: number;
  #drawn = 0;
  #now = 1_700_000_000;
  #files: string[] = [];

  constructor(seed: number, source: string) {
    this.#seed = seed;
    this.source = source;
    mkdirSync(source);
  }

  draw(below: number): number {
    this.#drawn += 1;
    return noise(4, `${this.#seed} ${this.#drawn}`).readUInt32LE() % below;
  }

  async begin(): Promise<void> {
    const owner = { hostname: 'h', username: 'u', clock: systemClock } as const;
    await initRepository(this.store, { password: PASSWORD, strength: 'machine', ...owner });
    for (let at = 0; at < 4; at += 1) this.change();
  }

  /** A file is made, rewritten or removed; contents come twice now and then. */
  change(): void {
    this.#now += 10;
    const name = `d${this.draw(3)}/f${this.draw(5)}`;
    const isThere = this.#files.includes(name);
    if (isThere && this.#files.length > 3 && this.draw(3) === 0) {
      rmSync(join(this.source, name));
      this.#files = this.#files.filter((file) => file !== name);
      this.log.push(`remove ${name}`);
    } else {
      mkdirSync(join(this.source, name, '..'), { recursive: true });
      writeFileSync(join(this.source, name), noise(this.draw(120_000), `contents ${this.draw(8)}`));
      utimesSync(join(this.source, name), this.#now, this.#now);
      if (!isThere) this.#files.push(name);
      this.log.push(`write ${name}`);
    }
    utimesSync(join(this.source, name, '..'), this.#now, this.#now);
    utimesSync(this.source, this.#now, this.#now);
  }

  /** `failing`: some call of the store fails, once or from then on, before or after it did its work. */
  async backUp(failing: boolean): Promise<void> {
    const effect = this.draw(2) === 0 ? 'fail_before' : 'fail_after';
    const operation = this.draw(4) === 0 ? 'get' : 'create';
    const fault = { operation, nth: 1 + this.draw(7), effect, isLasting: this.draw(2) === 0 } as const;
    const store = createFaultyStore(this.store, failing ? [fault] : []);
    this.log.push(failing ? `backup with ${JSON.stringify(fault)}` : 'backup');
    try {
      const repo = await openRepository(store, PASSWORD);
      const parent = (await listSnapshots(repo)).snapshots.at(-1);
      const isCompared = parent !== undefined && this.draw(3) > 0;
      const result = await backUp(repo, this.source, isCompared ? { parent } : {});
      expect(result.unread).toEqual([]);
    } catch (error) {
      if (!failing || !isHoldfastError(error, 'storage_unavailable')) throw error;
    }
    await this.#notice();
  }

  /** Two machines back up at the same time into one repository. */
  async backUpTwice(): Promise<void> {
    this.log.push('two backups at once');
    const repo = await openRepository(this.store, PASSWORD);
    await Promise.all(['one', 'two'].map(async (hostname) => await backUp(repo, this.source, { hostname })));
    await this.#notice();
  }

  /** Snapshots that are new, sealed though their answer may have been lost, hold what the source is now. */
  async #notice(): Promise<void> {
    const { snapshots } = await listSnapshots(await openRepository(this.store, PASSWORD));
    const now = describeTree(this.source);
    for (const { id } of snapshots) if (!this.sealed.has(id)) this.sealed.set(id, now);
    expect(new Set(snapshots.map(({ id }) => id))).toEqual(new Set(this.sealed.keys()));
  }

  async look(): Promise<void> {
    this.log.push('look');
    expect(await damageOf(this.store)).toEqual([]);
    expect(await restoreAll(this.store, this.source)).toEqual(this.sealed);
  }
}

const fresh = Math.floor(Math.random() * 2 ** 31);
console.log(`model seed ${fresh}`);

test.each([...SEEDS, fresh])(
  'every sealed snapshot stays what it was, life %i',
  async (seed) => {
    const life = new Life(seed, join(scratch, 'source'));
    const startMs = performance.now();
    try {
      await life.begin();
      for (let step = 0; step < STEPS && performance.now() - startMs < BUDGET_MS; step += 1) {
        const what = life.draw(10);
        if (what < 4) life.change();
        else if (what < 6) await life.backUp(false);
        else if (what < 8) await life.backUp(true);
        else if (what < 9) await life.backUpTwice();
        else await life.look();
      }
      await life.backUp(false);
      await life.look();
      await assertResticFindsClean(life.store);
    } catch (error) {
      throw new Error(`seed ${seed}: ${life.log.join('; ')}`, { cause: error });
    }
  },
  120_000,
);
