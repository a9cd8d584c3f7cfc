import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { parse } from 'yaml';
import { compileText, type Printed, register } from '../../../cmd/compile.ts';

const pod = (spec: string, name = 'one'): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: kube-system}\nspec: ${spec}\n`;
const plain = pod('{containers: [{name: c, image: x}]}');
const run = (text: string, options: { output?: 'json' | 'yaml'; explain?: boolean } = {}): Printed =>
  compileText(text, 'in.yaml', { output: 'yaml', ...options });

test('a pod is printed as YAML, or as JSON when asked', () => {
  const json = JSON.parse(run(plain, { output: 'json' }).stdout);
  assert.equal(json.kind, 'Pod');
  assert.deepEqual(parse(run(plain).stdout), json);
  assert.equal(run(plain).exitCode, 0);
});

for (const [kind, path, workload] of [
  ['DaemonSet', 'template', 'web'],
  ['Deployment', 'template', 'web'],
  ['ReplicaSet', 'template', 'web'],
  ['Job', 'template', 'web'],
  ['StatefulSet', 'template', 'web-0'],
  ['CronJob', 'jobTemplate: {spec: {template', 'web'],
]) {
  test(`a ${kind} is taken by its pod template`, () => {
    const closing = kind === 'CronJob' ? '}}}' : '}';
    const text = `kind: ${kind}\nmetadata: {name: web}\nspec: {${path}: {spec: {containers: [{name: c, image: x}]}${closing}}\n`;
    assert.equal(parse(run(text).stdout).metadata.name, workload);
  });
}

test('several pods of a stream and of a List are printed as documents', () => {
  const list = `kind: List\nitems:\n- {kind: Pod, metadata: {name: two}, spec: {containers: [{name: c, image: x}]}}\n`;
  assert.equal(run(`${plain}---\n${list}`).stdout.match(/^kind: Pod$/gm)?.length, 2);
});

test('refusals go to stderr, with the field, and the exit code is 1', () => {
  const bad = pod(
    '{containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v, csi: {}}]}',
  );
  const { stdout, stderr, exitCode } = run(bad);
  assert.deepEqual([stdout, exitCode], ['', 1]);
  assert.match(stderr, /^Pod kube-system\/one: spec\.volumes\[0\]\.csi: .*use a hostPath\n$/);
});

test('a risk goes to stderr and is no reason to fail', () => {
  const { stdout, stderr, exitCode } = run(
    pod('{containers: [{name: c, image: x}], runtimeClassName: kata}'),
  );
  assert.match(stdout, /kind: Pod/);
  assert.match(stderr, /^Pod kube-system\/one: at risk: spec\.runtimeClassName: [^\n]+\n$/);
  assert.equal(exitCode, 0);
});

test('one refused pod does not hide the others', () => {
  const { stdout, exitCode } = run(`${plain}---\n${pod('{containers: []}', 'two')}`);
  assert.match(stdout, /name: one/);
  assert.equal(exitCode, 1);
});

/** Ten times ten times ten … of one list. */
const BOMB = `a0: &a0 [x]\n${[...Array(12).keys()]
  .map((n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(', ')}]\n`)
  .join('')}`;

for (const [name, text, message] of [
  ['bad YAML', 'a: [b\n', /^agent compile: in\.yaml is no YAML: .*line 2.*\n$/],
  ['a bomb of aliases', BOMB, /is no YAML: .*alias/],
  ['nothing', '', /^agent compile: in\.yaml holds none of Pod, .*\n$/],
  ['no pod', 'kind: Service\n', /holds none of Pod/],
  ['a scalar', '42', /holds none of Pod/],
] as const) {
  test(`${name} is one clear line, and exit code 2`, () => {
    const { stdout, stderr, exitCode } = run(text);
    assert.deepEqual([stdout, exitCode], ['', 2]);
    assert.match(stderr, message);
  });
}

test('modes are octal and stringData counts, as for kubectl', () => {
  const text = `${pod('{containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v, secret: {secretName: s, defaultMode: 0400}}]}')}---
kind: Secret
metadata: {name: s, namespace: kube-system}
stringData: {key: secret text}
`;
  assert.match(run(text, { explain: true }).stdout, /carried +v\/key +0400, 11 bytes/);
});

test('text that YAML 1.1 would read as something else is quoted', () => {
  const out = run(
    pod('{containers: [{name: c, image: x, args: ["on", "0644", "1e3", "y", "true"]}]}'),
  ).stdout;
  assert.deepEqual(parse(out, { version: '1.1' }).spec.containers[0].args, [
    'on',
    '0644',
    '1e3',
    'y',
    'true',
  ]);
});

test('objects that are not in the input are assumed, and said', () => {
  const { stderr, exitCode } = run(
    pod('{containers: [{name: c, image: x, envFrom: [{configMapRef: {name: conf}}]}]}'),
  );
  assert.equal(exitCode, 0);
  assert.match(stderr, /ConfigMap kube-system\/conf is not in the input; assumed/);
});

test('trust bundles are taken from the input, else assumed, whatever a selector wants', () => {
  const text = (source: string) =>
    pod(
      `{containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /v}]}], volumes: [{name: v, projected: {sources: [{clusterTrustBundle: {path: ca.crt, ${source}}}]}}]}`,
    );
  const given = `kind: ClusterTrustBundle\nmetadata: {name: roots}\nspec: {trustBundle: ""}\n`;
  assert.match(
    run(`${text('name: roots')}---\n${given}`, { explain: true }).stdout,
    /carried +v\/ca.crt +0644, 0 bytes/,
  );
  const assumed = run(text('name: roots'));
  assert.equal(assumed.exitCode, 0);
  assert.match(assumed.stderr, /ClusterTrustBundle roots is not in the input; assumed/);
  const expressions = '[{key: b, operator: In, values: [x, y]}, {key: c, operator: NotIn, values: [z]}]';
  const selector = `{matchLabels: {a: "1"}, matchExpressions: ${expressions}}`;
  const ofSigner = run(text(`signerName: test.org/one, labelSelector: ${selector}`));
  assert.deepEqual(
    [ofSigner.exitCode, /of test.org\/one is not in the input/.test(ofSigner.stderr)],
    [0, true],
  );
  const optional = run(text('name: roots, optional: true'), { explain: true });
  assert.deepEqual([optional.stderr, /v\/ca.crt +0644, 0 bytes/.test(optional.stdout)], ['', true]);
});

test('a file is read, and one that cannot be read is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'agent-compile-'));
  const call = async (file: string): Promise<Printed> => {
    const [out, err] = [process.stdout.write, process.stderr.write];
    const printed = { stdout: '', stderr: '', exitCode: 0 as Printed['exitCode'] };
    process.stdout.write = (text) => {
      printed.stdout += text;
      return true;
    };
    process.stderr.write = (text) => {
      printed.stderr += text;
      return true;
    };
    try {
      const program = new Command('agent');
      register(program);
      await program.parseAsync(['node', 'agent', 'compile', '-f', file]);
    } finally {
      [process.stdout.write, process.stderr.write] = [out, err];
    }
    printed.exitCode = process.exitCode as Printed['exitCode'];
    process.exitCode = 0;
    return printed;
  };
  try {
    await writeFile(join(folder, 'pod.yaml'), plain);
    assert.match((await call(join(folder, 'pod.yaml'))).stdout, /kind: Pod/);
    const missing = await call(join(folder, 'missing.yaml'));
    assert.equal(missing.exitCode, 2);
    assert.match(missing.stderr, /^agent compile: .*missing\.yaml cannot be read: ENOENT[^\n]*\n$/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
