/**
 * Trees and their nodes. Writing is byte-exact with restic (docs/format.md, "Trees"): field order, which fields are left
 * out when empty, the newline at the end that is part of the hash. Reading takes hostile bytes.
 */
import { base64Of, bytesOfBase64, bytesOfUtf8, compareBytes } from '../../base/bytes.ts';
import type { Filling, NodeType, TreeNode } from '../types.ts';
import { damagedRepository } from './damage.ts';
import { jsonString, quoteName, unquoteName } from './go-text.ts';
import { isCount, isId, isObject, type JsonObject, member, parseJson } from './json.ts';
import { LIMITS } from './limits.ts';
import { splitListing } from './split-listing.ts';
import { isValidUtf8 } from './utf8-rune.ts';

const NODE_TYPES: ReadonlySet<string> = new Set([
  'file',
  'dir',
  'symlink',
  'dev',
  'chardev',
  'fifo',
  'socket',
  'irregular',
] satisfies NodeType[]);

/** One node's JSON text. The content ids are hex; an empty file has `[]`, everything but a file `null`. */
export function encodeNode(node: TreeNode): string {
  let text = `{"name":${jsonString(quoteName(node.name))},"type":"${node.type}"`;
  if (node.mode !== 0) text += `,"mode":${node.mode}`;
  text += `,"mtime":"${node.mtime}","atime":"${node.atime}","ctime":"${node.ctime}"${ownerText(node)}`;
  if (node.inode) text += `,"inode":${node.inode}`;
  if (node.deviceId) text += `,"device_id":${node.deviceId}`;
  if (node.size) text += `,"size":${node.size}`;
  if (node.links) text += `,"links":${node.links}`;
  if (node.linkTarget !== undefined && node.linkTarget.length > 0) text += encodeLinkTarget(node.linkTarget);
  if (node.extendedAttributes !== undefined && node.extendedAttributes.length > 0) {
    const pairs = node.extendedAttributes.map(
      ({ name, value }) => `{"name":${jsonString(name)},"value":"${base64Of(value)}"}`,
    );
    text += `,"extended_attributes":[${pairs.join(',')}]`;
  }
  if (node.device) text += `,"device":${node.device}`;
  text += `,"content":${node.content === null ? 'null' : encodeIds(node.content)}`;
  if (node.subtree !== undefined) text += `,"subtree":"${node.subtree}"`;
  return `${text}}`;
}

/** Most entries have the owner of the one before. */
let lastOwner = {
  uid: -1,
  gid: -1,
  user: undefined as string | undefined,
  group: undefined as string | undefined,
  text: '',
};

function ownerText({ uid, gid, user, group }: TreeNode): string {
  const last = lastOwner;
  if (last.uid === uid && last.gid === gid && last.user === user && last.group === group) return last.text;
  let text = `,"uid":${uid},"gid":${gid}`;
  if (user) text += `,"user":${jsonString(user)}`;
  if (group) text += `,"group":${jsonString(group)}`;
  lastOwner = { uid, gid, user, group, text };
  return text;
}

function encodeIds(ids: readonly string[]): string {
  return ids.length === 0 ? '[]' : `["${ids.join('","')}"]`;
}

function encodeLinkTarget(target: Uint8Array): string {
  const text = `,"linktarget":${jsonString(target)}`;
  return isValidUtf8(target) ? text : `${text},"linktarget_raw":"${base64Of(target)}"`;
}

/** Nodes of a listing that are one text for a moment: no text can be as long as the largest listings. */
const TEXT_NODES_MAX = 16_384;

/** The tree's bytes from its nodes' texts, which must be in ascending order of raw name bytes. */
export function encodeTree(nodeTexts: readonly string[]): Buffer {
  if (nodeTexts.length <= TEXT_NODES_MAX) return Buffer.from(`{"nodes":[${nodeTexts.join(',')}]}\n`);
  const pieces: Buffer[] = [];
  for (let at = 0; at < nodeTexts.length; at += TEXT_NODES_MAX)
    pieces.push(Buffer.from(`${at === 0 ? '{"nodes":[' : ','}${nodeTexts.slice(at, at + TEXT_NODES_MAX).join(',')}`));
  return Buffer.concat([...pieces, Buffer.from(']}\n')]);
}

/** Whether readers take a listing of so many entries and bytes: what they would refuse is no backup. */
export function isReadableTree(entries: number, bytes: number): boolean {
  return entries <= LIMITS.treeEntries && bytes <= LIMITS.treeBlobBytes;
}

/** A larger one is parsed an entry at a time: its text and all of its objects at once would take gigabytes. */
const PARSED_WHOLE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * The nodes of a tree.
 * @throws HoldfastError repository_damaged for anything malformed, out of order, duplicate or beyond the limits.
 */
export function decodeTree(bytes: Uint8Array): TreeNode[] {
  if (bytes.length > LIMITS.treeBlobBytes)
    throw damagedRepository('A stored folder listing is larger than any real one.');
  const decoded: TreeNode[] = [];
  let previous: Uint8Array | undefined;
  for (const node of storedNodes(bytes, { uint64: true })) {
    if (decoded.length === LIMITS.treeEntries)
      throw damagedRepository('A stored folder listing has more entries than any real one.');
    const entry = decodeNode(node);
    if (previous !== undefined && compareBytes(previous, entry.name) >= 0) {
      throw damagedRepository('A stored folder listing is out of order or lists a name twice.');
    }
    previous = entry.name;
    decoded.push(entry);
  }
  return decoded;
}

const WHAT = 'A stored folder listing';

/**
 * The entries of a listing as they are stored, of which nothing is known yet. `uint64`: see parseJson.
 * @throws HoldfastError repository_damaged, also while they are taken.
 */
export function storedNodes(listing: Uint8Array, options: { uint64?: boolean } = {}): Iterable<unknown> {
  return listing.length > PARSED_WHOLE_BYTES_MAX ? oneByOne(listing, options) : allAtOnce(listing, options);
}

function allAtOnce(listing: Uint8Array, options: { uint64?: boolean }): readonly unknown[] {
  const json = parseJson(listing, WHAT, options);
  const nodes = isObject(json) ? member(json, 'nodes') : undefined;
  if (nodes === null) return [];
  if (!Array.isArray(nodes)) throw damagedRepository('A stored folder listing has no list of entries.');
  return nodes;
}

function* oneByOne(listing: Uint8Array, options: { uint64?: boolean }): Generator<unknown, void, void> {
  for (const text of splitListing(listing)) yield parseJson(text, WHAT, options);
}

function decodeNode(json: unknown): TreeNode {
  if (!isObject(json)) throw malformed('is no object');
  const type = member(json, 'type');
  if (typeof type !== 'string' || !NODE_TYPES.has(type)) throw malformed('has an unknown type');
  const mode = member(json, 'mode') ?? 0;
  if (!isCount(mode, 0xffff_ffff)) throw malformed('has an impossible mode');
  const subtree = member(json, 'subtree') ?? undefined;
  if (subtree !== undefined && !isId(subtree)) throw malformed('has a malformed subtree id');
  if (type === 'dir' && subtree === undefined) throw malformed('is a folder without a listing');
  const entry: Filling<TreeNode> = {
    name: decodeName(member(json, 'name')),
    type: type as NodeType, // checked against the closed set above
    mode,
    mtime: textOf(json, 'mtime') ?? '',
    atime: textOf(json, 'atime') ?? '',
    ctime: textOf(json, 'ctime') ?? '',
    uid: ownerOf(json, 'uid'),
    gid: ownerOf(json, 'gid'),
    content: decodeContent(json, type),
  };
  // Field by field and always in this order: all entries of a kind then have one shape, and no object is spread.
  const user = textOf(json, 'user');
  if (user !== undefined) entry.user = user;
  const group = textOf(json, 'group');
  if (group !== undefined) entry.group = group;
  const inode = uint64Of(json, 'inode');
  if (inode !== undefined) entry.inode = inode;
  const deviceId = uint64Of(json, 'device_id');
  if (deviceId !== undefined) entry.deviceId = deviceId;
  const size = uint64Of(json, 'size');
  if (size !== undefined) entry.size = size;
  const links = uint64Of(json, 'links');
  if (links !== undefined) entry.links = links;
  const device = uint64Of(json, 'device');
  if (device !== undefined) entry.device = device;
  const linkTarget = decodeLinkTarget(json);
  if (linkTarget !== undefined) entry.linkTarget = linkTarget;
  const attributes = decodeAttributes(member(json, 'extended_attributes'));
  if (attributes !== undefined) entry.extendedAttributes = attributes;
  if (subtree !== undefined) entry.subtree = subtree;
  return entry;
}

function malformed(what: string): Error {
  return damagedRepository(`An entry of a stored folder listing ${what}.`);
}

function decodeName(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw malformed('has no name');
  try {
    return unquoteName(value);
  } catch (cause) {
    throw damagedRepository('An entry of a stored folder listing has a malformed name.', cause);
  }
}

function decodeLinkTarget(json: JsonObject): Uint8Array | undefined {
  const raw = textOf(json, 'linktarget_raw');
  if (raw !== undefined) return bytesOfBase64(raw);
  const text = textOf(json, 'linktarget');
  return text === undefined ? undefined : bytesOfUtf8(text);
}

function decodeContent(json: JsonObject, type: string): string[] | null {
  const content = member(json, 'content') ?? null;
  // An empty file has [], so that null means a list that was lost: taking it for empty would restore nothing, in silence.
  if (content === null && type === 'file') throw malformed('is a file without a list of contents');
  if (content === null) return null;
  if (!Array.isArray(content) || !content.every(isId)) throw malformed('has a malformed list of contents');
  return content;
}

function decodeAttributes(value: unknown): TreeNode['extendedAttributes'] {
  if (!Array.isArray(value)) return undefined;
  return value.map((pair: unknown) => {
    if (!isObject(pair)) throw malformed('has a malformed extended attribute');
    return {
      name: bytesOfUtf8(textOf(pair, 'name') ?? ''),
      value: bytesOfBase64(textOf(pair, 'value') ?? ''),
    };
  });
}

function textOf(json: JsonObject, key: string): string | undefined {
  const value = member(json, key) ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw malformed(`has a ${key} that is no text`);
}

function ownerOf(json: JsonObject, key: string): number {
  const value = member(json, key) ?? 0;
  if (!isCount(value, 0xffff_ffff)) throw malformed(`has an impossible ${key}`);
  return value;
}

function uint64Of(json: JsonObject, key: string): bigint | undefined {
  const value = member(json, key) ?? undefined;
  if (value === undefined) return undefined;
  // Small numbers come as numbers, those that a double cannot hold as bigint (json.ts).
  const number = Number.isSafeInteger(value) ? BigInt(value as number) : value;
  if (typeof number !== 'bigint' || number < 0n || number >= 1n << 64n) throw malformed(`has an impossible ${key}`);
  return number;
}
