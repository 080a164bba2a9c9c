/**
 * A machine that exists for one look: QEMU with a restored disk, a screen, a serial console and, where a port is asked, a
 * network that leads nowhere. The disk is read only; what the system writes goes to an overlay and ends with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { HoldfastError } from '../../../core/base/errors.ts';
import type { BootTest } from '../../../core/domain/system-tests.ts';
import { PROGRAM_ENVIRONMENT, keepEnd, plainOutput, runProgram } from '../open/programs.ts';
import type { DiskImage } from './disk-image.ts';
import { isTextMode, parsePpm, type Picture, screenText, TEXT_ADDRESS, TEXT_BYTES } from './picture.ts';
import { Qmp, type QmpEvent } from './qmp.ts';
import { SerialConsole } from './serial-console.ts';
import { findUefi, type Uefi } from './uefi.ts';

const QEMU = 'qemu-system-x86_64';
const OVERLAY = 'overlay.qcow2';
const QMP_SOCKET = 'qmp.sock';
const SETTINGS_FILE = 'uefi-settings.fd';
const TEXT_FILE = 'screen.text';
/** Where the port of the system is reached, in the sandbox's own network, which nobody else is in. */
export const FORWARDED = { host: '127.0.0.1', port: 20_000 } as const;
/** Of translated code; QEMU would take up to a gigabyte. */
const TRANSLATION_MIB = 128;

export interface Screen {
  readonly picture: Picture;
  /** Undefined while it shows graphics. */
  readonly text: string | undefined;
}

export interface MachineTerms {
  readonly image: string;
  readonly disk: DiskImage;
  readonly test: BootTest;
  /** Where pictures of the screen are written. */
  readonly pictureFile: string;
}

export class Machine {
  readonly console: SerialConsole;
  readonly #child: ChildProcess;
  readonly #complaint: () => string;
  readonly #pictureFile: string;
  #qmp: Qmp | undefined;
  #ending: string | undefined;

  private constructor(child: ChildProcess, pictureFile: string) {
    this.#child = child;
    this.#complaint = keepEnd(child);
    this.#pictureFile = pictureFile;
    this.console = new SerialConsole((bytes) => child.stdin?.write(bytes));
    child.stdout?.on('data', (piece: Buffer) => this.console.hear(piece));
    child.stdin?.on('error', () => undefined); // the machine is gone; its ending says more
    child.on('error', () => (this.#ending ??= 'the emulator could not be started'));
    child.on('exit', () => (this.#ending ??= 'the emulator ended'));
  }

  /** @throws HoldfastError service_missing when QEMU does not come up: that says nothing about the disk. */
  static async powerOn(terms: MachineTerms): Promise<Machine> {
    const uefi = terms.test.firmware === 'uefi' ? findUefi() : undefined;
    if (terms.test.firmware === 'uefi' && uefi === undefined) throw notStarted('the firmware is not there');
    // What the system changes in the firmware's settings ends with it, too.
    if (uefi !== undefined) await writeFile(SETTINGS_FILE, await readFile(uefi.settings));
    const overlay = await runProgram('qemu-img', [
      ...['create', '-q', '-f', 'qcow2', OVERLAY, String(Math.ceil(terms.disk.virtualBytes / 512) * 512)],
    ]);
    if (overlay.code !== 0) throw notStarted(overlay.complaint);
    const child = spawn(QEMU, qemuArguments(terms, uefi), {
      env: PROGRAM_ENVIRONMENT,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const machine = new Machine(child, terms.pictureFile);
    try {
      machine.#qmp = await Qmp.connect(
        QMP_SOCKET,
        (event) => machine.#onEvent(event),
        () => machine.#ending === undefined,
      );
      await machine.#qmp.ask('cont');
    } catch (error) {
      machine.end();
      throw notStarted(machine.#complaint() || (error instanceof Error ? error.message : ''));
    }
    return machine;
  }

  #onEvent({ event, data }: QmpEvent): void {
    if (event === 'SHUTDOWN')
      this.#ending ??=
        data.reason === 'guest-reset'
          ? 'it started itself anew, or crashed so that the machine reset'
          : 'it switched itself off';
    if (event === 'GUEST_PANICKED') this.#ending ??= 'its kernel gave up';
  }

  /** Why it runs no longer, in words; undefined while it does. */
  get ending(): string | undefined {
    return this.#ending;
  }

  /** Also of a machine that has stopped: it keeps its last picture. */
  async look(): Promise<Screen | undefined> {
    try {
      await this.#qmp?.ask('screendump', { filename: this.#pictureFile });
      const picture = parsePpm(await readFile(this.#pictureFile));
      if (!isTextMode(picture)) return { picture, text: undefined };
      await this.#qmp?.ask('pmemsave', { val: TEXT_ADDRESS, size: TEXT_BYTES, filename: TEXT_FILE });
      return { picture, text: screenText(await readFile(TEXT_FILE)) };
    } catch {
      // The emulator is gone, or the screen is being set up: there is nothing to see at this moment.
      return undefined;
    }
  }

  /** Name and version of what it runs on, and whether the processor helps. */
  async software(): Promise<Record<string, string>> {
    const version = await this.#qmp?.ask('query-version').catch(() => undefined);
    const { major = 0, minor = 0, micro = 0 } = (version as { qemu?: Record<string, number> } | undefined)?.qemu ?? {};
    const kvm = (await this.#qmp?.ask('query-kvm').catch(() => undefined)) as { enabled?: boolean } | undefined;
    return { qemu: `${major}.${minor}.${micro}, ${kvm?.enabled === true ? 'KVM' : 'emulated processor'}` };
  }

  end(): void {
    this.#ending ??= 'it was switched off';
    this.#child.kill('SIGKILL');
  }
}

export function qemuArguments({ image, disk, test }: MachineTerms, uefi?: Uefi): string[] {
  const backing = {
    ...{ driver: disk.format, 'read-only': true, file: { driver: 'file', filename: image } },
    ...(disk.format === 'qcow2' ? { backing: null } : {}),
  };
  const overlay = { driver: 'qcow2', 'node-name': 'disk', file: { driver: 'file', filename: OVERLAY }, backing };
  return [
    ...['-nodefaults', '-no-user-config', '-S', '-display', 'none', '-no-reboot', '-no-shutdown'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...['-machine', 'pc,usb=off', '-accel', 'kvm', '-accel', `tcg,tb-size=${TRANSLATION_MIB}`, '-cpu', 'max'],
    ...['-m', `${test.memoryMiB}M`, '-smp', String(test.cpus), '-rtc', 'base=utc', '-boot', 'strict=on'],
    ...(uefi === undefined ? [] : flashArguments(uefi)),
    ...['-qmp', `unix:${QMP_SOCKET},server=on,wait=off`],
    ...['-chardev', 'stdio,id=console,signal=off', '-device', 'isa-serial,chardev=console', '-device', 'VGA'],
    ...['-object', 'rng-random,id=chance,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=chance'],
    ...['-blockdev', JSON.stringify(overlay), ...DISKS[test.disk]],
    ...(test.port === undefined ? ['-nic', 'none'] : networkArguments(test.port, test.disk)),
  ];
}

function flashArguments({ code }: Uefi): string[] {
  const flash = (unit: number, file: string, more = ''): string[] => [
    '-drive',
    `if=pflash,format=raw,unit=${unit},file=${file}${more}`,
  ];
  return [...flash(0, code, ',readonly=on'), ...flash(1, SETTINGS_FILE)];
}

const DISKS: Readonly<Record<BootTest['disk'], readonly string[]>> = {
  virtio: ['-device', 'virtio-blk-pci,drive=disk,bootindex=1'],
  sata: ['-device', 'ich9-ahci,id=sata', '-device', 'ide-hd,bus=sata.0,drive=disk,bootindex=1'],
  ide: ['-device', 'ide-hd,bus=ide.0,drive=disk,bootindex=1'],
};

/** A system with virtio's disks has virtio's card, and made for clouds often no other; the rest know the old one of Intel. */
const CARDS: Readonly<Record<BootTest['disk'], string>> = { virtio: 'virtio-net-pci', sata: 'e1000', ide: 'e1000' };

/** `restrict`: nothing of the system gets out; only the one port is passed in. */
function networkArguments({ port, address }: NonNullable<BootTest['port']>, disk: BootTest['disk']): string[] {
  const own = address === undefined ? [] : networkAround(address);
  const forward = `hostfwd=tcp:${FORWARDED.host}:${FORWARDED.port}-${address ?? ''}:${port}`;
  return [
    ...['-netdev', ['user,id=net,restrict=on,ipv6=off', ...own, forward].join(',')],
    // Without its firmware: nothing is started from the network.
    ...['-device', `${CARDS[disk]},netdev=net,romfile=`],
  ];
}

/** The network in which a fixed address lies; the emulator's own two must be others. */
function networkAround(address: string): string[] {
  const [prefix, last] = [
    address.slice(0, address.lastIndexOf('.')),
    Number(address.slice(address.lastIndexOf('.') + 1)),
  ];
  const free = [2, 3, 4].filter((one) => one !== last);
  return [`net=${prefix}.0/24`, `host=${prefix}.${free[0]}`, `dns=${prefix}.${free[1]}`, `dhcpstart=${address}`];
}

function notStarted(said: string): HoldfastError {
  return new HoldfastError('service_missing', `QEMU could not be set up where drills run: ${plainOutput(said, 600)}`);
}
