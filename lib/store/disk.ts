// The few file system calls the store needs, so that a model disk that forgets what was not synced can stand in.
// Every call acts on the last path component itself: nothing here follows a symlink in it.

export interface FileStat {
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  /** Permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
}

/** A file that was just created, open for writing. */
export interface NewFile {
  /** Writes at the end; may write less than asked, as write(2) may. Returns how much. */
  write(bytes: Uint8Array): Promise<number>;
  chown(uid: number, gid: number): Promise<void>;
  chmod(mode: number): Promise<void>;
  fsync(): Promise<void>;
  close(): Promise<void>;
}

export interface FreeSpace {
  readonly bytes: number;
  /** Undefined where the file system has no fixed number of inodes (btrfs). */
  readonly inodes: number | undefined;
}

export interface Disk {
  /** False when this process may not give files to other users: owners are then neither set nor checked. */
  readonly setsOwners: boolean;
  lstat(path: string): Promise<FileStat>;
  /** Names in a directory, sorted. */
  readdir(path: string): Promise<string[]>;
  readlink(path: string): Promise<string>;
  /** A regular file of at most `bytesMax`; anything else is EINVAL or EFBIG, a symlink ELOOP. */
  readFile(path: string, bytesMax: number): Promise<Uint8Array>;
  /** O_EXCL: EEXIST when anything has that name. Mode 0600 until `chmod`. */
  create(path: string): Promise<NewFile>;
  /** Mode 0700 until `chmod`. */
  mkdir(path: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  /** Of a file or directory, never through a symlink. */
  chmod(path: string, mode: number): Promise<void>;
  /** Of a symlink as well, never of what it points to. */
  chown(path: string, uid: number, gid: number): Promise<void>;
  fsyncDirectory(path: string): Promise<void>;
  freeSpace(path: string): Promise<FreeSpace>;
}

/** What Linux says about disks and libuv has no name for: Node then calls it `Unknown system error -122`. */
const UNNAMED: Readonly<Record<string, string>> = { '122': 'EDQUOT', '117': 'EUCLEAN' };

export function errnoOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const number = /^Unknown system error -(\d+)$/.exec(code)?.[1];
  return UNNAMED[number ?? ''] ?? code;
}

/** The entry, or undefined when there is certainly none: any other error is thrown, since unreadable is not absent. */
export async function lstatOrAbsent(disk: Disk, path: string): Promise<FileStat | undefined> {
  try {
    return await disk.lstat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
