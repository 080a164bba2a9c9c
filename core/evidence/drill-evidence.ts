/** What a record says about one drill: every field that an insurer's or an auditor's form asks for. */
import { z } from 'zod';
import { drillCheck } from '../domain/drill-checks.ts';

export const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
export const instant = z.iso.datetime({ precision: 3 });
export const person = z.strictObject({ id: z.uuid(), name: z.string() });
const milliseconds = z.number().min(0);

const selectedFile = z.strictObject({
  path: z.string(),
  size: z.number().min(0),
  sha256: hex64,
  /** canary: a file that is always tested; sample: drawn; dump: a database's dump. */
  role: z.enum(['canary', 'sample', 'dump']),
});
export type SelectedFile = z.infer<typeof selectedFile>;

export const drillEvidence = z.strictObject({
  drillId: z.uuid(),
  date: z.strictObject({ orderedAt: instant, startedAt: instant.nullable(), finishedAt: instant }),
  systems: z.strictObject({
    device: z.strictObject({
      id: z.uuid(),
      name: z.string(),
      hostname: z.string(),
      os: z.string(),
      arch: z.string(),
      agentVersion: z.string(),
    }),
    source: z.strictObject({ id: z.uuid(), name: z.string(), kind: z.string() }),
    policy: z.strictObject({ id: z.uuid(), name: z.string(), version: z.int() }),
  }),
  scope: z.strictObject({
    kind: z.enum(['sample', 'full']),
    filesTested: z.int().min(0),
    bytesTested: z.number().min(0),
    filesInPoint: z.number().min(0),
    bytesInPoint: z.number().min(0),
    /** Files with a hash that a byte limit kept out of this drill. */
    leftOutBySize: z.int().min(0),
  }),
  restorePoint: z.strictObject({
    id: z.uuid(),
    choice: z.string(),
    capturedAt: instant,
    committedAt: instant,
    sealedAt: instant,
    repositoryId: hex64.nullable(),
    snapshotId: hex64,
    treeId: hex64,
    vaultId: z.uuid(),
    custody: z.string(),
  }),
  rpo: z.strictObject({
    targetMinutes: z.number(),
    /** How old the tested data was when the drill began. */
    dataAgeMs: milliseconds.nullable(),
    /** The newest declared time found inside of a restored database. */
    newestBusinessAt: instant.nullable(),
  }),
  rto: z.strictObject({
    targetMinutes: z.number(),
    /** Milliseconds by part; one that did not happen is left out. */
    partsMs: z.record(z.string(), milliseconds),
    technicalMs: milliseconds.nullable(),
    elapsedMs: milliseconds.nullable(),
    /** Of a full restore, from a sample: an estimate, never a measurement. */
    estimatedFullMs: milliseconds.nullable(),
  }),
  level: z.strictObject({ asked: z.int(), reached: z.int() }),
  checks: z.array(drillCheck),
  result: z.strictObject({
    verdict: z.enum(['passed', 'failed', 'void']),
    message: z.string().nullable(),
    filesRestored: z.int().min(0),
    filesMatched: z.int().min(0),
    bytesRestored: z.number().min(0),
    mismatches: z.array(
      z.strictObject({ path: z.string(), expected: z.string(), actual: z.string().nullable(), problem: z.string() }),
    ),
  }),
  performer: z.strictObject({
    /** service: the provider's worker; agent: the customer's own machine, where it alone holds the keys; kit: the recovery kit. */
    kind: z.enum(['service', 'agent', 'kit']),
    isRobot: z.boolean(),
    words: z.string(),
    trigger: z.string(),
    orderedBy: person.nullable(),
  }),
  /** Given by later records, which name this one. */
  approver: person.nullable(),
  remediation: z.string().nullable(),
  sandbox: z.strictObject({ layers: z.array(z.string()), warnings: z.array(z.string()) }),
  selection: z.strictObject({ seed: z.string(), files: z.array(selectedFile) }),
  /** The machine's own signed list from which the hashes come. */
  manifest: z
    .strictObject({
      runId: z.uuid(),
      sha256: hex64,
      signature: z.string(),
      /** SPKI in PEM. */
      devicePublicKey: z.string(),
    })
    .nullable(),
  /** What the machine that restored has signed, where it was not the service: the answer as it came. */
  answer: z.strictObject({ text: z.string(), signature: z.string() }).nullable(),
  software: z.record(z.string(), z.string()),
});
export type DrillEvidence = z.infer<typeof drillEvidence>;
