/** In the child: runs a script of the owner's on what was restored. It is no more to be trusted than the files are. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxProgress, ScriptTask, SystemResult } from '../messages.ts';
import { plainOutput, PROGRAM_ENVIRONMENT } from '../open/programs.ts';

/** Names of the scratch folder, which is where the child is. */
const SCRIPT = 'script.sh';
const OWN_FOLDER = 'work';
const OUTPUT_CHARS = 6000;

export async function runScriptTask(
  { script, restored }: ScriptTask,
  progress: (now: SandboxProgress) => void,
): Promise<SystemResult> {
  progress({ step: 'script', filesDone: 0, bytesDone: 0 });
  await mkdir(OWN_FOLDER);
  await writeFile(SCRIPT, script.text);
  const startedMs = performance.now();
  const end = await run(script.withinSeconds * 1000, restored);
  const ms = Math.round(performance.now() - startedMs);
  const isPassed = end.code === 0;
  const actual = end.isLate
    ? `not done after ${script.withinSeconds} s`
    : end.code === null
      ? `ended by ${end.signal ?? 'the system'}`
      : `exit code ${end.code}`;
  const said = plainOutput(end.output, OUTPUT_CHARS);
  const why = isPassed ? '' : `The script “${script.name}” says that the restored files do not work: ${actual}.\n`;
  const text = `${why}${said === '' ? 'It printed nothing.' : said}`;
  return {
    checks: [
      {
        ...{ kind: 'script', name: `The script “${script.name}” says that it works`, ms },
        // Which words were run: a later change of the script does not change what this look was.
        subject: `SHA-256 of the script: ${createHash('sha256').update(script.text).digest('hex')}`,
        ...{ state: isPassed ? 'passed' : 'failed', expected: 'exit code 0', actual },
        output: text,
      },
    ],
    ...{ hasPicture: false, software: {} },
    timings: { provisionMs: 0, startMs: 0, checksMs: ms },
  };
}

interface ScriptEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly isLate: boolean;
  /** The end of what it printed, both ways in the order in which it came. */
  readonly output: string;
}

async function run(withinMs: number, restored: string): Promise<ScriptEnd> {
  const scratch = `${process.cwd()}/${OWN_FOLDER}`;
  const child = spawn('/bin/sh', [`../${SCRIPT}`], {
    cwd: OWN_FOLDER,
    env: { ...PROGRAM_ENVIRONMENT, HOLDFAST_RESTORED: restored, HOLDFAST_SCRATCH: scratch, TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that all of it can be ended.
    detached: true,
  });
  let output = '';
  const keep = (piece: Buffer): void => {
    output = (output + piece.toString('utf8')).slice(-OUTPUT_CHARS * 2);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  // Not 'close': what it left running may hold its output open, and ends with the sandbox.
  const ended = new Promise<Pick<ScriptEnd, 'code' | 'signal'>>((resolve) => {
    child.on('error', () => resolve({ code: null, signal: null }));
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  const clock = new AbortController();
  const late = sleep(withinMs, 'late' as const, { signal: clock.signal }).catch(() => 'late' as const);
  const first = await Promise.race([ended, late]);
  clock.abort();
  if (first === 'late' && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  const end = await ended;
  // What was printed just before the end may still be on its way.
  await sleep(50);
  return { ...end, isLate: first === 'late', output };
}
