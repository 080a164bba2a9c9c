/**
 * One process of the benchmark: a drill's look of level 4 at a PostgreSQL dump. Prints what each part took.
 *   open.ts FOLDER NAME
 */
import { statSync } from 'node:fs';
import path from 'node:path';
import { silentLog } from '../../core/base/log.ts';
import { openRestored } from '../../workers/drill/open-restored.ts';

const [folder = '', name = ''] = process.argv.slice(2);
const { size } = statSync(path.join(folder, name));
const about = {
  kind: 'postgres',
  label: 'bench',
  database: 'bench',
  serverVersion: null,
  clientVersion: null,
} as const;
const dump = { path: `/${name}`, size, sha256: '', role: 'dump', dump: about } as const;
const { checks, timings } = await openRestored({
  log: silentLog,
  work: {
    plan: { files: [dump], bytes: size, leftOut: 0 },
    dumps: [dump],
    sources: [],
    captureMs: Date.now(),
    earlier: { rows: {}, paces: [], breakdowns: 0 },
  },
  folder,
  signal: new AbortController().signal,
  onStep: () => undefined,
});
if (checks.some(({ state }) => state !== 'passed')) throw new Error(JSON.stringify(checks, null, 2));
console.log(JSON.stringify(timings));
