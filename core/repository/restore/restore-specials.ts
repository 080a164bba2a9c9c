/** Devices and fifos. They are metadata alone: what the system refuses of them is a warning, and costs no other entry. */
import { type EntryMetadata, makeSpecial, type SpecialType } from '../../filesystem/entry-metadata.ts';
import type { OverwriteDecision } from '../../filesystem/overwrite-rule.ts';
import type { SafeWriter } from '../../filesystem/safe-writer.ts';
import type { NodeType, TreeNode } from '../types.ts';
import { secondsOf } from './node-metadata.ts';
import type { PlannedEntry } from './plan.ts';
import { refusedBy } from './refused-write.ts';

export interface SpecialsOptions {
  readonly writer: SafeWriter;
  /** Undefined for a restore of contents alone, which has no devices. */
  readonly metadataOf: (node: TreeNode) => EntryMetadata | undefined;
  /** True when the decision is to leave what stands in the place; tells it where that is to be told. */
  readonly isLeft: (path: string, decision: OverwriteDecision) => boolean;
  readonly onWarning: (path: string, reason: string | undefined) => void;
}

const TYPES: Partial<Record<NodeType, SpecialType>> = { dev: 0o060_000, chardev: 0o020_000, fifo: 0o010_000 };

/** Undefined for what is no device and no fifo. */
export function specialTypeOf(type: NodeType): SpecialType | undefined {
  return TYPES[type];
}

/** @throws what concerns more than an entry, as a full disk does. */
export function restoreSpecials(entries: readonly PlannedEntry[], options: SpecialsOptions): void {
  const { writer, metadataOf, isLeft, onWarning } = options;
  for (const { entry, names } of entries) {
    const { node, path } = entry;
    const metadata = metadataOf(node);
    const type = specialTypeOf(node.type);
    if (metadata === undefined || type === undefined) {
      onWarning(path, `a ${node.type} is not restored`);
      continue;
    }
    const failure = refusedBy(() => {
      writer.folder(names.slice(0, -1));
      const place = writer.pathOf(names);
      const device = node.device ?? 0n;
      const rule = writer.prepare(place, { size: -1, mtimeSeconds: secondsOf(node.mtime), special: { type, device } });
      if (isLeft(path, rule)) return;
      const at = rule === 'replace' ? writer.temporaryBeside(place) : place;
      const { isMade, warning } = makeSpecial(at, type, device, metadata);
      onWarning(path, warning);
      if (isMade && at !== place) writer.moveInto(place, at);
    });
    if (failure !== undefined) onWarning(path, `a ${node.type} is not restored: ${failure}`);
  }
}
