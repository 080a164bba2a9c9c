#!/bin/sh
# Installs the agent as one file, its command and its service of systemd. Run as root; it starts nothing by itself.
#
#   sh install.sh [--agent FILE] [--node FILE] [--koffi DIR] [--no-enable]
#
#   --agent FILE   the built agent; default: holdfast-agent.mjs beside this script, else dist/ of the checkout
#   --node FILE    a Node.js 24 to install beside it, for machines that have none or an older one
#   --koffi DIR    the node_modules folder with koffi in it, native code that one file cannot hold: without it attributes and
#                  ACLs of files are not kept, and the agent says so
#   --no-enable    do not ask systemd to start the service with the machine
#
# With DESTDIR set everything goes below that folder and systemd is not asked: for packages, images and tests.
# Running it again replaces the program. State (/var/lib/holdfast) is never touched.
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
agent=
node=
koffi=
enable=yes
while [ $# -gt 0 ]; do
  case $1 in
    --agent | --node | --koffi)
      [ $# -ge 2 ] || { echo "install.sh: $1 needs a path behind it." >&2; exit 2; }
      case $1 in
        --agent) agent=$2 ;;
        --node) node=$2 ;;
        --koffi) koffi=$2 ;;
      esac
      shift 2
      ;;
    --no-enable) enable=no; shift ;;
    -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "install.sh: $1 is not known. See --help." >&2; exit 2 ;;
  esac
done

if [ -z "$agent" ]; then
  for one in "$here/holdfast-agent.mjs" "$here/../../dist/holdfast-agent.mjs"; do
    if [ -f "$one" ]; then agent=$one; break; fi
  done
fi
if [ -z "$agent" ] || [ ! -f "$agent" ]; then
  echo "install.sh: the agent's file is not there. Build it (npm run build:agent), or name it with --agent." >&2
  exit 1
fi
if [ -n "$koffi" ] && [ ! -f "$koffi/koffi/package.json" ]; then
  echo "install.sh: there is no koffi in $koffi. Name the node_modules folder that holds it. Nothing was changed." >&2
  exit 1
fi
root=${DESTDIR:-}
if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
  echo "install.sh: only root can install a service that reads the whole machine. Nothing was changed." >&2
  exit 1
fi

# The program must run with the Node that it will have, before anything is replaced.
runner=${node:-$(command -v node || true)}
version=$([ -n "$runner" ] && "$runner" --version 2>/dev/null || echo none)
major=${version#v}
major=${major%%.*}
if [ "$version" = none ] || [ "$major" -lt 24 ]; then
  echo "install.sh: the agent needs Node.js 24 or newer; found: $version. Give one with --node FILE. Nothing was changed." >&2
  exit 1
fi
said=$("$runner" "$agent" --version) || { echo "install.sh: $agent does not run. Nothing was changed." >&2; exit 1; }

program=$root/opt/holdfast
install -d -m 0755 "$program/lib" "$program/bin" "$root/usr/bin" "$root/etc/systemd/system"
# Beside the old one and then in its place: a running agent keeps the file that it has open.
place() {
  install -m "$1" "$2" "$3.new"
  mv -f "$3.new" "$3"
}
place 0755 "$agent" "$program/lib/holdfast-agent.mjs"
if [ -n "$node" ]; then place 0755 "$node" "$program/lib/node"; fi
if [ -n "$koffi" ]; then
  rm -rf "$program/lib/node_modules"
  install -d -m 0755 "$program/lib/node_modules"
  cp -R "$koffi/koffi" "$program/lib/node_modules/"
  # Its binaries are packages of their own, one for each platform.
  if [ -d "$koffi/@koromix" ]; then cp -R "$koffi/@koromix" "$program/lib/node_modules/"; fi
fi
ln -sfn ../lib/holdfast-agent.mjs "$program/bin/holdfast"
ln -sfn /opt/holdfast/bin/holdfast "$root/usr/bin/holdfast"
place 0644 "$here/holdfast-agent.service" "$root/etc/systemd/system/holdfast-agent.service"
install -d -m 0700 "$root/var/lib/holdfast" "$root/var/cache/holdfast"

echo "Installed $said in $program."
if [ -z "$root" ] && command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  if [ "$enable" = yes ]; then systemctl enable holdfast-agent.service; fi
  echo "Next: holdfast enroll --server URL --token TOKEN, then systemctl restart holdfast-agent."
fi
