import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../base/canonical-json.ts';
import { MANIFEST_PREFIX } from './manifest-prefix.ts';

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const crc32c = z.string().regex(/^[A-Za-z0-9+/]{6}==$/);
/** Keys inside a vault that an agent may ever name. */
export const vaultKey = z
  .string()
  .regex(/^(config|(keys|index|snapshots)\/[0-9a-f]{64}|data\/[0-9a-f]{2}\/[0-9a-f]{64})$/);

export const objectKind = z.enum(['data_pack', 'tree_pack', 'index', 'snapshot', 'key', 'config']);

export const manifestObject = z.strictObject({
  key: vaultKey,
  kind: objectKind,
  size: z
    .int()
    .min(0)
    .max(4 * 1024 ** 3),
  crc32c,
});

export const unreadItem = z.strictObject({
  path: z.string().max(8192),
  reason: z.enum(['vanished', 'permission_denied', 'read_error', 'changed_while_reading', 'unsupported_type']),
  bytes: z.number().min(0),
  message: z.string().max(1000),
});

/** Counts of files and bytes end where no number of JavaScript is exact any more. */
const exactCount = z.int().min(0);

/**
 * How the files differ from those of the snapshot before, as the agent saw it while it read them: what the service looks for signs
 * of encryption and deletion in. It tells no name and no content, so that it works where nobody else holds the key.
 */
export const changeFigures = z
  .strictObject({
    /** Null: the backup had nothing to be compared with, or not all of it could be read. */
    files: z
      .strictObject({ former: exactCount, changed: exactCount, gone: exactCount })
      .refine(({ former, changed, gone }) => changed + gone <= former)
      .nullable(),
    /** Of files that were opened; dumps are left out. */
    readBytes: exactCount,
    /** Of these, what the vault did not have. */
    newBytes: exactCount,
    /** What these were stored at. */
    storedBytes: exactCount,
    /** Mean entropy of a sample of the new bytes, in bits a byte; null when too little was new. */
    entropy: z.strictObject({ bits: z.number().min(0).max(8), sampledBytes: z.int().min(1) }).nullable(),
  })
  .refine(({ readBytes, newBytes }) => newBytes <= readBytes);
export type ChangeFigures = z.infer<typeof changeFigures>;

const notKeptItem = z.strictObject({ path: z.string().max(8192), reason: z.string().max(1000) });

export const witnessFile = z.strictObject({
  path: z.string().max(8192),
  size: z.number().min(0),
  sha256: hex64,
  /** dump: a database or a command's output, hashed as its program wrote it. */
  role: z.enum(['canary', 'sample', 'dump']),
  /** Of a dump: with what a restore of it has to be tried. */
  dump: z
    .strictObject({
      kind: z.enum(['postgres', 'mysql', 'sqlite', 'command']),
      label: z.string().max(64),
      /** Null for what is no single database. */
      database: z.string().max(4096).nullable(),
      serverVersion: z.string().max(200).nullable(),
      clientVersion: z.string().max(200).nullable(),
    })
    .optional(),
});

/**
 * What an agent claims to have stored, signed with its device key. Immutable: retention and prune decide by these lists,
 * so that no later index can un-reference an old pack.
 */
export const commitManifest = z.strictObject({
  version: z.literal(1),
  runId: z.uuid(),
  vaultId: z.uuid(),
  repositoryId: hex64,
  snapshotId: hex64,
  treeId: hex64,
  parentSnapshotId: hex64.nullable(),
  /** Instant at which the data is consistent: when the scan began. Milliseconds, the agent's clock. */
  captureMs: z.int(),
  startedMs: z.int(),
  finishedMs: z.int(),
  /** Objects that this run added. */
  objects: z.array(manifestObject).max(1_000_000),
  /** Every pack that the snapshot needs, old ones too. */
  packIds: z.array(hex64).max(2_000_000),
  selected: z.strictObject({ files: z.int().min(0), bytes: z.number().min(0) }),
  added: z.strictObject({ blobs: z.int().min(0), bytes: z.number().min(0), storedBytes: z.number().min(0) }),
  /** The first 1000; the counts are of all. */
  unread: z.array(unreadItem).max(1000),
  unreadCount: z.int().min(0),
  unreadBytes: z.number().min(0),
  /** What is not kept of entries that are: attributes, above all. The first 1000; absent when all is kept. */
  notKept: z.array(notKeptItem).min(1).max(1000).optional(),
  notKeptCount: z.int().min(1).optional(),
  changes: changeFigures.optional(),
  witness: z.array(witnessFile).max(10_000),
});

export type CommitManifest = z.infer<typeof commitManifest>;
export type ManifestObject = z.infer<typeof manifestObject>;

/** Text and signature travel together; the server verifies the text as it came and only then parses it. */
export interface SignedManifest {
  readonly text: string;
  /** Base64url Ed25519 over `holdfast-manifest-v1\n` + text. */
  readonly signature: string;
}

export function signManifest(manifest: CommitManifest, privateKey: string): SignedManifest {
  const text = canonicalJson(manifest);
  return {
    text,
    signature: sign(null, Buffer.from(MANIFEST_PREFIX + text), createPrivateKey(privateKey)).toString('base64url'),
  };
}

export function isManifestSignatureValid(signed: SignedManifest, publicKey: string): boolean {
  return verify(
    null,
    Buffer.from(MANIFEST_PREFIX + signed.text),
    createPublicKey(publicKey),
    Buffer.from(signed.signature, 'base64url'),
  );
}
