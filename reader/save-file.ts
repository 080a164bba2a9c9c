/**
 * One file of a backup onto this computer. A small one goes to the downloads; a large one is written piece by piece to where
 * the person says, where the browser can do that, for it need not fit into memory. Nothing is kept of a file that is damaged.
 */
import type { WebRepository } from '../core/repository/web/open-web-repository.ts';
import type { TreeNode } from '../core/repository/types.ts';
import { savedName } from './words.ts';

/** From here on, writing piece by piece is worth a question. */
const PICKED_FROM_BYTES = 64 * 1024 * 1024;
/** The browser reads the address of a download some time after the click. */
const ADDRESS_KEPT_MS = 60_000;

interface Picker {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<FileSystemFileHandle>;
}

/** `onBytes` hears of every piece that was verified. @returns false when the person chose not to. @throws HoldfastError. */
export async function saveFile(
  repository: WebRepository,
  node: TreeNode,
  onBytes: (bytes: number) => void,
): Promise<boolean> {
  const name = savedName(node.name);
  const picker = globalThis as Picker;
  if (Number(node.size ?? 0n) >= PICKED_FROM_BYTES && picker.showSaveFilePicker !== undefined) {
    let handle: FileSystemFileHandle;
    try {
      handle = await picker.showSaveFilePicker({ suggestedName: name });
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return false;
      throw error;
    }
    await writeTo(await handle.createWritable(), repository, node, onBytes);
    return true;
  }
  const parts: Blob[] = [];
  for await (const piece of repository.readFile(node)) {
    // A Blob, unlike an array, may be moved out of memory.
    parts.push(new Blob([piece as Uint8Array<ArrayBuffer>])); // what the store gave is not shared between threads
    onBytes(piece.length);
  }
  download(new Blob(parts), name);
  return true;
}

async function writeTo(
  target: FileSystemWritableFileStream,
  repository: WebRepository,
  node: TreeNode,
  onBytes: (bytes: number) => void,
): Promise<void> {
  try {
    for await (const piece of repository.readFile(node)) {
      await target.write(piece as Uint8Array<ArrayBuffer>); // as above
      onBytes(piece.length);
    }
  } catch (error) {
    // Until it is closed, the browser keeps what was written apart from the file.
    await target.abort();
    throw error;
  }
  await target.close();
}

function download(contents: Blob, name: string): void {
  const address = URL.createObjectURL(contents);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), ADDRESS_KEPT_MS);
}
