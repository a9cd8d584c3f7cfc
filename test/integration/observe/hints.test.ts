// "Look now" when files move, also after a watched directory was replaced.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { watchHints } from '../../../lib/observe/hints.ts';
import { until } from './until.ts';

/** Touches until the watcher, which starts in the background, is heard. */
async function untilHinted(hints: string[], touch: (i: number) => void): Promise<void> {
  const before = hints.length;
  let i = 0;
  await until('a hint', async () => {
    if (i % 10 === 0) touch(i);
    i++;
    return hints.length > before;
  });
}

test('files in a watched directory and replaced single files give hints, their neighbours do not', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'observe-hints-'));
  const [manifests, pki] = [join(dir, 'manifests'), join(dir, 'pki')];
  mkdirSync(manifests);
  mkdirSync(pki);
  const certificate = join(pki, 'current.pem');
  writeFileSync(certificate, '0');
  const seen: string[] = [];
  const hints = watchHints({ directories: [manifests], files: [certificate] }, (path) => seen.push(path));
  t.after(() => hints.close());
  await untilHinted(seen, (i) => writeFileSync(join(manifests, `m${i}.json`), '{}'));
  await untilHinted(seen, (i) => {
    writeFileSync(join(pki, `neighbour${i}`), '');
    writeFileSync(`${certificate}.new`, String(i));
    renameSync(`${certificate}.new`, certificate);
  });
  assert.ok(seen.includes(certificate));
  assert.ok(
    seen.every((path) => path === certificate || path.startsWith(join(manifests, 'm'))),
    seen.join(),
  );
});

test('a directory that was removed and made again is heard after rearm', async (t) => {
  const dir = join(mkdtempSync(join(tmpdir(), 'observe-hints-')), 'manifests');
  mkdirSync(dir);
  const seen: string[] = [];
  const hints = watchHints({ directories: [dir], files: [] }, (path) => seen.push(path));
  t.after(() => hints.close());
  await untilHinted(seen, (i) => writeFileSync(join(dir, `a${i}`), ''));
  renameSync(dir, `${dir}.old`);
  mkdirSync(dir);
  await hints.rearm();
  await untilHinted(seen, (i) => writeFileSync(join(dir, `b${i}`), ''));
  assert.ok(
    seen.some((path) => path.startsWith(join(dir, 'b'))),
    seen.join(),
  );
});

test('a directory that is made later is heard after rearm', async (t) => {
  const dir = join(mkdtempSync(join(tmpdir(), 'observe-hints-')), 'later');
  const seen: string[] = [];
  const hints = watchHints({ directories: [dir], files: [] }, (path) => seen.push(path));
  t.after(() => hints.close());
  mkdirSync(dir);
  await hints.rearm();
  await untilHinted(seen, (i) => writeFileSync(join(dir, `a${i}`), ''));
  rmSync(dir, { recursive: true });
  await hints.rearm();
});
