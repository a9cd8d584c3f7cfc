// Real control planes' pods, written for this project after their public defaults, each with what is expected of it.
// UPDATE_GOLDEN=1 writes the expected files anew; review them like code.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compileText } from '../../../cmd/compile.ts';

const FOLDER = fileURLToPath(new URL('../../fixtures/compile/', import.meta.url));

function section(title: string, text: string): string {
  return text === '' ? '' : `### ${title}\n${text}`;
}

const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.slice(0, -'.yaml'.length));

test('the fixtures are there', () => assert.ok(names.length >= 15));

for (const name of names) {
  test(`${name} compiles or is refused as expected`, () => {
    const input = readFileSync(`${FOLDER}${name}.yaml`, 'utf8');
    const printed = compileText(input, name, { output: 'yaml' });
    const explained = compileText(input, name, { output: 'yaml', explain: true });
    const actual =
      section('exit code', `${printed.exitCode}\n`) +
      section('said', printed.stderr) +
      section('explained', explained.stdout) +
      section('manifest', printed.stdout);
    const file = `${FOLDER}${name}.expected`;
    if (process.env.UPDATE_GOLDEN === '1') {
      writeFileSync(file, actual);
    }
    assert.equal(actual, readFileSync(file, 'utf8'));
    assert.ok(!actual.includes('this-must-not-be-shown'));
  });
}
