// The disk on node:fs. Opens with O_NOFOLLOW, and O_NONBLOCK so that a FIFO planted under a file's name cannot
// hang the agent. Asynchronous, since an fsync beside a busy etcd can take hundreds of milliseconds.

import { constants, type Stats } from 'node:fs';
import {
  type FileHandle,
  lchown,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rmdir,
  statfs,
  symlink,
  unlink,
} from 'node:fs/promises';
import type { Disk, FileStat, NewFile } from './disk.ts';

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const READ_DIRECTORY = READ | constants.O_DIRECTORY;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

function typeOf(stats: Stats): FileStat['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
}

function refusal(code: string, path: string, why: string): Error {
  return Object.assign(new Error(`${code}: ${why}, '${path}'`), { code, path });
}

async function withHandle<T>(
  path: string,
  flags: number,
  use: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await open(path, flags);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

const setsOwners = process.getuid?.() === 0;

function newFile(handle: FileHandle): NewFile {
  return {
    write: async (bytes) => (await handle.write(bytes)).bytesWritten,
    chown: async (uid, gid) => {
      if (setsOwners) await handle.chown(uid, gid);
    },
    chmod: (mode) => handle.chmod(mode),
    fsync: () => handle.sync(),
    close: () => handle.close(),
  };
}

export const realDisk: Disk = {
  setsOwners,
  lstat: async (path) => {
    const stats = await lstat(path);
    const { uid, gid, size } = stats;
    return { type: typeOf(stats), mode: stats.mode & 0o7777, uid, gid, size };
  },
  readdir: async (path) => (await readdir(path)).sort(),
  readlink: (path) => readlink(path),
  readFile: (path, bytesMax) =>
    withHandle(path, READ, async (handle) => {
      const stats = await handle.stat();
      if (!stats.isFile()) throw refusal('EINVAL', path, 'not a regular file');
      if (stats.size > bytesMax) throw refusal('EFBIG', path, `larger than ${bytesMax} bytes`);
      return await handle.readFile();
    }),
  create: async (path) => newFile(await open(path, CREATE, 0o600)),
  mkdir: (path) => mkdir(path, { mode: 0o700 }).then(() => undefined),
  symlink: (target, path) => symlink(target, path),
  rename: (from, to) => rename(from, to),
  unlink: (path) => unlink(path),
  rmdir: (path) => rmdir(path),
  chmod: (path, mode) => withHandle(path, READ, (handle) => handle.chmod(mode)),
  chown: async (path, uid, gid) => {
    if (setsOwners) await lchown(path, uid, gid);
  },
  fsyncDirectory: (path) => withHandle(path, READ_DIRECTORY, (handle) => handle.sync()),
  freeSpace: async (path) => {
    const { bavail, bsize, files, ffree } = await statfs(path);
    return { bytes: bavail * bsize, inodes: files === 0 ? undefined : ffree };
  },
};
