/** Proves that one can leave: the recovery kit and stock restic are enough, with the service or without it. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../core/base/clock.ts';
import { HoldfastError } from '../../core/base/errors.ts';
import { compareRestored, type WitnessEntry } from '../../core/domain/drills.ts';
import { verifyBundle } from '../../core/evidence/verify-bundle.ts';
import { signDrillAnswer } from '../../core/protocol/drill-answer.ts';
import { type CommandIo, EXIT, UsageError } from '../command-io.ts';
import { environmentVariable } from '../env.ts';
import { readRecoveryKit } from '../enrol/recovery-kit.ts';
import { type ExitDrillResult, runExitDrill } from '../exit-drill/run-exit-drill.ts';
import { INSTALL_HINT, passedEnvironment } from '../exit-drill/restore-with-restic.ts';
import { printable } from '../repo/say.ts';
import { DEFAULT_SEARCH_PATH, findProgram } from '../sources/find-program.ts';
import { AGENT_VERSION } from '../version.ts';
import { openClient, statePathOf, TERMINAL_RETRY_MS } from './open-client.ts';
import { terminalLog } from './terminal-log.ts';

export const EXIT_DRILL_HELP = `holdfast exit-drill --kit FILE --vault PLACE [options]

Restores a sample of the newest backup with the recovery kit and the program restic alone, into a temporary folder, and compares
it with what this machine saw when it backed up. The restore uses neither the service nor any code of Holdfast.
  --kit FILE         the recovery kit, as it was printed at the enrolment
  --vault PLACE      a copy of the vault's folder, or its bucket as restic names it: gs:BUCKET:/PREFIX
  --restic FILE      the program, where it is not on the search path
  --evidence FILE    without the service: compares with the hashes in this bundle of evidence, and sends nothing
  --state DIR, --json
With the service the sample is drawn by it, and the result becomes signed evidence. Exit code 0: passed; 1: failed.`;

interface Verdict {
  readonly state: 'passed' | 'failed' | 'void';
  readonly message: string | null;
}

export async function exitDrillCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      kit: { type: 'string' },
      vault: { type: 'string' },
      restic: { type: 'string' },
      evidence: { type: 'string' },
      state: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    io.out(EXIT_DRILL_HELP);
    return EXIT.done;
  }
  if (positionals.length > 0) throw new UsageError(`what is ${positionals[0]}?`);
  if (values.kit === undefined) throw new UsageError('the recovery kit is missing: --kit FILE');
  if (values.vault === undefined) throw new UsageError('the vault is missing: --vault PLACE');
  const kit = readRecoveryKit(await readText(values.kit));
  const vault = /^[a-z0-9]+:/.test(values.vault) ? values.vault : resolve(values.vault);
  const program = values.restic ?? (await findProgram(['restic'], DEFAULT_SEARCH_PATH, undefined, INSTALL_HINT));
  const environment = passedEnvironment(environmentVariable);
  const drill = async (sample: { readonly snapshotId: string; readonly paths: readonly string[] }) =>
    await runExitDrill({ ...kit, ...sample, program, vault, environment, signal: io.signal, nowMs: systemClock.nowMs });
  const { result, verdict } =
    values.evidence === undefined
      ? await withService(io, statePathOf(io, values.state), drill)
      : await withoutService(await readText(values.evidence), drill);
  if (values.json) io.out(JSON.stringify({ ...verdict, ...result }));
  else tell(io, result, verdict);
  return verdict.state === 'passed' ? EXIT.done : EXIT.failed;
}

type Drill = (sample: { readonly snapshotId: string; readonly paths: readonly string[] }) => Promise<ExitDrillResult>;

async function withService(
  io: CommandIo,
  statePath: string,
  drill: Drill,
): Promise<{ result: ExitDrillResult; verdict: Verdict }> {
  const { identity, client } = await openClient(io, terminalLog(io), statePath, TERMINAL_RETRY_MS);
  try {
    const { drillId, snapshotId, paths } = await client.orderKitDrill({ signal: io.signal });
    const result = await drill({ snapshotId, paths });
    const software = { ...result.software, agent: AGENT_VERSION };
    const answer = { version: 1 as const, drillId, ...result, software };
    const verdict = await client.answerDrill(drillId, signDrillAnswer(answer, identity.privateKey), {
      signal: io.signal,
    });
    return { result, verdict };
  } finally {
    client.close();
  }
}

/** The newest restore test of the bundle names the restore point, the files and their hashes. */
async function withoutService(bundle: string, drill: Drill): Promise<{ result: ExitDrillResult; verdict: Verdict }> {
  const check = await verifyBundle(bundle);
  if (!check.isSound)
    throw new HoldfastError(
      'bad_request',
      `The evidence is not sound: ${check.findings[0]?.words ?? ''} Nothing was restored.`,
    );
  const newest = check.records.findLast(
    ({ kind, body }) => kind === 'drill' && 'selection' in body && body.selection.files.length > 0,
  );
  if (newest?.kind !== 'drill')
    throw new HoldfastError('not_found', 'The evidence holds no restore test with files to compare.');
  const { restorePoint, selection } = newest.body;
  const planned: readonly WitnessEntry[] = selection.files;
  const result = await drill({ snapshotId: restorePoint.snapshotId, paths: planned.map(({ path }) => path) });
  if (result.problem !== null) return { result, verdict: { state: 'failed', message: result.problem.message } };
  const { mismatches } = compareRestored(planned, result.files);
  if (mismatches.length === 0) return { result, verdict: { state: 'passed', message: null } };
  const message = `${mismatches.length} of ${planned.length} files did not come back as the machine saw them (the first: ${mismatches[0]!.path}).`;
  return { result, verdict: { state: 'failed', message } };
}

function tell(io: CommandIo, result: ExitDrillResult, { state, message }: Verdict): void {
  const { files, timingsMs, software, snapshotId } = result;
  if (message !== null) io.err(printable(message));
  if (state !== 'passed') {
    io.out('The way out is not proven.');
    return;
  }
  io.out(
    `${files.length} files of ${snapshotId.slice(0, 8)} came back as the machine saw them, with the recovery kit and ${software.restic ?? 'restic'} alone, in ${((timingsMs.locate + timingsMs.transfer) / 1000).toFixed(1)} s.`,
  );
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new HoldfastError('not_found', `The file ${file} cannot be read.`, { cause });
  }
}
