const COMMON = `  --repo PATH            folder of the repository
  --password-file FILE   file with the repository's password in its first line
  --json                 one JSON object a line instead of text
  --help                 this text`;

const LATEST = `  --host NAME, --path PATH, --tag TAG[,TAG...]   with "latest": the newest of this host, path and these tags`;

/** Help texts, by command. */
export const USAGE: Readonly<Record<string, string>> = {
  repo: `Usage: holdfast repo COMMAND --repo PATH --password-file FILE [options]

Backups to a restic repository (format version 2) on this machine, without a server.

  init                                make a new, empty repository
  backup [options] PATH...            back up files and folders
  snapshots [options]                 list what was backed up
  ls [options] SNAPSHOT [PATH]        list the entries of a snapshot
  find [options] PATTERN...           find entries by name in all snapshots
  diff [options] SNAPSHOT SNAPSHOT    what changed from one snapshot to another
  dump [options] SNAPSHOT PATH        write a file, or a folder as an archive, to the standard output
  restore [options] SNAPSHOT          restore a snapshot, or parts of it
  check [options]                     check that all is there, and with --read-data every byte
  forget [options] [SNAPSHOT...]      remove snapshots by id or by rules; their data stays until a prune
  prune [options]                     remove data that no snapshot needs
  copy [options] [SNAPSHOT...]        copy snapshots from another repository
  key list|add|remove ID|passwd       the passwords that open the repository
  repair index|snapshots|packs        mend what is damaged
  unlock [--remove-all]               remove locks of programs that have crashed

SNAPSHOT is an id, the beginning of one, or "latest"; "SNAPSHOT:/folder" is that folder of it.

${COMMON}

Exit codes: 0 done, 1 failed, 2 wrong use, 3 incomplete (the list says what is missing).
More: holdfast repo COMMAND --help`,
  init: `Usage: holdfast repo init --repo PATH --password-file FILE
       [--copy-chunker-params --from-repo PATH --from-password-file FILE]

Makes a new, empty repository. Whoever loses the password loses the data: keep it in a second place.

  --copy-chunker-params  cut files as the repository of --from-repo does, so that copies from there share their pieces

${COMMON}`,
  backup: `Usage: holdfast repo backup --repo PATH --password-file FILE [options] PATH...
       holdfast repo backup --repo PATH --password-file FILE [options] --stdin-from-command -- COMMAND ARGS...

Makes a snapshot of the paths. Files that did not change since the last one are not read again. What this machine
remembers of them lies in XDG_CACHE_HOME/holdfast (~/.cache/holdfast), which is never part of a backup and can be deleted.

  --exclude PATTERN      leave out what matches; may be given several times. "*.tmp" matches anywhere, "/srv/cache" from
                         the root; * ? [a-z] stay within a name, ** stands for any number of folders, a ! in front takes
                         back what an earlier pattern matched
  --iexclude PATTERN     the same, whether letters are capitals or not
  --exclude-file FILE, --iexclude-file FILE   patterns, one a line; # begins a comment, $NAME is put in
  --exclude-if-present NAME[:HEADER]   leave out what lies beside a file of this name (that begins with HEADER)
  --exclude-caches       leave out what lies beside a CACHEDIR.TAG
  --exclude-larger-than SIZE   leave out files of more than SIZE (500K, 20M, 1G)
  --one-file-system      do not go on into other mounted file systems
  --files-from FILE      more paths, one a line, with * ? []; --files-from-verbatim FILE: as they stand
  --stdin                the standard input as one file; give the command instead where you can: nobody can tell whether
                         all of it came
  --stdin-from-command   the output of the command behind --, as one file; no snapshot when it fails (--command is the same)
  --stdin-filename NAME  name of that file in the snapshot; by default stdin
  --tag TAG[,TAG...]     words to find the snapshot by; may be given several times
  --host NAME            instead of this machine's name
  --time TIME            instead of now: "2026-01-31 22:00:00"
  --parent SNAPSHOT      compare with this one; by default the newest of the same host and paths
  --force                compare with none: read every file
  --read-concurrency N   threads that read and compress
  --limit-upload KIB, --limit-download KIB   KiB a second to and from the repository
  --dry-run              say what would be stored, and store nothing
${COMMON}

Exit code 3: the snapshot was made, but some files could not be read, or paths were missing or empty. They are listed.`,
  snapshots: `Usage: holdfast repo snapshots --repo PATH --password-file FILE [options]

Lists the snapshots, the oldest first.

  --host NAME            only those of this host
  --path PATH            only those of this path; given several times: of all of them
  --tag TAG[,TAG...]     only those with all these tags; given several times: with all of any one list
  --latest N             only the newest N of each host and set of paths
${COMMON}`,
  ls: `Usage: holdfast repo ls --repo PATH --password-file FILE [options] SNAPSHOT [PATH]

Lists all entries of a snapshot, or those at and below PATH.

  --long, -l             with mode, owner, size, time, and where a link points
  --no-recursive         the entries of the folder alone; --recursive, the default, lists all below it
${LATEST}
${COMMON}

Exit code 3: a folder could not be read. It is named.`,
  find: `Usage: holdfast repo find --repo PATH --password-file FILE [options] PATTERN...

Finds entries by name in all snapshots, and tells for each snapshot where they lie. "*.pdf" is looked for anywhere,
"/srv/**/*.pdf" from the root; * ? [a-z] stay within a name, ** stands for any number of folders.

  --snapshot ID          only in this one; may be given several times; "all", the default, means all
  --host NAME, --path PATH, --tag TAG[,TAG...]   only in the snapshots of this host, path and these tags
  --path-prefix PATH     only in this folder
  --oldest TIME, --newest TIME   only what was changed at that time or later, or earlier: 2026-01-31, "2026-01-31 18:00"
  --type TYPE            file, dir, symlink, dev, chardev, fifo or socket; may be given several times
  --ignore-case, -i      a is A
  --long, -l             with mode, owner, size and time
${COMMON}

Exit code 3: a folder or a snapshot could not be read. It is named. Finding nothing is no failure.`,
  diff: `Usage: holdfast repo diff --repo PATH --password-file FILE [options] SNAPSHOT SNAPSHOT

Lists what changed from the first snapshot to the second: + added, - removed, M other contents, T another type (a file
that was a folder), U other metadata. Folders that are the same in both are not read.

  --metadata             also what differs in mode, owner, time or extended attributes alone
${COMMON}

Exit code 3: a folder could not be read. It is named. Differences are no failure.`,
  dump: `Usage: holdfast repo dump --repo PATH --password-file FILE [options] SNAPSHOT [PATH]

Writes a file of a snapshot to the standard output, byte for byte, or a folder as an archive. Without PATH: all of it.

  --archive tar|zip      the kind of archive of a folder (default: tar)
  --target FILE          write to this new file instead
${LATEST}
${COMMON}

Exit code 1: it could not be written to the end; what came out is not whole. 3: entries that are damaged or that an
archive cannot hold were left out of it. They are named. With --json the summary goes to the standard error, unless
--target is given.`,
  restore: `Usage: holdfast repo restore --repo PATH --password-file FILE --target DIR [options] SNAPSHOT

Restores a snapshot into DIR, or with "SNAPSHOT:/folder" that folder of it. Nothing outside of DIR is touched. After an
interruption, the same command completes what is missing.

  --target DIR           where to; made when it is missing
  --include PATTERN      only what matches, with all below it; may be given several times. "/srv/data" from the root,
                         "*.pdf" anywhere; * ? [a-z] stay within a name, ** stands for any number of folders
  --exclude PATTERN      leave out what matches; may be given several times, and wins over --include
  --overwrite RULE       what to do with files that are there: refuse (the default: keep them, and say so when they are
                         not the same), if-changed (replace those of another size or time), if-newer (replace those
                         that are older than the backup's), always
  --verify               read every file again and compare it with the backup
  --no-sparse            let zeros take room on the disk
  --skip-damaged         go on past damage, and list what was lost; this is the default
  --dry-run              only tell what would be done
${LATEST}
${COMMON}

Exit code 3: some entries could not be restored. They are listed.`,
  check: `Usage: holdfast repo check --repo PATH --password-file FILE [options]

Checks that everything is there that the snapshots need.

  --read-data            read and verify every stored byte
  --read-data-subset PART   read and verify a part: 2/5 is the second of five that are everything together; 10% or 500M
                         (K, M, G, T) are drawn at random
  --seed TEXT            draw what an earlier check drew that told this seed
${COMMON}

Exit code 1: errors were found. They are listed.`,
  forget: `Usage: holdfast repo forget --repo PATH --password-file FILE [options] [SNAPSHOT...]

Removes the snapshots that are named, or those that no rule keeps. Their data stays until a prune.

  --keep-last N          keep the last N ("unlimited": all)
  --keep-hourly N, --keep-daily N, --keep-weekly N, --keep-monthly N, --keep-yearly N
                         keep the last one of each of the last N hours, days, … that have one
  --keep-within SPAN     keep all that are younger than SPAN (1y5m7d2h), seen from the newest one
  --keep-within-hourly SPAN, … -daily, -weekly, -monthly, -yearly
                         keep the last one of each hour, day, … within SPAN
  --keep-tag TAG[,TAG…]  keep all that have these tags; may be given several times
  --group-by LIST        apply the rules to each group of the same host,paths,tags; by default host,paths; '' for one group
  --host, --tag, --path  only snapshots of this machine, with these tags, of this path; may be given several times
  --dry-run              say what would be removed and why the others are kept, and do nothing
  --prune                and prune, with the options of prune
  --unsafe-allow-remove-all   lets a group lose its last snapshot
${COMMON}`,
  prune: `Usage: holdfast repo prune --repo PATH --password-file FILE [options]

Removes data that no snapshot needs. What is needed is written and read back first; an interrupted prune loses nothing.

  --max-unused LIMIT     data that may stay though nothing needs it: a size (200M), a share (5%, the default), unlimited
  --max-repack-size SIZE write at most so much anew
  --repack-uncompressed  compress what was stored uncompressed
  --dry-run              say what would be done
${COMMON}`,
  unlock: `Usage: holdfast repo unlock --repo PATH --password-file FILE [--remove-all]

Removes locks that were not renewed for half an hour, or whose program on this machine has ended.

  --remove-all           every lock, even of programs that are at work: be sure that there are none
${COMMON}`,
  key: `Usage: holdfast repo key list|add|remove ID|passwd --repo PATH --password-file FILE [options]

  list                   the keys; the one in use has a star
  add                    one more password
  remove ID              removes a key; never the one in use
  passwd                 a new password instead of this one

  --new-password-file FILE   the new password, in the first line
  --host NAME, --user NAME   what the key says of its maker
${COMMON}`,
  copy: `Usage: holdfast repo copy --from-repo PATH --from-password-file FILE --repo PATH --password-file FILE [SNAPSHOT...]

Copies snapshots (all, or those that are named) into --repo. What is there already is not copied again.

  --from-repo PATH, --from-password-file FILE   the repository to copy from
  --host, --tag, --path  only snapshots of this machine, with these tags, of this path; may be given several times
${COMMON}

Exit code 3: some snapshots could not be copied whole, and were not copied. They are listed.`,
  repair: `Usage: holdfast repo repair index --repo PATH --password-file FILE [--read-all-packs] [--dry-run]
       holdfast repo repair snapshots --repo PATH --password-file FILE [--forget] [--dry-run] [SNAPSHOT...]
       holdfast repo repair packs --repo PATH --password-file FILE PACK...

index      makes the index anew from the packs, where it does not fit them
snapshots  makes new snapshots without what is lost; the broken ones stay unless --forget is given. Repair the index first.
packs      moves what is intact out of damaged packs (a check names them), and removes them; copies of them are
           written into the current folder

  --read-all-packs       ask every pack what it holds
  --forget               remove the broken snapshots when their repaired ones are there
  --host, --tag, --path  only snapshots of this machine, with these tags, of this path
  --dry-run              say what would be done
${COMMON}

Exit code 3: something is lost. It is listed.`,
};
