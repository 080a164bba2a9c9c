/** `npm run bench [-- NAME …]`: runs the named benchmarks, or all, one after the other in processes of their own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BENCHMARKS = [
  'repo',
  'verify',
  'pieces',
  'start',
  'agent-start',
  'agent-memory',
  'jobs',
  'drill',
  'alerts',
  'sla',
  'fleet',
  'reports',
] as const;

const [first, ...rest] = process.argv.slice(2);
if (first === '--help' || first === '-h') {
  console.log(
    `npm run bench [-- NAME [OPTIONS]], with NAME one of ${BENCHMARKS.join(', ')}; all of them without a name.`,
  );
  process.exit(0);
}
const chosen = BENCHMARKS.filter((name) => first === undefined || name === first);
if (chosen.length === 0) {
  console.error(`There is no benchmark "${first}". Choose from: ${BENCHMARKS.join(', ')}.`);
  process.exit(2);
}
let failed = 0;
for (const name of chosen) {
  console.log(`\n== ${name}`);
  const script = fileURLToPath(new URL(`./${name}/main.ts`, import.meta.url));
  if (spawnSync(process.execPath, [script, ...rest], { stdio: 'inherit' }).status !== 0) failed += 1;
}
process.exit(failed === 0 ? 0 : 1);
