/** Where a command that gives out bytes writes them: the standard output, or a new file. */
import { open } from 'node:fs/promises';
import { HoldfastError } from '../../core/base/errors.ts';

export interface ByteOutput {
  readonly bytesWritten: number;
  /** Waits until the bytes were taken. @throws HoldfastError bad_request when nobody takes them; disk_full. */
  write(bytes: Uint8Array): Promise<void>;
  /** With `isWhole` false, a file is removed: half of one under its full name would look whole. */
  close(isWhole: boolean): Promise<void>;
}

/** @throws HoldfastError conflict when the file is there already. */
export async function openByteOutput(path: string | undefined): Promise<ByteOutput> {
  return path === undefined ? standardOutput() : await newFile(path);
}

function standardOutput(): ByteOutput {
  let bytesWritten = 0;
  // Without a listener, a reader that left (`| head`) would end the process with a trace.
  const ignore = (): void => undefined;
  process.stdout.on('error', ignore);
  return {
    get bytesWritten() {
      return bytesWritten;
    },
    async write(bytes) {
      if (bytes.length === 0) return;
      await new Promise<void>((resolve, reject) => {
        process.stdout.write(bytes, (error) => (error == null ? resolve() : reject(refused(error))));
      });
      bytesWritten += bytes.length;
    },
    close: async () => undefined,
  };
}

async function newFile(path: string): Promise<ByteOutput> {
  const { unlink } = await import('node:fs/promises');
  const file = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST')
      throw new HoldfastError('conflict', `${path} is there already and was left as it is. Choose another name.`);
    throw new HoldfastError('bad_request', `${path} could not be made (${error.code ?? error.message}).`, {
      cause: error,
    });
  });
  let bytesWritten = 0;
  return {
    get bytesWritten() {
      return bytesWritten;
    },
    async write(bytes) {
      try {
        for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
      } catch (error) {
        throw refused(error as NodeJS.ErrnoException);
      }
      bytesWritten += bytes.length;
    },
    async close(isWhole) {
      try {
        if (isWhole) await file.sync();
      } finally {
        await file.close();
        if (!isWhole) await unlink(path);
      }
    },
  };
}

function refused(error: NodeJS.ErrnoException): HoldfastError {
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    return new HoldfastError('disk_full', 'The disk is full. The backup is untouched.', { cause: error });
  return new HoldfastError(
    'bad_request',
    `What was written was not taken to the end (${error.code ?? error.message}). The backup is untouched.`,
    { cause: error },
  );
}
