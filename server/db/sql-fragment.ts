import { Prisma } from './generated/client.ts';
import type { Statement } from './statements.ts';

/** A part of a raw query with its parameters, to be used in more than one. */
export const sqlFragment = Prisma.sql;
export type SqlFragment = Prisma.Sql;

/** Parts with a separator between them; at least one. */
export const joinFragments = Prisma.join;

/** For runInScope. The same name only ever for the same text; null: the text varies, or is to be planned for these values. */
export function toStatement(name: string | null, { text, values }: SqlFragment): Statement {
  return name === null ? { text, values } : { name, text, values };
}
