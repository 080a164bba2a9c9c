#!/bin/sh
":" /* # From here to the end of the comment the shell reads; Node takes it for a comment.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    [!/]*) link=${self%/*}/$link ;;
  esac
  self=$link
done
node=${HOLDFAST_NODE:-${self%/*}/node}
[ -x "$node" ] || node=node
if ! command -v "$node" >/dev/null; then
  echo "holdfast needs Node.js 24 or newer, and finds none. Install it, or set HOLDFAST_NODE to its path." >&2
  exit 1
fi
# What Node compiled is kept where nobody else can write: it would run with the rights of whoever starts this.
cache=/var/cache/holdfast
[ -w "$cache" ] || cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/holdfast
[ -d "$cache" ] || (umask 077 && mkdir -p "$cache") 2>/dev/null
[ -O "$cache" ] && export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-$cache}"
# A backup must leave room for other programs: a small nursery, a heap that grows in small steps, and not one arena a thread.
# And what it frees goes back to the system at once: by its own rule the C library keeps what is smaller than the largest piece so far.
# A restore reads one range of some MiB after the other: the C library keeps such memory, for the system would clear each anew.
growth=
case "${1-} ${2-}" in
  "repo backup" | "backup "* | "run "*)
    growth=--heap-growing-percent=40
    export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-524288}"
    export MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-131072}"
    ;;
  "repo restore")
    export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-33554432}"
    export MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-268435456}"
    ;;
esac
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"
exec "$node" --max-semi-space-size=2 $growth --disable-warning=ExperimentalWarning "$self" "$@"
*/
