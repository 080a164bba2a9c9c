/** A test of the whole system as a form holds it: texts alone. Turned into the declaration by its own schema. */
import type { BootTest, ScriptTest, SystemTests } from '../../../../core/domain/system-tests.ts';
import { systemTests } from '../../../../core/domain/system-tests.ts';

export interface SystemTestDraft {
  readonly hasBoot: boolean;
  /** Empty: the only image that there is. */
  readonly image: string;
  readonly memoryMiB: string;
  readonly cpus: string;
  readonly disk: BootTest['disk'];
  readonly firmware: NonNullable<BootTest['firmware']>;
  readonly withinSeconds: string;
  readonly serial: string;
  readonly hasScreen: boolean;
  readonly stableSeconds: string;
  readonly contains: string;
  readonly port: string;
  readonly address: string;
  readonly portSend: string;
  readonly portExpect: string;
  /** A step a line: what is waited for, ` | `, what is typed. */
  readonly login: string;
  readonly password: string;
  readonly hasScript: boolean;
  readonly scriptName: string;
  readonly scriptText: string;
  /** One a line. */
  readonly needs: string;
  readonly scriptSeconds: string;
}
export type SystemTestField = keyof SystemTestDraft;

/** Stands where the password is typed: it is no part of the declaration. */
export const PASSWORD_WORD = '{password}';
const BETWEEN = ' | ';

export function systemDraftOf({ boot, script }: SystemTests): SystemTestDraft {
  return {
    hasBoot: boot !== undefined,
    image: boot === undefined || boot.image === 'only' ? '' : boot.image,
    memoryMiB: String(boot?.memoryMiB ?? 1024),
    cpus: String(boot?.cpus ?? 1),
    disk: boot?.disk ?? 'virtio',
    firmware: boot?.firmware ?? 'bios',
    withinSeconds: String(boot?.withinSeconds ?? 600),
    serial: boot?.serial ?? '',
    hasScreen: boot?.screen !== undefined,
    stableSeconds: String(boot?.screen?.stableSeconds ?? 10),
    contains: boot?.screen?.contains ?? '',
    port: boot?.port === undefined ? '' : String(boot.port.port),
    address: boot?.port?.address ?? '',
    portSend: boot?.port?.send ?? '',
    portExpect: boot?.port?.expect ?? '',
    login: (boot?.login ?? []).map(lineOf).join('\n'),
    password: '',
    hasScript: script !== undefined,
    scriptName: script?.name ?? '',
    scriptText:
      script?.text ?? '#!/bin/sh\n# Exit code 0: what was restored is of use.\ncd "$HOLDFAST_RESTORED" || exit 1\n',
    needs: (script?.needs ?? []).join('\n'),
    scriptSeconds: String(script?.withinSeconds ?? 300),
  };
}

type LoginStep = NonNullable<BootTest['login']>[number];

function lineOf({ expect, send, sendsPassword }: LoginStep): string {
  const typed = sendsPassword === true ? PASSWORD_WORD : send;
  return typed === undefined ? expect : `${expect}${BETWEEN}${typed}`;
}

function stepOf(line: string): LoginStep {
  const at = line.indexOf(BETWEEN);
  if (at === -1) return { expect: line.trim() };
  const expect = line.slice(0, at).trim();
  const typed = line.slice(at + BETWEEN.length);
  return typed.trim() === PASSWORD_WORD ? { expect, sendsPassword: true } : { expect, send: typed };
}

export type SystemTestAnswer =
  | { readonly ok: true; readonly tests: SystemTests }
  | { readonly ok: false; readonly field: SystemTestField | undefined; readonly message: string };

export function systemTestsOf(draft: SystemTestDraft): SystemTestAnswer {
  const parsed = systemTests.safeParse({
    ...(draft.hasBoot ? { boot: bootOf(draft) } : {}),
    ...(draft.hasScript ? { script: scriptOf(draft) } : {}),
  });
  if (parsed.success) return { ok: true, tests: parsed.data };
  const issue = parsed.error.issues[0];
  const field = fieldOf(issue?.path ?? []);
  const message = issue?.code === 'custom' || field === undefined ? issue?.message : FIELD_WORDS[field];
  return { ok: false, field, message: message ?? 'This cannot be saved.' };
}

function bootOf(draft: SystemTestDraft): Record<keyof BootTest, unknown> {
  const login = draft.login.split('\n').filter((line) => line.trim() !== '');
  const contains = draft.contains.trim();
  const hasPort = [draft.port, draft.portExpect, draft.portSend, draft.address].some((text) => text.trim() !== '');
  return {
    image: draft.image.trim() === '' ? 'only' : draft.image.trim(),
    memoryMiB: numberOf(draft.memoryMiB),
    cpus: numberOf(draft.cpus),
    disk: draft.disk,
    firmware: draft.firmware === 'bios' ? undefined : draft.firmware,
    withinSeconds: numberOf(draft.withinSeconds),
    serial: draft.serial.trim() === '' ? undefined : draft.serial.trim(),
    screen: draft.hasScreen
      ? { stableSeconds: numberOf(draft.stableSeconds), ...(contains === '' ? {} : { contains }) }
      : undefined,
    port: hasPort
      ? {
          port: numberOf(draft.port),
          expect: draft.portExpect.trim(),
          ...(draft.portSend === '' ? {} : { send: draft.portSend }),
          ...(draft.address.trim() === '' ? {} : { address: draft.address.trim() }),
        }
      : undefined,
    login: login.length === 0 ? undefined : login.map(stepOf),
  };
}

function scriptOf(draft: SystemTestDraft): Record<keyof ScriptTest, unknown> {
  return {
    name: draft.scriptName.trim(),
    text: draft.scriptText.replaceAll('\r\n', '\n'),
    needs: draft.needs
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
    withinSeconds: numberOf(draft.scriptSeconds),
  };
}

function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

const FIELD_WORDS: Readonly<Partial<Record<SystemTestField, string>>> = {
  image: 'The path of the image in the restore point; it begins with a slash.',
  memoryMiB: 'A number of MiB, from 64 to 16384.',
  cpus: 'A number from 1 to 8.',
  withinSeconds: 'A number of seconds, from 5 to 1800.',
  serial: 'At most 200 characters.',
  stableSeconds: 'A number of seconds, from 1 to 120.',
  contains: 'At most 200 characters.',
  port: 'A number from 1 to 65535.',
  address: 'An address such as 192.168.1.10.',
  portExpect: 'What the answer must contain; a connection alone shows nothing.',
  portSend: 'At most 1000 characters.',
  login: 'At most twelve steps, each of at most 200 characters.',
  scriptName: 'A short name.',
  scriptText: 'The script, of at most 32000 characters.',
  needs: 'Paths in the restore point, one a line; each begins with a slash.',
  scriptSeconds: 'A number of seconds, from 1 to 900.',
};

function fieldOf([part, name, inner]: readonly PropertyKey[]): SystemTestField | undefined {
  if (part === 'script')
    return ({ name: 'scriptName', text: 'scriptText', needs: 'needs', withinSeconds: 'scriptSeconds' } as const)[
      String(name) as keyof ScriptTest
    ];
  if (part !== 'boot' || name === undefined) return undefined;
  if (name === 'screen') return inner === 'contains' ? 'contains' : 'stableSeconds';
  if (name === 'port')
    return inner === 'expect' ? 'portExpect' : inner === 'send' ? 'portSend' : inner === 'address' ? 'address' : 'port';
  return name as SystemTestField; // the names of the rest are those of the draft
}
