#!/bin/sh
# The inside of a sandbox, made by what every Debian has: called by `unshare` in namespaces of its own (mounts, processes,
# network), it builds a root that holds the system's programs and what was named, all read-only, and one folder to write in;
# makes it the root; and starts the command as a user without any right. Whatever is not named does not exist in there: no
# home, no configuration, no data of the service. This shell stays process 1: whoever kills it ends everything inside.
#
#   enter.sh ROOT SCRATCH UID EXTRAS READABLE... -- COMMAND...
#   ROOT      an empty folder, which is built over in this namespace alone
#   SCRATCH   the folder to write in, or "" for none
#   UID       number of the user; or "=NUMBER" to be called so in one more namespace, where the one there is cannot be changed
#             and servers refuse to be the root that it is called here; or "" to keep it as it is
#   EXTRAS    words: loopback (the network of its own, which leads nowhere, can talk to itself), kvm (the processor's own
#             support for guest systems)
set -eu
root=$1 scratch=$2 uid=$3 called= extras=" $4 "
shift 4
case $uid in =*) called=${uid#=} uid= ;; esac

mount --make-rprivate /
mount -t tmpfs -o size=4m,mode=0755,nosuid,nodev sandbox "$root"

# First of all, so that it hides nothing that is shown below it.
mkdir "$root/tmp"
mount -t tmpfs -o size=64m,mode=1777,nosuid,nodev sandbox "$root/tmp"

# A file or folder at its own place, read-only; links of the system (/bin, /lib) stay links.
show() {
  if [ -L "$1" ]; then
    mkdir -p "$root$(dirname "$1")"
    cp -P "$1" "$root$1"
    return
  fi
  if [ -d "$1" ]; then mkdir -p "$root$1"; else
    mkdir -p "$root$(dirname "$1")"
    : > "$root$1"
  fi
  mount --bind "$1" "$root$1"
  mount -o remount,bind,ro,nosuid,nodev "$root$1" 2> /dev/null || mount -o remount,bind,ro "$root$1"
}

for place in /usr /bin /sbin /lib /lib32 /lib64 /etc/ld.so.cache /etc/alternatives /etc/localtime; do
  if [ -e "$place" ]; then show "$place"; fi
done
while [ "$1" != -- ]; do
  # What lies below a place that is shown already needs nothing.
  if [ ! -e "$root$1" ]; then show "$1"; fi
  shift
done
shift

mkdir -p "$root/etc" "$root/proc" "$root/dev/shm" "$root/old"
number=${called:-${uid:-0}}
printf 'sandbox:x:%s:%s:sandbox:/tmp:/bin/false\n' "$number" "$number" > "$root/etc/passwd"
printf 'sandbox:x:%s:\n' "$number" > "$root/etc/group"
devices='null zero full random urandom'
case $extras in *' kvm '*) devices="$devices kvm" ;; esac
for device in $devices; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t tmpfs -o size=256m,mode=1777,nosuid,nodev,noexec sandbox "$root/dev/shm"
if [ -n "$scratch" ]; then
  mkdir -p "$root$scratch"
  if [ -n "$uid" ]; then chown "$uid:$uid" "$scratch"; fi
  mount --bind "$scratch" "$root$scratch"
  mount -o remount,bind,nosuid,nodev "$root$scratch"
fi

case $extras in *' loopback '*)
  # iproute2 may be absent, perl never is: SIOCSIFFLAGS with IFF_UP and IFF_RUNNING.
  ip link set lo up 2> /dev/null || perl -e '
    socket(my $s, 2, 2, 0) or die; my $lo = pack("a16 s x22", "lo", 0x41); ioctl($s, 0x8914, $lo) or die "no loopback: $!"'
  ;;
esac

cd "$root"
pivot_root . old
umount -l /old
rmdir /old
mount -o remount,bind,ro /
cd "${scratch:-/}"
unset OLDPWD PWD
if [ -n "$called" ]; then
  # Before the rights are dropped: the kernel lets nobody without them map what is root here.
  unshare --user --map-user="$called" --map-group="$called" --keep-caps \
    setpriv --no-new-privs --ambient-caps=-all --bounding-set=-all --inh-caps=-all "$@"
  exit
fi
if [ -n "$uid" ]; then set -- --reuid "$uid" --regid "$uid" --clear-groups "$@"; fi
setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
