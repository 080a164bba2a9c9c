/** What a check of evidence can find, in words that say what it means. */

export const PROBLEMS = [
  'no_evidence',
  'newer_version',
  'key_id',
  'key_not_vouched',
  'key_not_trusted',
  'unknown_key',
  'signature',
  'not_canonical',
  'record_form',
  'foreign',
  'order',
  'duplicate',
  'gap',
  'chain',
  'anchor_signature',
  'history',
  'manifest',
  'witness',
  'verdict',
  'picture',
] as const;
export type Problem = (typeof PROBLEMS)[number];

export interface Finding {
  readonly problem: Problem;
  /** The record's number, where one is meant. */
  readonly sequence: number | null;
  readonly words: string;
}

const sentences: Readonly<Record<Problem, (what: string) => string>> = {
  no_evidence: (what) => `This is not a file of evidence, or it is cut off or broken (${what}).`,
  newer_version: () =>
    'This file was made by a newer version of the service. Check it with a newer version of this program.',
  key_id: (what) => `The key ${what} is not the key that its name says: the bundle’s keys were altered.`,
  key_not_vouched: (what) =>
    `The key ${what} is vouched for by no earlier key of this bundle: it may belong to somebody else.`,
  key_not_trusted: (what) =>
    `The key ${what} is not one of the keys that you trust: somebody else may have made and signed this.`,
  unknown_key: (what) => `${what} is signed with a key that is not in the bundle, so nobody can tell who signed it.`,
  signature: (what) => `${what} was altered after it was signed, or was signed with another key.`,
  not_canonical: (what) =>
    `${what} is not written in the one form that records have: it was altered, or made by something else.`,
  record_form: (what) => `${what} does not have the fields of a record.`,
  foreign: (what) => `${what} belongs to another customer or provider.`,
  order: (what) => `The records are not in their order: ${what}.`,
  duplicate: (what) => `${what} is there twice.`,
  gap: (what) => `${what}: a record was removed.`,
  chain: (what) => `${what} does not continue the chain: the record before it was replaced, or this one was inserted.`,
  anchor_signature: (what) => `The anchor of ${what} was altered after it was signed, or was signed with another key.`,
  history: (what) =>
    `The records are not those that were anchored on ${what}: the history before that day was rewritten.`,
  manifest: (what) =>
    `${what}: the machine’s own signed list is not the one that the record names, or its signature is not the machine’s.`,
  witness: (what) => `${what} was compared with a hash that the machine never signed.`,
  verdict: (what) => `${what} says that it passed, and its own contents say otherwise.`,
  picture: (what) => `The picture ${what} is not one that a record names: it was altered, or put in.`,
};

export function finding(problem: Problem, what = '', sequence: number | null = null): Finding {
  return { problem, sequence, words: sentences[problem](what) };
}
