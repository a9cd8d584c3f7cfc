// Installs the locked packages when they are missing or out of date, so that every npm script
// works from a fresh clone. Plain JavaScript: it runs before TypeScript can.
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
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

const wanted = read(lock);
if (wanted === undefined || wanted !== read(installed)) {
  console.error('setup: installing the locked packages (npm install)');
  // Not `npm ci`: it refuses a lock file in which an optional package of another platform is missing, and registries
  // that do not carry those write such files. The versions installed are the locked ones all the same.
  const { status } = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    console.error('setup: npm install failed; its own message stands above');
    process.exit(1);
  }
  copyFileSync(lock, installed);
}
