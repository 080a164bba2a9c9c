/**
 * Owner, extended attributes, mode and times of what was restored. Nothing here fails an entry: what the system refuses and
 * what this machine cannot do comes back in words. Plain synchronous calls, for the main thread and restore threads alike.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  openSync,
} from 'node:fs';
import {
  type ExtendedAttribute,
  type Native,
  NO_NATIVE,
  nativeFiles,
  type NativeFiles,
  type Place,
} from './native/native-files.ts';
import { shownName } from './shown-name.ts';

/** Metadata of one entry, in Unix terms. */
export interface EntryMetadata {
  /** With setuid, setgid and sticky. */
  readonly permissions: number;
  /** Nanoseconds since 1970, negative before. */
  readonly mtimeNs: bigint;
  readonly atimeNs: bigint;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** All that the entry shall have. */
  readonly attributes?: readonly ExtendedAttribute[];
  /** No calls into the system library: tests, and places where no foreign code may run. */
  readonly byNodeAlone?: boolean;
}

const SETUID = 0o4000;
const SETGID = 0o2000;
/** What an entry that was just made may have of its folder, or of what was there. Labels of the system are the system's. */
const REMOVABLE = /^(?:user\.|trusted\.|system\.posix_acl_|security\.capability$)/;

function isOurs(name: Uint8Array): boolean {
  return REMOVABLE.test(Buffer.from(name).toString('latin1'));
}

function nativeFor(byNodeAlone: boolean | undefined): Native {
  return byNodeAlone === true ? NO_NATIVE : nativeFiles();
}

/** What no entry will have of its metadata on this machine, in words; undefined when all can be set. */
export function metadataLimits(byNodeAlone: boolean | undefined): string | undefined {
  const native = nativeFor(byNodeAlone);
  if (native.files !== undefined) return undefined;
  return `times are set to the microsecond, not the nanosecond, and extended attributes, devices and fifos are left out: ${native.missing}`;
}

/**
 * Of an open file or folder. Returns what was refused, in words, or undefined. The times come before all that changes the
 * mode (a list of rights does as well): a file that lost its mark without its time would be somebody else's to the next
 * restore, when this one is killed in between.
 */
export function applyMetadata(fd: number, metadata: EntryMetadata): string | undefined {
  const { atimeNs, mtimeNs } = metadata;
  const native = nativeFor(metadata.byNodeAlone);
  const report = new Report();
  giveOwner(report, metadata, (uid, gid) => fchownSync(fd, uid, gid));
  report.attempt('times', () =>
    native.files === undefined
      ? futimesSync(fd, secondsOf(atimeNs), secondsOf(mtimeNs))
      : native.files.setTimes(fd, atimeNs, mtimeNs),
  );
  setAttributes(report, native, fd, metadata.attributes);
  report.attempt('permissions', () =>
    fchmodSync(
      fd,
      keptPermissions(report, metadata, () => fstatSync(fd)),
    ),
  );
  return report.inWords();
}

/** Gives a file that is there already its owner, mode and attributes, when they are others. Returns what was refused, as above. */
export function refreshMetadata(path: Buffer, metadata: EntryMetadata): string | undefined {
  const { mode, uid, gid } = lstatSync(path);
  const { owner, permissions, attributes, byNodeAlone } = metadata;
  const isOwned = process.geteuid?.() !== 0 || (owner.uid === uid && owner.gid === gid);
  const { files } = nativeFor(byNodeAlone);
  const isSame = isOwned && (mode & 0o7777) === permissions;
  if (isSame && (files === undefined || hasAttributes(files, path, attributes))) return undefined;
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return `its permissions could not be looked at (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
  }
  try {
    return applyMetadata(fd, metadata);
  } finally {
    closeSync(fd);
  }
}

function hasAttributes(files: NativeFiles, path: Buffer, wanted: readonly ExtendedAttribute[] = []): boolean {
  try {
    const names = files.attributeNames(path).filter((name) => isOurs(name));
    return (
      names.length === wanted.filter(({ name }) => isOurs(name)).length &&
      wanted.every(({ name, value }) => files.attribute(path, name).equals(value))
    );
  } catch {
    return false; // one of them is missing, or may not be read: setting them tells which
  }
}

/** Of a symbolic link itself, which has no mode of its own. */
export function applyLinkMetadata(path: Buffer, metadata: EntryMetadata): string | undefined {
  const { atimeNs, mtimeNs } = metadata;
  const native = nativeFor(metadata.byNodeAlone);
  const report = new Report();
  giveOwner(report, metadata, (uid, gid) => lchownSync(path, uid, gid));
  setAttributes(report, native, path, metadata.attributes);
  report.attempt('times', () =>
    native.files === undefined
      ? lutimesSync(path, secondsOf(atimeNs), secondsOf(mtimeNs))
      : native.files.setTimes(path, atimeNs, mtimeNs),
  );
  return report.inWords();
}

/** The type bits of st_mode. */
export type SpecialType = 0o060_000 | 0o020_000 | 0o010_000;

/**
 * A device or fifo in a free place, with its metadata; it is never opened. Returns what was refused, in words, be it the
 * whole node: a machine that may not make devices restores everything else.
 */
export function makeSpecial(
  path: Buffer,
  type: SpecialType,
  device: bigint,
  metadata: EntryMetadata,
): { readonly isMade: boolean; readonly warning: string | undefined } {
  const native = nativeFor(metadata.byNodeAlone);
  const { files } = native;
  if (files === undefined) return { isMade: false, warning: `it is not restored: ${native.missing}` };
  // The system would take the lower half of a larger number, which is another device.
  if (device >= 1n << 32n) return { isMade: false, warning: 'it is not restored: no device has its number' };
  const { permissions, atimeNs, mtimeNs } = metadata;
  files.makeNode(path, type | 0o600, device);
  const report = new Report();
  giveOwner(report, metadata, (uid, gid) => lchownSync(path, uid, gid));
  setAttributes(report, native, path, metadata.attributes);
  report.attempt('permissions', () => files.setMode(path, permissions));
  report.attempt('times', () => files.setTimes(path, atimeNs, mtimeNs));
  return { isMade: true, warning: report.inWords() };
}

/** Asked once: it does not change, and asking costs as much as setting a mode. */
let self: number | undefined;

/** Only root gives files away; others may set a group that they are in, and need not be told that they are not root. */
function giveOwner(report: Report, { owner }: EntryMetadata, chown: (uid: number, gid: number) => void): void {
  self ??= process.geteuid?.();
  if (self === 0) return report.attempt('owner', () => chown(owner.uid, owner.gid));
  if (self !== owner.uid || process.getegid?.() === owner.gid) return;
  try {
    chown(owner.uid, owner.gid);
  } catch {
    // not in the group: as for any other owner
  }
}

/**
 * A program that runs as its owner or group keeps that only when they are the ones of the backup: with another owner it
 * would run as somebody who never meant it to. On folders the bits only say which group new entries get.
 */
function keptPermissions(
  report: Report,
  { permissions, owner }: EntryMetadata,
  stat: () => { readonly uid: number; readonly gid: number; isFile(): boolean },
): number {
  if ((permissions & (SETUID | SETGID)) === 0) return permissions;
  const found = stat();
  if (!found.isFile()) return permissions;
  const lost = (found.uid === owner.uid ? 0 : SETUID) | (found.gid === owner.gid ? 0 : SETGID);
  if ((permissions & lost) === 0) return permissions;
  report.add('its setuid or setgid bit was dropped, for its owner here is not the one of the backup');
  return permissions & ~lost;
}

/** Exactly these: a new file has those of its folder's default ACL, which were not backed up. */
function setAttributes(
  report: Report,
  native: Native,
  place: Place,
  attributes: readonly ExtendedAttribute[] = [],
): void {
  const { files } = native;
  if (files === undefined) {
    if (attributes.length > 0) report.add(`its extended attributes are not restored: ${native.missing}`);
    return;
  }
  removeOthers(report, files, place, attributes);
  for (const { name, value } of attributes)
    report.attempt(`extended attribute ${shownName(name)}`, () => files.setAttribute(place, name, value));
}

function removeOthers(
  report: Report,
  files: NativeFiles,
  place: Place,
  attributes: readonly ExtendedAttribute[],
): void {
  report.attempt('extended attributes', () => {
    for (const name of files.attributeNames(place)) {
      const isWanted = attributes.some((wanted) => name.equals(wanted.name));
      if (!isWanted && isOurs(name))
        report.attempt(`freedom from the attribute ${shownName(name)}`, () => files.removeAttribute(place, name));
    }
  });
}

/** To the microsecond at best: Node takes times as doubles. */
function secondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e9;
}

/** What could not be set, gathered. */
class Report {
  #refused: string[] | undefined;
  #sentences: string[] | undefined;

  attempt(what: string, action: () => void): void {
    try {
      action();
    } catch (error) {
      (this.#refused ??= []).push(`${what} (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
    }
  }

  add(sentence: string): void {
    (this.#sentences ??= []).push(sentence);
  }

  inWords(): string | undefined {
    if (this.#refused === undefined && this.#sentences === undefined) return undefined;
    const refused = this.#refused && `the system refused its ${this.#refused.join(' and its ')}`;
    return [...(refused === undefined ? [] : [refused]), ...(this.#sentences ?? [])].join('; ');
  }
}
