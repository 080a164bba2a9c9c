/**
 * Folders with all the metadata that Linux has, and a list of it: made and read by Python, so that no call of ours is its own
 * witness. Devices and trusted attributes are root's to make.
 */
import { execFileSync } from 'node:child_process';

const ACL = `
def acl(*entries):
    import struct
    return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)
NONE = 0xffffffff
ACCESS = acl((1, 6, NONE), (2, 4, 1234), (4, 4, NONE), (8, 1, 77), (0x10, 5, NONE), (0x20, 0, NONE))
DEFAULT = acl((1, 7, NONE), (2, 5, 4321), (4, 5, NONE), (0x10, 5, NONE), (0x20, 0, NONE))
`;

const MAKE = `${ACL}
import os, socket, sys
os.umask(0)
os.chdir(os.fsencode(sys.argv[1]))
def write(name, data=b'x', mode=0o644):
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    os.write(fd, data)
    os.close(fd)
def attribute(name, key, value):
    os.setxattr(name, key, value, follow_symlinks=False)

for name, mode in ((b'setuid', 0o4755), (b'setgid', 0o2711), (b'both', 0o6777), (b'sticky file', 0o1644), (b'none', 0)):
    write(name, name); os.chown(name, 1, 2); os.chmod(name, mode)
os.mkdir(b'shared'); os.chown(b'shared', 3, 4); os.chmod(b'shared', 0o3775)
write(b'owned'); os.chown(b'owned', 4242, 2**32 - 2)
os.mknod(b'null', 0o020666, os.makedev(1, 3)); os.chmod(b'null', 0o622)
os.mknod(b'disk', 0o060640, os.makedev(8, 17))
os.mknod(b'large numbers', 0o060600, os.makedev(259, 0x12345))
os.mkfifo(b'fifo'); os.chown(b'fifo', 5, 6); os.chmod(b'fifo', 0o1604)
os.link(b'fifo', b'fifo again')
socket.socket(socket.AF_UNIX).bind('socket')
os.symlink(b'to \\xff\\xfe', b'link raw'); os.symlink(b'\\b\\f<>&\\x01\\x7f\\xe2\\x80\\xa8', b'link odd'); os.symlink(b'x' * 4000, b'link long')
os.lchown(b'link odd', 7, 8)
os.link(b'link odd', b'link odd again')

write(b'attributes')
for key, value in (('user.z', b''), ('user.a', b'\\0\\xff\\n'), ('user.m<>&"\\\\', b'long' * 700), ('user.\\b\\f\\x01\\u2028\\U0001f600', b'odd'),
                   ('trusted.t', b't'), ('security.s', b's')):
    attribute(b'attributes', key, value)
write(b'removed and set'); [attribute(b'removed and set', 'user.%d' % n, b'%d' % n) for n in (3, 1, 2)]
os.removexattr(b'removed and set', 'user.3'); attribute(b'removed and set', 'user.0', b'again')
write(b'capability', mode=0o755); attribute(b'capability', 'security.capability', bytes.fromhex('0100000200200000000000000000000000000000'))
write(b'acl'); attribute(b'acl', 'system.posix_acl_access', ACCESS)
os.mkdir(b'acl folder'); attribute(b'acl folder', 'user.of-folder', b'1')
attribute(b'acl folder', 'system.posix_acl_access', ACCESS); attribute(b'acl folder', 'system.posix_acl_default', DEFAULT)
write(b'acl folder/inherits'); os.mkdir(b'acl folder/inherits too'); os.mkfifo(b'acl folder/fifo')
write(b'acl folder/has none'); os.removexattr(b'acl folder/has none', 'system.posix_acl_access')
attribute(b'null', 'trusted.on-device', b'd'); attribute(b'fifo', 'trusted.on-fifo', b'f'); attribute(b'link long', 'trusted.on-link', b'l')
write(b'hard attributes'); os.link(b'hard attributes', b'hard attributes again'); attribute(b'hard attributes', 'user.both', b'2')

write(b'sparse', b'head'); os.truncate(b'sparse', 9 * 2**20 + 5)
with open(b'sparse', 'r+b') as f: f.seek(5 * 2**20); f.write(b'middle')
write(b'empty', b'')
os.mkdir(b'wide'); [write(b'wide/%d' % n, b'%d' % (n % 50)) for n in range(1500)]
os.makedirs(b'deep/' + b'/'.join([b'd'] * 150))

ns = 10**9
for name, time in ((b'attributes', -1), (b'acl', -ns), (b'owned', -1 - 86400 * 365 * 20 * ns), (b'empty', 0), (b'setuid', 1), (b'both', 123456789),
                   (b'setgid', 1700000000 * ns + 1), (b'none', 1751371200 * ns + 100), (b'sparse', 1735689600 * ns + 120000000), (b'null', -5 * ns + 7),
                   (b'fifo', 1), (b'link odd', -987654321), (b'link raw', 4102444800 * ns + 999999999), (b'shared', -3), (b'deep', 1 << 60),
                   (b'acl folder', -ns + 1)):
    os.utime(name, ns=(time + 5, time), follow_symlinks=False)
`;

/** Root alone may. Nothing of it needs a file system other than the usual ones of Linux. */
export function makeNastyMetadata(folder: string): void {
  execFileSync('python3', ['-c', MAKE, folder], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Names of attributes that the format cannot hold as they are. */
export function makeOddAttributes(folder: string): void {
  const make = `import os,sys
os.chdir(sys.argv[1])
for n, key in enumerate((b'user.\\xff', b'user.a\\xe2\\x82', b'user.\\xed\\xa0\\x80z', b'user.\\xf0\\x9f\\x98')):
    open(str(n), 'w').close()
    os.setxattr(str(n), key, b'v')
`;
  execFileSync('python3', ['-c', make, folder], { stdio: ['ignore', 'inherit', 'inherit'] });
}

const LIST = `
import hashlib, os, stat, sys
root = os.fsencode(sys.argv[1])
first = {}
def show(path):
    name = repr(path[len(root):])[1:]
    s = os.lstat(path)
    if stat.S_ISSOCK(s.st_mode): return
    facts = [name, oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns]
    if stat.S_ISREG(s.st_mode):
        with open(path, 'rb') as f: facts += [s.st_size, hashlib.sha256(f.read()).hexdigest()[:16]]
        if s.st_nlink > 1: facts.append('same as ' + first.setdefault((s.st_dev, s.st_ino), name))
    if stat.S_ISLNK(s.st_mode): facts.append(os.readlink(path).hex())
    if stat.S_ISBLK(s.st_mode) or stat.S_ISCHR(s.st_mode): facts.append('%d:%d' % (os.major(s.st_rdev), os.minor(s.st_rdev)))
    for key in sorted(os.listxattr(path, follow_symlinks=False)):
        facts.append('%r=%s' % (key, os.getxattr(path, key, follow_symlinks=False).hex()))
    print(*facts)
    if stat.S_ISDIR(s.st_mode):
        for entry in sorted(os.listdir(path)): show(path + b'/' + entry)
show(root)
`;

/** A line for each entry, the folder itself first: all that a restore has to bring back, and nothing of the machine. */
export function listMetadata(folder: string): string[] {
  const output = execFileSync('python3', ['-c', LIST, folder], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return output.trimEnd().split('\n');
}
