import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { endProcess, isSameProcess, type ProcessRecord } from '../services/process-identity.ts';
import { writePrivateFile } from './write-private-file.ts';

/** Agents and workers may be in the middle of something; they are asked first. */
const PATIENCE_MS = 15_000;

/**
 * Remembers in `<data>/processes.json` what this start has started, so that the next one can end what a killed one left
 * behind: nobody has to look for processes that hold ports or write into the data folder.
 */
export class ProcessLedger {
  readonly #file: string;
  #records: ProcessRecord[] = [];

  constructor(dataPath: string) {
    this.#file = path.join(dataPath, 'processes.json');
  }

  /** Ends leftovers of an earlier start, last started first; returns their names. */
  async endLeftovers(): Promise<string[]> {
    const leftovers = this.#read().filter(isSameProcess).reverse();
    for (const record of leftovers) {
      const isDatabase = record.name === 'Postgres'; // SIGTERM would wait for its clients
      await endProcess(record, isDatabase ? 'SIGINT' : 'SIGTERM', PATIENCE_MS);
    }
    return leftovers.map((record) => record.name);
  }

  add(record: ProcessRecord): void {
    this.#records = [...this.#records.filter(isSameProcess), record];
    writePrivateFile(this.#file, `${JSON.stringify(this.#records, null, 2)}\n`);
  }

  #read(): ProcessRecord[] {
    if (!existsSync(this.#file)) return [];
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as ProcessRecord[];
    } catch {
      return []; // cut by a full disk; the port check will name what is still there
    }
  }
}
