/**
 * Level 5: the system starts from its restored disk image, and a script of the owner's says whether the files are of use. Each
 * in a sandbox of its own, which sees what was restored and cannot change it. What they come to is put into words here.
 */
import { createHash } from 'node:crypto';

import { constants, existsSync } from 'node:fs';
import { mkdir, open, statfs } from 'node:fs/promises';
import { freemem } from 'node:os';
import path from 'node:path';
import { HoldfastError } from '../../core/base/errors.ts';
import type { Log } from '../../core/base/log.ts';
import type { DrillCheck } from '../../core/domain/drill-checks.ts';
import type { BootTest, ScriptTest } from '../../core/domain/system-tests.ts';
import { realPlace } from '../../core/filesystem/real-place.ts';
import type { DrillWork } from '../../server/drills/begin-drill.ts';
import type { DrillStepName } from '../../server/drills/drill-steps.ts';
import type { KeptPicture } from '../../server/drills/finish-drill.ts';
import { PICTURE_FILE } from '../sandbox/limits.ts';
import { type DrillResult, type SystemResult, systemResult, type SystemTask } from '../sandbox/messages.ts';
import { runInSandbox, type SandboxEnd, type SandboxOptions } from '../sandbox/run-in-sandbox.ts';
import { parsePpm, PICTURE_BYTES_MAX } from '../sandbox/system/picture.ts';
import { findUefi } from '../sandbox/system/uefi.ts';
import { encodePng } from './encode-png.ts';
import { openToReaders } from './restored-places.ts';
import { bytesIn } from './scratch-folder.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

export const SYSTEM_LIMITS = {
  /** Of the emulator beside the memory of its system. */
  emulatorBytes: GIB,
  /** What a started system may write, and a script. */
  roomBytes: 8 * GIB,
  /** Free on the disk of the scratch folder before one is started there. */
  freeBytes: GIB,
  /** Beside the time that the system or script has: looking at the image, the last picture. */
  spareMs: 3 * 60_000,
  scriptBytes: 2 * GIB,
} as const;

export interface SystemTested {
  readonly checks: readonly DrillCheck[];
  readonly warnings: readonly string[];
  readonly pictures: readonly KeptPicture[];
  readonly software: Readonly<Record<string, string>>;
  readonly timings: { readonly provision: number; readonly start: number; readonly checks: number };
  readonly layers: readonly string[];
}

export interface SystemTerms {
  readonly log: Log;
  readonly work: Pick<DrillWork, 'system'>;
  /** Holds what was restored and compared. */
  readonly folder: string;
  /** For the sandboxes; nothing in it yet. */
  readonly scratch: string;
  readonly restored: Pick<DrillResult, 'also' | 'images'>;
  readonly signal: AbortSignal;
  readonly onStep: (step: DrillStepName) => void;
  /** Tests: where no QEMU is, and no firmware, and how much memory is free. */
  readonly qemuFolder?: string;
  readonly firmwareFolder?: string;
  readonly freeBytes?: number;
}

/** @throws HoldfastError cancelled. */
export async function testSystem(terms: SystemTerms): Promise<SystemTested> {
  return await new SystemLook(terms).run();
}

class SystemLook {
  readonly #terms: SystemTerms;
  readonly #checks: DrillCheck[] = [];
  readonly #warnings = new Set<string>();
  readonly #layers = new Set<string>();
  readonly #pictures: KeptPicture[] = [];
  #software: Record<string, string> = {};
  readonly #timings = { provision: 0, start: 0, checks: 0 };

  constructor(terms: SystemTerms) {
    this.#terms = terms;
  }

  async run(): Promise<SystemTested> {
    const { boot, script } = this.#terms.work.system.tests;
    if (boot === undefined && script === undefined)
      this.#leaveOut(
        'boot',
        '',
        'A test of the whole system',
        'Nobody has said yet how the system of this device is tested.',
      );
    if (boot !== undefined) await this.#boot(boot);
    if (script !== undefined) await this.#runScript(script);
    return {
      checks: this.#checks,
      warnings: [...this.#warnings],
      pictures: this.#pictures,
      software: this.#software,
      timings: this.#timings,
      layers: [...this.#layers],
    };
  }

  #leaveOut(kind: 'boot' | 'script', subject: string, name: string, reason: string, hint?: string): void {
    const check = { kind, name, subject, state: 'skipped', expected: null, actual: null } as const;
    this.#checks.push({ ...check, output: reason, ms: 0 });
    if (hint !== undefined) this.#warnings.add(hint);
  }

  async #boot(test: BootTest): Promise<void> {
    const found = imageOf(test, this.#terms.restored);
    const subject = found.path ?? (test.image === 'only' ? '' : test.image);
    const name = subject === '' ? 'The system starts' : `The system in ${lastName(subject)} starts`;
    const leaveOut = (reason: string, hint?: string): void =>
      this.#leaveOut('boot', subject, name, `The system was not started. ${reason}`, hint);
    if (found.path === undefined) return leaveOut(found.reason);
    const image = await realPlace(this.#terms.folder, found.path);
    if (image === undefined) return leaveOut('Its disk image did not come back as a file.');
    if (!isQemuInstalled(this.#terms.qemuFolder))
      return leaveOut(
        'QEMU is not installed where drills run.',
        'Install the packages qemu-system-x86 and qemu-utils on the machines that run drills: they have no QEMU that can start a system.',
      );
    if (test.firmware === 'uefi' && findUefi(this.#terms.firmwareFolder) === undefined)
      return leaveOut(
        'There is no firmware of UEFI where drills run.',
        'Install the package ovmf on the machines that run drills: without it they start no system that needs UEFI.',
      );
    const memoryBytes = test.memoryMiB * MIB + SYSTEM_LIMITS.emulatorBytes;
    if ((this.#terms.freeBytes ?? freemem()) < memoryBytes)
      return leaveOut(`The machine that runs drills has less memory free than the ${test.memoryMiB} MiB that it gets.`);
    await openToReaders(image);
    const { password } = this.#terms.work.system;
    const task: SystemTask = { kind: 'boot', image, subject: found.path, test, password };
    await this.#run(task, 'boot', {
      name,
      subject,
      withinMs: test.withinSeconds * 1000,
      residentBytesMax: memoryBytes,
      confinement: {
        ...{ readable: [image], withLoopback: true, mayUseKvm: true },
        cpuSeconds: test.withinSeconds * (test.cpus + 1) + 120,
      },
    });
  }

  async #runScript(script: ScriptTest): Promise<void> {
    const { folder, restored } = this.#terms;
    const name = `The script “${script.name}” says that it works`;
    const missing = script.needs.flatMap((place) => {
      const state = restored.also.find((one) => one.path === place)?.state ?? 'absent';
      return state === 'restored'
        ? []
        : [
            `${place} ${state === 'absent' ? 'is not in this restore point' : 'is too large to be restored where drills run'}`,
          ];
    });
    if (missing.length > 0)
      return this.#leaveOut(
        'script',
        '',
        name,
        `The script was not run. What it needs is not there: ${missing.join(', ')}.`,
      );
    await openToReaders(folder);
    await this.#run({ kind: 'script', script, restored: folder }, 'script', {
      name,
      subject: '',
      withinMs: script.withinSeconds * 1000,
      residentBytesMax: SYSTEM_LIMITS.scriptBytes,
      confinement: { readable: [folder], cpuSeconds: script.withinSeconds * 4 + 60 },
    });
  }

  async #run(task: SystemTask, kind: 'boot' | 'script', look: LookTerms): Promise<void> {
    const { log, signal, onStep, scratch } = this.#terms;
    const { bavail, bsize } = await statfs(scratch);
    const freeBytes = bavail * bsize;
    if (freeBytes < SYSTEM_LIMITS.freeBytes)
      return this.#leaveOut(kind, look.subject, look.name, 'There is too little free space where drills run.');
    const roomBytes = Math.floor(Math.min(SYSTEM_LIMITS.roomBytes, freeBytes / 2));
    const scratchPath = path.join(scratch, kind);
    await mkdir(scratchPath, { mode: 0o700 });
    const end = await runInSandbox({
      task,
      scratchPath,
      wallClockMs: look.withinMs + SYSTEM_LIMITS.spareMs,
      outputBytesMax: roomBytes,
      isScratchOver: async () => (await bytesIn(scratchPath)) > roomBytes,
      onProgress: ({ step }) => onStep(step),
      signal,
      log,
      confinement: { withPrograms: true, ...look.confinement },
      // A system, and a script, do what they like: not without a file system that holds nothing else, and a network neither.
      needs: ['own-files', 'no-network'],
      residentBytesMax: look.residentBytesMax,
    });
    await this.#conclude(end, kind, look, scratchPath);
  }

  async #conclude(end: SandboxEnd, kind: 'boot' | 'script', look: LookTerms, scratchPath: string): Promise<void> {
    for (const layer of end.layers) this.#layers.add(layer);
    const parsed = end.kind === 'result' ? systemResult.safeParse(end.value) : undefined;
    if (parsed?.success === true) return await this.#take(parsed.data, scratchPath);
    if (end.kind === 'broken' && end.reason === 'cancelled')
      throw new HoldfastError('cancelled', 'The drill was stopped before its end; it is made again.');
    const excess = end.kind === 'broken' ? EXCESSES[end.reason] : undefined;
    if (excess !== undefined) {
      const output =
        kind === 'boot' ? `The system ${excess}, and was stopped.` : `The script ${excess}, and was stopped.`;
      const { name, subject } = look;
      this.#checks.push({ kind, name, subject, state: 'failed', expected: null, actual: null, output, ms: 0 });
      return;
    }
    const message = end.kind === 'result' ? 'The sandbox answered with something that is no answer.' : end.message;
    this.#leaveOut(kind, look.subject, look.name, message, `The whole system could not be tested: ${message}`);
  }

  async #take(result: SystemResult, scratchPath: string): Promise<void> {
    const { provisionMs, startMs, checksMs } = result.timings;
    this.#timings.provision += provisionMs;
    this.#timings.start += startMs;
    this.#timings.checks += checksMs;
    this.#software = { ...this.#software, ...result.software };
    const picture = result.hasPicture ? await readPicture(scratchPath) : undefined;
    if (picture !== undefined) this.#pictures.push(picture);
    for (const { picture: _, ...check } of result.checks) {
      const clean = withoutPassword(check, this.#terms.work.system.password);
      this.#checks.push(check.kind === 'boot' && picture !== undefined ? { ...clean, picture: picture.sha256 } : clean);
    }
  }
}

interface LookTerms extends Required<Pick<SandboxOptions, 'residentBytesMax' | 'confinement'>> {
  readonly name: string;
  readonly subject: string;
  readonly withinMs: number;
}

const EXCESSES: Readonly<Record<string, string>> = {
  memory: 'took more memory than it may',
  scratch: 'wrote more than it may',
};

function isQemuInstalled(folder = '/usr/bin'): boolean {
  return ['qemu-system-x86_64', 'qemu-img'].every((name) => existsSync(path.join(folder, name)));
}

function imageOf(
  { image }: BootTest,
  { also, images }: Pick<DrillResult, 'also' | 'images'>,
): { readonly path: string } | { readonly path: undefined; readonly reason: string } {
  const none = (reason: string) => ({ path: undefined, reason });
  if (image === 'only' && images.length === 0) return none('There is no disk image in this restore point.');
  if (image === 'only' && images.length > 1)
    return none(
      `There are several disk images in this restore point, and nobody said which: ${images.slice(0, 3).join(', ')}${images.length > 3 ? ', …' : ''}.`,
    );
  const wanted = image === 'only' ? images[0]! : image;
  const state = also.find((one) => one.path === wanted)?.state ?? 'absent';
  if (state === 'absent') return none(`There is no ${wanted} in this restore point.`);
  if (state === 'too_large') return none('Its disk image is too large for the free space where drills run.');
  return { path: wanted };
}

/** The folder is hostile ground: a link is not followed, and what is no picture is none. */
async function readPicture(scratchPath: string): Promise<KeptPicture | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(path.join(scratchPath, PICTURE_FILE), flags).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const found = await handle.stat();
    if (!found.isFile() || found.size > PICTURE_BYTES_MAX) return undefined;
    const bytes = await handle.readFile();
    const encoded = encodePng(parsePpm(bytes));
    return { ...encoded, sha256: createHash('sha256').update(encoded.png).digest('hex') };
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  } finally {
    await handle.close();
  }
}

/** A console may repeat what was typed. */
function withoutPassword(check: DrillCheck, password: string | null): DrillCheck {
  if (password === null || password === '') return check;
  const clean = (text: string): string => text.replaceAll(password, '•••');
  return {
    ...check,
    name: clean(check.name).slice(0, 200),
    expected: check.expected === null ? null : clean(check.expected).slice(0, 2000),
    actual: check.actual === null ? null : clean(check.actual).slice(0, 2000),
    output: clean(check.output).slice(-8000),
  };
}

function lastName(place: string): string {
  return place.slice(place.lastIndexOf('/') + 1).slice(0, 120);
}
