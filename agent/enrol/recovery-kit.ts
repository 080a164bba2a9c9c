/** The printable sheet that opens the vault when everything else is gone: machine, agent, provider and service. */
import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../core/base/errors.ts';

/** Without letters that are mistaken for digits when a person types them from paper. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 260 random bits as thirteen groups of four. */
export function makeRecoveryPassword(): string {
  const letters = Array.from(randomBytes(52), (byte) => LETTERS[byte & 31]).join('');
  return (letters.match(/.{4}/g) ?? []).join('-');
}

export interface RecoveryKit {
  readonly customerName: string;
  readonly deviceName: string;
  readonly serverUrl: string;
  readonly tenantId: string;
  readonly vaultId: string;
  readonly repositoryId: string;
  readonly password: string;
  readonly madeMs: number;
}

/** Plain text of at most 80 columns. The commands are those of the unmodified, freely available program restic (0.14 or later). */
export function recoveryKitText(kit: RecoveryKit): string {
  const vault = `v/${kit.tenantId}/${kit.vaultId}`;
  return `HOLDFAST RECOVERY KIT

  Machine      ${kit.deviceName}
  Customer     ${kit.customerName}
  Service      ${kit.serverUrl}
  Vault        ${vault}
  Repository   ${kit.repositoryId}
  Made         ${new Date(kit.madeMs).toISOString().slice(0, 10)}

  Password     ${kit.password.slice(0, 34)}
               ${kit.password.slice(34 + 1)}
  (one line, joined by a dash: ${kit.password.split('-').length} groups of four)

WHAT THIS IS
The password above opens every backup of this machine. It works without the
machine, without the provider and without the Holdfast service: a vault is an
ordinary restic repository, and restic is free software (https://restic.net).

WHERE TO KEEP IT
Print it, or store it in a password safe, in a place that a fire, a theft or an
attacker on this machine cannot reach. Then delete this file from the machine.
Whoever has this sheet and the stored vault can read the backups.

HOW TO RESTORE WITHOUT HOLDFAST
1. Get the vault: a copy of the folder or bucket prefix
     ${vault}
   of the provider's storage. Below it is called VAULT: a folder such as
   /mnt/vault, or a bucket prefix such as gs:BUCKET:/${vault}
2. Give the password to restic:
     export RESTIC_PASSWORD='${kit.password}'
3. See what there is:
     restic -r VAULT --no-lock snapshots
4. Check that every byte is intact:
     restic -r VAULT --no-lock check --read-data
5. Restore the newest backup into an empty folder:
     restic -r VAULT --no-lock restore latest --target /restored
   or a part of it:
     restic -r VAULT --no-lock restore latest --target /restored --include /some/folder

The repository id that restic shows must be the one above.
`;
}

/** What the sheet says, read back. @throws HoldfastError bad_request for a text that is no recovery kit. */
export function readRecoveryKit(text: string): Pick<RecoveryKit, 'repositoryId' | 'password'> {
  const repositoryId = /^\s*Repository\s+([0-9a-f]{64})\s*$/m.exec(text)?.[1];
  const groups = /^\s*Password\s+([0-9A-Z-]+)-?\s*\n\s+([0-9A-Z-]+)\s*$/m.exec(text);
  if (repositoryId === undefined || groups === null)
    throw new HoldfastError('bad_request', 'This file is not a Holdfast recovery kit, or a part of it is missing.');
  const password = `${groups[1]!.replace(/-$/, '')}-${groups[2]!}`;
  return { repositoryId, password };
}
