import { HoldfastError } from '../../core/base/errors.ts';
import type { ReadStore } from '../../core/storage/port.ts';
import type { JobContext } from '../job-context.ts';
import type { SandboxTask } from '../sandbox/messages.ts';
import { runInSandbox, type SandboxOptions } from '../sandbox/run-in-sandbox.ts';

/** What a child that writes nothing may write. */
const OUTPUT_BYTES_MAX = 1024 * 1024;

/** What a child may report that speaks against the data; all else speaks against the service. */
const DATA_CODES: ReadonlySet<string> = new Set([
  'repository_damaged',
  'repository_missing',
  'wrong_password',
  'object_missing',
  'object_mismatch',
]);

/** The vault as a whole could not be opened, so that nothing can be said of its parts. */
export class UnopenedError extends Error {}

/**
 * Runs a task of a verification that needs the key, in a child without network, secrets or write access.
 * @throws UnopenedError for what speaks against the data; HoldfastError internal, cancelled for what does not.
 */
export async function inSandbox(
  { signal, log, sandbox }: JobContext,
  vault: { readonly store: ReadStore; readonly task: SandboxTask; readonly wallClockMs: number },
  more: Pick<SandboxOptions, 'onChecked' | 'sizeOf'> = {},
): Promise<unknown> {
  const end = await runInSandbox({
    ...vault,
    ...more,
    outputBytesMax: OUTPUT_BYTES_MAX,
    signal,
    log,
    ...sandbox,
  });
  if (end.kind === 'result') return end.value;
  if (end.kind === 'refused' && DATA_CODES.has(end.code)) throw new UnopenedError(end.message);
  if (end.kind === 'broken' && end.reason === 'cancelled')
    throw new HoldfastError('cancelled', 'The check was stopped before its end; it is taken up again.');
  throw new HoldfastError('internal', `The check could not be carried out: ${end.message}`);
}
