// Names of what is not finished or already deleted. They begin with a dot (the kubelet reads every other name in its
// static pod directory) and with our own prefix, so that after a crash we remove our leftovers and nothing else.

const PREFIX = '.checkpoint-agent-';

/** Stays below the 255 bytes of a file name; a clash after cutting is harmless, since there is one writer. */
const BASE_LENGTH_MAX = 180;

export function unfinishedName(base: string): string {
  return `${PREFIX}new.${base.slice(0, BASE_LENGTH_MAX)}`;
}

export function removedName(base: string): string {
  return `${PREFIX}removed.${base.slice(0, BASE_LENGTH_MAX)}`;
}

export function isOurTemporary(name: string): boolean {
  return name.startsWith(`${PREFIX}new.`) || name.startsWith(`${PREFIX}removed.`);
}
