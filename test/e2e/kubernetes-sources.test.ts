// What the compiler and the agent say about Kubernetes 1.37, against its own sources in Go's module cache: the list of a
// pod's fields (a fixture of the unit tests), and the messages of the CRI. Needs Go and no cluster.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { fromJSON, loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { criDescriptor } from '../../lib/observe/runtime/cri-messages.ts';
import { toPods } from '../../lib/observe/runtime/pods.ts';
import { CRI_PROTO } from '../integration/observe/cri-server.ts';
import { criProto } from '../world/cri-proto.ts';

const tests = join(import.meta.dirname, '..');

/** Runs Go in the directory of Kubernetes' go.mod. The first time it may have to fetch and to compile. */
async function go(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('go', args, {
    cwd: join(tests, 'cluster/products/kubernetes/1.37'),
    env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local' },
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

describe('the fields of a pod', { timeout: 10 * 60_000 }, () => {
  it('are those that the fixture holds; else print it anew, and give each new field its row in lib/compile', async () => {
    const fixture = join(tests, 'fixtures/kubernetes/pod-fields-1.37.json');
    assert.equal(await go('run', '../../pod-fields/main.go'), await readFile(fixture, 'utf8'));
  });
});

type Numbers = Map<string, string>;

interface Described {
  readonly type: {
    readonly field?: readonly {
      name: string;
      number: number;
      label: string;
      type: string;
      typeName: string;
    }[];
    readonly value?: readonly { name: string; number: number }[];
  };
}

/** Every field, value of an enum and method of a definition, by its name, with all that the other side must know of it. */
function numbersIn(definition: PackageDefinition): Numbers {
  const found: Numbers = new Map();
  for (const [name, entry] of Object.entries(definition)) {
    if ('format' in entry) {
      const { type } = entry as unknown as Described;
      for (const { name: field, number, label, type: kind, typeName } of type.field ?? []) {
        found.set(`${name}.${field}`, `= ${number}: ${label} ${kind} ${typeName}`);
      }
      for (const { name: value, number } of type.value ?? []) found.set(`${name}.${value}`, `= ${number}`);
      continue;
    }
    for (const [method, { path, requestType, responseType, requestStream, responseStream }] of Object.entries(
      entry,
    )) {
      const types = [requestType, responseType].map(({ type }) => (type as { name: string }).name);
      found.set(
        `${name}.${method}`,
        `${path}: ${types.join(' → ')}${requestStream || responseStream ? ', a stream' : ''}`,
      );
    }
  }
  return found;
}

describe('the messages of the CRI', { timeout: 10 * 60_000 }, () => {
  let scratch: string;
  let official: Numbers;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'kubernetes-sources-'));
    const module = (await go('list', '-m', '-f', '{{.Dir}}', 'k8s.io/cri-api')).trim();
    official = numbersIn(loadSync(join(module, 'pkg/apis/runtime/v1/api.proto'), { keepCase: true }));
    assert.ok(official.size > 500, 'the CRI of Kubernetes was read');
  });
  after(() => rm(scratch, { recursive: true, force: true }));

  async function written(proto: string): Promise<PackageDefinition> {
    const file = join(scratch, 'cri.proto');
    await writeFile(file, proto);
    return loadSync(file, { keepCase: true });
  }

  /** By number: an enum that is read as an int32 is the same on the wire. */
  const wire = (text: string | undefined): string | undefined =>
    text?.replace(/TYPE_ENUM \w+$/, 'TYPE_INT32 ');

  const definitions: [name: string, load: () => Promise<PackageDefinition>][] = [
    ['the agent', async () => fromJSON(criDescriptor(), { keepCase: true })],
    ['the test cluster', async () => loadSync(join(tests, 'cluster/cri.proto'), { keepCase: true })],
    ['the world of models', () => written(criProto)],
    ['the small runtime of the integration tests', () => written(CRI_PROTO('v1'))],
  ];
  for (const [name, load] of definitions) {
    it(`are those of Kubernetes as far as ${name} knows them`, async () => {
      const ours = numbersIn(await load());
      assert.ok(ours.size >= 25, `${ours.size} fields and methods`);
      for (const [field, described] of ours) {
        assert.equal(wire(described), wire(official.get(field)), field);
      }
    });
  }

  it('have the states that the agent knows by number', () => {
    const states = (of: string) =>
      [...official].flatMap(([name, text]) =>
        name.startsWith(`runtime.v1.${of}.`) ? [[name, text] as const] : [],
      );
    const stateOf = (text: string): number => Number(text.slice(2));
    const sandbox = (state: number) => ({
      ...{ id: 's', state, created_at: 0, labels: {}, annotations: {} },
      metadata: { name: 'p', uid: 'u', namespace: 'n', attempt: 0 },
    });
    const container = (state: number) => ({
      ...{ id: 'c', pod_sandbox_id: 's', state, created_at: 0 },
      metadata: { name: 'c', attempt: 0 },
    });
    assert.deepEqual(
      states('PodSandboxState').map(([name, text]) => [
        name,
        toPods([sandbox(stateOf(text))], [])[0]?.sandboxReady,
      ]),
      [
        ['runtime.v1.PodSandboxState.SANDBOX_READY', true],
        ['runtime.v1.PodSandboxState.SANDBOX_NOTREADY', false],
      ],
    );
    const found = states('ContainerState').map(([name, text]) => {
      const [pod] = toPods([sandbox(0)], [container(stateOf(text))]);
      return [name, `runtime.v1.ContainerState.CONTAINER_${pod?.containers[0]?.state.toUpperCase()}`];
    });
    assert.equal(found.length, 4);
    for (const [name, ours] of found) assert.equal(ours, name);
  });
});
