/**
 * What a restore test of level 5 does with a device's restore points: which disk image is started, what shows that the system
 * came up, and a script of the owner's own. Declared by people, kept by the service; the agent never sees it.
 */
import { z } from 'zod';

/** Control characters have no place in what is looked for, nor in paths. */
// oxlint-disable-next-line no-control-regex
const PRINTABLE = /^[^\u0000-\u001f\u007f]+$/;
const line = (max: number) =>
  z.string().min(1).max(max).regex(PRINTABLE, 'It holds a character that no keyboard types.');
const snapshotPath = line(4096)
  .startsWith('/', 'A path in the restore point begins with a slash.')
  .refine((path) => !path.split('/').includes('..'), 'A path in the restore point leads nowhere else.');

/** Restore, start and script together must end before the job does, which has two hours. */
export const SYSTEM_TEST_LIMITS = {
  memoryMiBMax: 16_384,
  cpusMax: 8,
  bootSecondsMax: 1800,
  scriptChars: 32_000,
  scriptSecondsMax: 900,
} as const;

const loginStep = z
  .strictObject({
    /** Waited for on the serial console, behind what was seen before. */
    expect: line(200),
    /** Typed then, with the return key behind it. */
    send: z.string().max(200).optional(),
    /** The password is typed instead, which is kept apart from this document. */
    sendsPassword: z.boolean().optional(),
  })
  .refine(({ send, sendsPassword }) => send === undefined || sendsPassword !== true, {
    message: 'A step types either a text or the password.',
  });

const guestPort = z.strictObject({
  port: z.int().min(1).max(65_535),
  /** The address that the system gives itself; without one it gets one by DHCP. */
  address: z.ipv4().optional(),
  /** Sent first, for services that wait to be spoken to. `\r` and `\n` are written as such. */
  send: z.string().max(1000).optional(),
  /** What the answer must contain. A connection alone shows nothing: the emulator accepts it in the system's place. */
  expect: line(200),
});

export const bootTest = z
  .strictObject({
    /** Path of the disk image in the restore point; `only`: the one that there is. */
    image: z.union([z.literal('only'), snapshotPath]),
    memoryMiB: z.int().min(64).max(SYSTEM_TEST_LIMITS.memoryMiBMax).default(1024),
    cpus: z.int().min(1).max(SYSTEM_TEST_LIMITS.cpusMax).default(1),
    /** How the disk is attached: a system starts from what it has a driver for. */
    disk: z.enum(['virtio', 'sata', 'ide']).default('virtio'),
    /** What starts it; a BIOS where nothing is said. */
    firmware: z.enum(['bios', 'uefi']).optional(),
    withinSeconds: z.int().min(5).max(SYSTEM_TEST_LIMITS.bootSecondsMax).default(600),
    /** A text on the serial console. */
    serial: line(200).optional(),
    /** Something is on the screen, and stays: `contains` is looked for while the screen shows plain text. */
    screen: z
      .strictObject({ stableSeconds: z.int().min(1).max(120).default(10), contains: line(200).optional() })
      .optional(),
    port: guestPort.optional(),
    /** At the serial console, step by step. */
    login: z.array(loginStep).min(1).max(12).optional(),
  })
  .refine(({ serial, screen, port, login }) => [serial, screen, port, login].some((one) => one !== undefined), {
    message: 'Say what shows that the system came up: a text, the screen, a port or a sign-in.',
  })
  .refine(({ firmware, screen }) => firmware !== 'uefi' || screen === undefined, {
    path: ['firmware'],
    message:
      'UEFI paints a picture of its own, which cannot be told from the system’s. Look for a text on the serial console, a port or a sign-in instead.',
  });
export type BootTest = z.infer<typeof bootTest>;

export const scriptTest = z.strictObject({
  name: line(100),
  /** Run by `sh`, with HOLDFAST_RESTORED and HOLDFAST_SCRATCH. */
  text: z.string().min(1).max(SYSTEM_TEST_LIMITS.scriptChars),
  /** Files and folders of the restore point that it needs, beside what the test restores anyway. */
  needs: z.array(snapshotPath).max(64).default([]),
  withinSeconds: z.int().min(1).max(SYSTEM_TEST_LIMITS.scriptSecondsMax).default(300),
});
export type ScriptTest = z.infer<typeof scriptTest>;

export const systemTests = z.strictObject({ boot: bootTest.optional(), script: scriptTest.optional() });
export type SystemTests = z.infer<typeof systemTests>;

/** Does the sign-in type a password? */
export function needsPassword({ boot }: SystemTests): boolean {
  return boot?.login?.some(({ sendsPassword }) => sendsPassword === true) === true;
}
