import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { unlinkDurable, writeDurable } from '../../../lib/store/write-durable.ts';
import { diskOf, imageOf } from '../../crash/image.ts';
import { ModelDisk } from '../../crash/model-disk.ts';
import { cut, seeded } from '../../crash/power-cut.ts';
import { stateDirectory } from './state-directory.ts';

test('a file is replaced under its own name, with mode and without traces', async (t) => {
  const directory = await stateDirectory(t);
  await mkdir(directory);
  const path = join(directory, 'manifest.json');
  await writeDurable(path, 'first');
  await writeDurable(path, new TextEncoder().encode('second'), { mode: 0o644, uid: 0, gid: 0 });
  assert.equal(await readFile(path, 'utf8'), 'second');
  assert.equal((await lstat(path)).mode & 0o7777, 0o644);
  assert.deepEqual(await readdir(directory), ['manifest.json']);
  await unlinkDurable(path);
  await unlinkDurable(path);
  assert.deepEqual(await readdir(directory), []);
});

test('its temporary name begins with a dot, and a symlink planted there is replaced, not written through', async (t) => {
  const directory = await stateDirectory(t);
  await mkdir(directory);
  await writeFile(join(directory, 'victim'), 'theirs');
  await symlink('victim', join(directory, '.checkpoint-agent-new.m.json'));
  await symlink('victim', join(directory, 'm.json'));
  await writeDurable(join(directory, 'm.json'), 'ours');
  assert.equal(await readFile(join(directory, 'victim'), 'utf8'), 'theirs');
  assert.equal(await readFile(join(directory, 'm.json'), 'utf8'), 'ours');
  assert.deepEqual((await readdir(directory)).sort(), ['m.json', 'victim']);
});

test('an error names the file and what to do', async (t) => {
  const directory = await stateDirectory(t);
  await assert.rejects(writeDurable(join(directory, 'm.json'), 'x'), /cannot write .*m\.json.*ENOENT/);
});

test('when the power goes the file is the old one or the new one, and what resolved is on the disk', async () => {
  const disk = new ModelDisk();
  const options = { exhaustiveMax: 4096, samples: 100, random: seeded(1) };
  const seen = new Set<string>();
  const look = (): void => {
    for (const image of cut(disk, options, new Set())) {
      const found = imageOf(diskOf(image).root);
      const file = found.type === 'directory' ? found.entries.get('m.json') : undefined;
      seen.add(file?.type === 'file' ? Buffer.from(file.data).toString() : 'none');
    }
  };
  const during = async (work: () => Promise<void>): Promise<string[]> => {
    seen.clear();
    disk.onCall = look;
    await work();
    disk.onCall = () => undefined;
    return [...seen].sort();
  };
  const now = async (): Promise<string[]> => during(async () => look());
  const [old, fresh] = ['old '.repeat(50), 'new '.repeat(70)];
  assert.deepEqual(await during(() => writeDurable('/m.json', old, undefined, disk)), ['none', old]);
  assert.deepEqual(await now(), [old]);
  assert.deepEqual(await during(() => writeDurable('/m.json', fresh, undefined, disk)), [fresh, old].sort());
  assert.deepEqual(await now(), [fresh]);
  assert.deepEqual(await during(() => unlinkDurable('/m.json', disk)), [fresh, 'none'].sort());
  assert.deepEqual(await now(), ['none']);
});
