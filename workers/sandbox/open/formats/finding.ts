/** What reading a file by its format came to. */
export interface FormatFinding {
  /** In words, such as "a zip archive". */
  readonly format: string;
  /** sound: every part was read. encrypted: the structure was, what is in it cannot be. broken: `reason` says where. */
  readonly state: 'sound' | 'encrypted' | 'empty' | 'broken' | 'unread';
  /** What was read, such as "12 entries, 3,400 bytes". */
  readonly contents: string;
  readonly reason: string;
}

/** Thrown by the readers of formats where a file is not what its format demands. */
export class BrokenFormat extends Error {}

/** What a file may unpack to: what is larger is looked at no further, and that is said. */
export const UNPACKED_BYTES_MAX = 8 * 1024 ** 3;
export const ENTRIES_MAX = 200_000;

export class TooLarge extends Error {
  constructor() {
    super('it unpacks to more than is looked at here');
  }
}
