/** What a source wants to be run before and after it. */
import type { SourceHook } from '../../core/domain/backup-source.ts';
import { assertAllowed } from './find-program.ts';
import { runProgram } from './run-program.ts';

export interface HookCall {
  readonly hook: SourceHook;
  /** Such as "the hook before the source shop". */
  readonly title: string;
  readonly searchPath: string;
  readonly allowedListPath: string;
  /** What the hook is told: HOLDFAST_SOURCE, HOLDFAST_OUTCOME. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a hook to its end. @throws HoldfastError when it failed, took too long, or is not allowed on this machine. */
export async function runHook({ hook, title, searchPath, allowedListPath, env, signal }: HookCall): Promise<void> {
  const [program = '', ...args] = hook.argv;
  await assertAllowed(program, allowedListPath);
  await runProgram({
    program,
    args,
    env,
    searchPath,
    timeLimitMs: hook.timeLimitMinutes * 60_000,
    signal,
    title,
    mayLeaveRunning: true,
  });
}
