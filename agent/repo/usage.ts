const COMMON = `  --repo PATH            folder of the repository
  --password-file FILE   file with the repository's password in its first line
  --json                 one JSON object a line instead of text
  --help                 this text`;

/** Help texts, by command. */
export const USAGE: Readonly<Record<string, string>> = {
  repo: `Usage: holdfast repo COMMAND --repo PATH --password-file FILE [options]

Backups to a restic repository (format version 2) on this machine, without a server.

  init                                make a new, empty repository
  backup [options] PATH...            back up files and folders
  snapshots                           list what was backed up
  ls SNAPSHOT [PATH]                  list the entries of a snapshot
  restore [options] SNAPSHOT          restore a snapshot, or parts of it
  check [--read-data]                 check that all is there; with --read-data, every byte

SNAPSHOT is an id, the beginning of one, or "latest".

${COMMON}

Exit codes: 0 done, 1 failed, 2 wrong use, 3 incomplete (the list says what is missing).
More: holdfast repo COMMAND --help`,
  init: `Usage: holdfast repo init --repo PATH --password-file FILE

Makes a new, empty repository. Whoever loses the password loses the data: keep it in a second place.

${COMMON}`,
  backup: `Usage: holdfast repo backup --repo PATH --password-file FILE [options] PATH...

Makes a snapshot of the paths. Files that did not change since the last one are not read again.

  --exclude PATTERN      leave out what matches; may be given several times. "*.tmp" matches anywhere, "/srv/cache" from
                         the root; * ? [a-z] stay within a name, ** stands for any number of folders
  --one-file-system      do not go on into other mounted file systems
  --tag TAG              a word to find the snapshot by; may be given several times
  --host NAME            instead of this machine's name
  --parent SNAPSHOT      compare with this one; by default the newest of the same host and paths
${COMMON}

Exit code 3: the snapshot was made, but some files could not be read. They are listed.`,
  snapshots: `Usage: holdfast repo snapshots --repo PATH --password-file FILE

Lists the snapshots, the oldest first.

${COMMON}`,
  ls: `Usage: holdfast repo ls --repo PATH --password-file FILE SNAPSHOT [PATH]

Lists all entries of a snapshot, or those at and below PATH.

${COMMON}`,
  restore: `Usage: holdfast repo restore --repo PATH --password-file FILE --target DIR [options] SNAPSHOT

Restores a snapshot into DIR. Nothing outside of DIR is touched.

  --target DIR           where to; made when it is missing
  --include PATH         only this file or folder of the snapshot (absolute); may be given several times
  --overwrite RULE       what to do with files that are there: refuse (default: keep them, and say so), if-different, always
${COMMON}

Exit code 3: some entries could not be restored. They are listed.`,
  check: `Usage: holdfast repo check --repo PATH --password-file FILE [--read-data]

Checks that everything is there that the snapshots need.

  --read-data            read and verify every stored byte
${COMMON}

Exit code 1: errors were found. They are listed.`,
};
