// Installs the locked packages when they are missing or out of date, so that every npm script works from a fresh clone
// with any Node from 18 on. With them comes the pinned Node (the packages node-linux-*, optionalDependencies since each
// is for one platform); scripts call it by `env node`, since a shell that has found another `node` before does not look
// again. Plain JavaScript: it runs before TypeScript can.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const lock = join(root, 'package-lock.json');
const installed = join(root, 'node_modules', '.checkpoint-agent-lock.json');

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function fail(line) {
  console.error(`setup: ${line}`);
  process.exit(1);
}

if (Number.parseInt(process.versions.node, 10) < 18) {
  fail(
    `Node 18 or newer is needed to install the packages (the pinned Node comes with them); this is ${process.version}`,
  );
}

const wanted = read(lock);
if (wanted === undefined || wanted !== read(installed)) {
  console.error('setup: installing the locked packages (npm ci)');
  // Of warnings only errors: each package that wants a newer Node than this one would be named; it gets the pinned one.
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (error !== undefined) fail(`npm could not be run: ${error.message}`);
  if (status !== 0) fail('npm ci failed; its own message stands above');
  linkPinnedNode();
  copyFileSync(lock, installed);
}

/**
 * npm 10 leaves `node` out of node_modules/.bin: the package for the other processor has one of that name as well, and is
 * taken away after both were linked.
 */
function linkPinnedNode() {
  const name = `node-${process.platform}-${process.arch}`;
  const link = join(root, 'node_modules', '.bin', 'node');
  if (!existsSync(join(root, 'node_modules', name, 'bin', 'node'))) {
    const major = Number.parseInt(process.versions.node, 10);
    if (major >= 24) return;
    fail(`there is no pinned Node for this platform (${name}): install Node 24 and put it first in PATH`);
  }
  rmSync(link, { force: true });
  symlinkSync(join('..', name, 'bin', 'node'), link);
}
