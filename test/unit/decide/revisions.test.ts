// Which copy is proven, which are kept, and which one the agent's own stand-by runs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unknown } from '../../../lib/types/observed.ts';
import { AGENT, APISERVER } from './pods.ts';
import { Scene } from './scene.ts';
import { expectMoves, expectPhase } from './story.ts';

test('a new workload is stored at once and proven after it has served for the proving time', () => {
  const scene = new Scene();
  scene.addParent(APISERVER, {}, 'running');
  scene.run(10_000);
  assert.deepEqual(scene.disk.revisions.get(APISERVER), ['rev-good']);
  expectPhase(scene, APISERVER, 'none');
  scene.run(15_000);
  expectPhase(scene, APISERVER, 'none');
  scene.run(6_000);
  expectPhase(scene, APISERVER, 'standby');
  assert.equal(scene.disk.records.get(APISERVER)?.proven?.revision, 'rev-good');
});

test('the power goes before the first copy is proven: the only one there is, is activated', () => {
  const scene = new Scene();
  scene.addParent(APISERVER, {}, 'running');
  scene.run(1_000).powerLoss().pass();
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('a candidate that crashes within its proving time begins anew', () => {
  const scene = new Scene().with(APISERVER);
  scene.replaceParent(APISERVER, { content: 'next' }, 'running');
  scene.run(25_000);
  scene.parent(APISERVER).state = 'crashed';
  scene.run(500);
  scene.parent(APISERVER).state = 'running';
  scene.run(15_000);
  assert.equal(scene.workload(APISERVER)?.proven?.revision, 'rev-good');
  assert.equal(scene.workload(APISERVER)?.candidate, 'rev-next');
});

test('a new content during the proving time begins anew', () => {
  const scene = new Scene().with(APISERVER);
  for (const content of ['a', 'b', 'c']) {
    scene.replaceParent(APISERVER, { content }, 'running');
    scene.run(19_000);
  }
  assert.equal(scene.workload(APISERVER)?.proven?.revision, 'rev-good');
});

test('content that is never proven does not pile up: the oldest stay, which a lost record may have called proven', () => {
  const scene = new Scene().with(APISERVER);
  scene.disk.revisions.set(APISERVER, ['rev-good', 'rev-before'] as never);
  scene.disk.records.clear();
  scene.restart();
  for (let update = 1; update <= 12; update += 1) {
    scene.replaceParent(APISERVER, { content: `next-${update}` }, 'crashed');
    scene.run(2_000);
  }
  assert.deepEqual(scene.disk.revisions.get(APISERVER), [
    'rev-next-12',
    'rev-next-1',
    'rev-good',
    'rev-before',
  ]);
});

test('what could not be compiled does not count as serving', () => {
  const scene = new Scene().with(APISERVER);
  scene.replaceParent(APISERVER, { content: 'next' }, 'running');
  scene.compiled.set(APISERVER, unknown('Secret x: not listed yet'));
  scene.run(60_000, 500);
  assert.equal(scene.workload(APISERVER)?.proven?.revision, 'rev-good');
  assert.match(scene.workload(APISERVER)?.note ?? '', /Secret x/);
});

test('a candidate that could not be stored is not named in the record: nothing on disk would be missing', () => {
  const scene = new Scene().with(APISERVER);
  scene.disk.failing.add('store-revision');
  scene.replaceParent(APISERVER, { content: 'next' }, 'running');
  scene.run(5_000);
  assert.equal(scene.disk.records.get(APISERVER)?.candidate, undefined);
  assert.equal(scene.workload(APISERVER)?.candidate, 'rev-next');
  scene.disk.failing.clear();
  scene.run(500);
  assert.equal(scene.disk.records.get(APISERVER)?.candidate, 'rev-next');
});

test('a candidate that is not on disk cannot become proven', () => {
  const scene = new Scene().with(APISERVER);
  scene.disk.failing.add('store-revision');
  scene.replaceParent(APISERVER, { content: 'next' }, 'running');
  scene.run(60_000, 500);
  assert.equal(scene.workload(APISERVER)?.proven?.revision, 'rev-good');
});

test('the proven revision and the one before it are kept, older ones removed', () => {
  const scene = new Scene().with(APISERVER);
  for (const content of ['a', 'b', 'c']) {
    scene.replaceParent(APISERVER, { content }, 'running');
    scene.run(32_000);
  }
  assert.deepEqual(scene.disk.revisions.get(APISERVER), ['rev-c', 'rev-b']);
});

test('nothing is removed before the record that no longer names it is on disk', () => {
  const scene = new Scene().with(APISERVER);
  scene.disk.failing.add('save-record');
  for (const content of ['a', 'b', 'c']) {
    scene.replaceParent(APISERVER, { content }, 'running');
    scene.run(32_000);
  }
  assert.ok(scene.disk.revisions.get(APISERVER)?.includes('rev-good' as never));
});

test('a proven revision that was lost from disk is stored again from its parent', () => {
  const scene = new Scene().with(APISERVER);
  scene.disk.lose(APISERVER, 'rev-good' as never);
  scene.run(200);
  assert.deepEqual(scene.disk.revisions.get(APISERVER), ['rev-good']);
});

test('two pods of a workload during a surge are one workload, and the newest is what is stored', () => {
  const scene = new Scene().with(APISERVER);
  scene.addParent(APISERVER, { content: 'next' }, 'starting');
  scene.run(5_000);
  assert.deepEqual([...scene.memory.workloads.keys()], [APISERVER]);
  assert.equal(scene.workload(APISERVER)?.candidate, 'rev-next');
  scene.apiAway().run(5_000);
  expectMoves(scene, APISERVER, '');
});

test("the agent's own checkpoint becomes active once proven, and stays beside its parent", () => {
  const scene = new Scene().with(AGENT, { standbyLock: true });
  scene.run(60_000, 500);
  expectMoves(scene, AGENT, 'activate rev-good');
  expectPhase(scene, AGENT, 'active');
});

test('it moves to a newer revision once that is proven, and only with an API', () => {
  const scene = new Scene().with(AGENT, { standbyLock: true });
  scene.run(1_000);
  scene.replaceParent(AGENT, { content: 'next' }, 'running');
  scene.run(25_000);
  expectMoves(scene, AGENT, 'activate rev-good');
  scene.run(10_000);
  expectMoves(scene, AGENT, 'activate rev-good, activate rev-next');
});

test('a newer revision that is proven on disk does not move it while the API is away', () => {
  const scene = new Scene().with(AGENT, { standbyLock: true });
  scene.run(1_000);
  const record = scene.disk.records.get(AGENT);
  assert.ok(record);
  scene.disk.revisionsOf(AGENT).unshift('rev-next' as never);
  scene.disk.records.set(AGENT, { ...record, proven: { revision: 'rev-next' as never, atMs: 0 } });
  scene.restart().apiAway().run(10_000);
  expectMoves(scene, AGENT, 'activate rev-good');
  scene.apiServes().run(1_000);
  expectMoves(scene, AGENT, 'activate rev-good, activate rev-next');
});
