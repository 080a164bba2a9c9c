/** Checks evidence offline: no account, no state, no network. The same code as in the public page. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { HoldfastError } from '../../core/base/errors.ts';
import { canCheckSignatures } from '../../core/evidence/chain.ts';
import { recordWords, verdictWords } from '../../core/evidence/record-words.ts';
import { sortFiles } from '../../core/evidence/sort-files.ts';
import { type BundleCheck, verifyBundle } from '../../core/evidence/verify-bundle.ts';
import { type CommandIo, EXIT, UsageError } from '../command-io.ts';
import { printable } from '../repo/say.ts';

export const VERIFY_EVIDENCE_HELP = `holdfast verify-evidence FILE… [options]

Checks evidence of restore tests: every signature, that no record was changed, removed, inserted or put elsewhere, that the
history is the one that was anchored, and that the compared hashes are those that the machine itself signed. Needs no
account, no service and no network.
  FILE               bundles as the portal gives them out, and anchors as they lie in the storage, in any order
  --key NAME         a key that you trust: its name as your provider publishes it; may be given several times
  --json             the findings as JSON, one object a bundle
Exit code 0: all of it is sound; 1: something is not, or a file is no evidence.`;

export async function verifyEvidenceCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      key: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    io.out(VERIFY_EVIDENCE_HELP);
    return EXIT.done;
  }
  if (positionals.length === 0) throw new UsageError('name at least one file');
  const trustedKeys = values.key.map((key) => key.toLowerCase());
  if (trustedKeys.some((key) => !/^[0-9a-f]{64}$/.test(key)))
    throw new UsageError('--key wants the 64 letters and digits of a key’s name');
  if (!(await canCheckSignatures())) throw new HoldfastError('internal', 'This build cannot check Ed25519 signatures.');
  const files = await Promise.all(positionals.map(async (name) => ({ name, text: await readText(name) })));
  const { bundles, anchorsFor } = sortFiles(files);
  if (bundles.length === 0)
    throw new UsageError('there are only anchors among the files; a bundle is needed to compare with');
  let isSound = true;
  for (const bundle of bundles) {
    const check = await verifyBundle(bundle.text, { trustedKeys, anchors: anchorsFor(bundle) });
    isSound &&= check.isSound;
    if (values.json) {
      const { records: _, ...told } = check;
      io.out(JSON.stringify({ file: bundle.name, ...told }));
    } else tell(io, bundle.name, check);
  }
  return isSound ? EXIT.done : EXIT.failed;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new HoldfastError('not_found', `The file ${file} cannot be read.`, { cause });
  }
}

function tell(io: CommandIo, file: string, { facts, findings, limits, records, ...verdict }: BundleCheck): void {
  io.out(`${printable(file)}: ${verdictWords({ ...verdict, findings })}`);
  for (const { words } of findings) io.out(`  ✗ ${printable(words)}`);
  if (facts === null) return;
  io.out(
    `  ${printable(facts.customer)}, protected by ${printable(facts.provider)}: ${printable(facts.contents)}, taken ${facts.madeAt}`,
  );
  for (const record of records) {
    const { sequence, at, what, result } = recordWords(record);
    io.out(
      `  ${String(sequence).padStart(5)}  ${at.slice(0, 16).replace('T', ' ')}  ${printable(what)}${result === '' ? '' : `: ${printable(result)}`}`,
    );
  }
  for (const key of facts.keys) io.out(`  signed with the key ${key}`);
  if (facts.anchoredUpTo !== null) io.out(`  anchored up to record ${facts.anchoredUpTo}`);
  for (const limit of limits) io.out(`  Note: ${limit}`);
}
