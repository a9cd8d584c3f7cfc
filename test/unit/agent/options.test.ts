// Bad input gets one clear line that names the flag and what to do.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseDurationMs, parseNodeOptions, UsageError } from '../../../lib/agent/options.ts';
import { resolveStaticPodDir } from '../../../lib/agent/places.ts';
import { known, unknown } from '../../../lib/types/observed.ts';

describe('options', () => {
  it('reads durations with their units', () => {
    assert.deepEqual(
      ['500ms', '20s', '1.5m', '1h'].map((text) => parseDurationMs('--x', text)),
      [500, 20_000, 90_000, 3_600_000],
    );
  });

  it('names the flag whose duration is none', () => {
    assert.throws(() => parseNodeOptions({ grace: '20' }), /^UsageError|--grace: '20' is not a duration/);
    assert.throws(() => parseNodeOptions({ grace: '20' }), UsageError);
  });

  it('sets the time that a flag names and leaves the others', () => {
    const { settings } = parseNodeOptions({ grace: '7s' });
    assert.equal(settings.graceMs, 7_000);
    assert.equal(settings.provingMs, parseNodeOptions({}).settings.provingMs);
  });

  it('refuses a relative path', () => {
    assert.throws(
      () => parseNodeOptions({ stateDir: 'state' }),
      /--state-dir: 'state' must be an absolute path/,
    );
  });

  it('refuses an unknown log level', () => {
    assert.throws(() => parseNodeOptions({ logLevel: 'loud' }), /--log-level: 'loud'/);
  });
});

describe('the static pod directory', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'static-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('is the one of the kubelet configuration when no flag is given', () => {
    assert.equal(resolveStaticPodDir(undefined, known({ file: 'config.yaml', staticPodPath: dir })), dir);
  });

  it('is refused when the kubelet reads another', () => {
    const kubelet = known({ file: 'config.yaml', staticPodPath: '/elsewhere' });
    assert.throws(
      () => resolveStaticPodDir(dir, kubelet),
      /is not the kubelet's: config.yaml says staticPodPath: \/elsewhere/,
    );
  });

  it('is taken from the flag when the kubelet configuration cannot be read', () => {
    assert.equal(resolveStaticPodDir(dir, unknown('no file')), dir);
  });

  it('is refused when nobody names one, and the reason says where was looked', () => {
    assert.throws(
      () => resolveStaticPodDir(undefined, unknown('config.yaml cannot be read')),
      /config.yaml cannot be read/,
    );
  });

  it('is refused when it is a file', () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    assert.throws(() => resolveStaticPodDir(file, unknown('-')), /is not a directory/);
  });
});
