import { connect } from 'node:net';
import type { BootTest } from '../../../core/domain/system-tests.ts';

const ANSWER_BYTES_MAX = 16 * 1024;

export interface PortAnswer {
  readonly text: string;
  readonly isExpected: boolean;
}

/**
 * Connects, sends what the service waits for, and reads until the expected words came, the other side ended, or the time is
 * over. A connection without an answer shows nothing.
 */
export async function askPort(
  at: { readonly host: string; readonly port: number },
  { send, expect }: Pick<NonNullable<BootTest['port']>, 'send' | 'expect'>,
  withinMs: number,
): Promise<PortAnswer> {
  return await new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const socket = connect(at);
    const end = (): void => {
      clearTimeout(clock);
      socket.destroy();
      const text = bytes.toString('utf8');
      resolve({ text, isExpected: text.includes(expect) });
    };
    const clock = setTimeout(end, withinMs);
    socket.on('connect', () => {
      if (send !== undefined) socket.write(send.replaceAll('\\r', '\r').replaceAll('\\n', '\n'));
    });
    socket.on('data', (piece: Buffer) => {
      bytes = Buffer.concat([bytes, piece]);
      if (bytes.length >= ANSWER_BYTES_MAX || bytes.includes(expect)) end();
    });
    socket.on('error', end);
    socket.on('close', end);
  });
}
