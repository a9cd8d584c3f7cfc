import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aPod, compiled, type Fields, given, mainOf, notedFields, refused, specOf } from './a-pod.ts';

const spec = (fields: Fields, container: Fields = {}, metadata: Fields = {}): Fields =>
  specOf(compiled(aPod(fields, container, metadata)));

const DROPPED: [string, unknown][] = [
  ['affinity', { nodeAffinity: {} }],
  ['automountServiceAccountToken', true],
  ['ephemeralContainers', [{ name: 'debug' }]],
  ['imagePullSecrets', [{ name: 'registry' }]],
  ['nodeSelector', { 'node-role.kubernetes.io/control-plane': '' }],
  ['overhead', { cpu: '1' }],
  ['readinessGates', [{ conditionType: 'x' }]],
  ['resourceClaims', [{ name: 'c' }]],
  ['runtimeClassName', 'kata'],
  ['schedulingGates', [{ name: 'x' }]],
  ['serviceAccountName', 'web'],
  ['topologySpreadConstraints', [{ maxSkew: 1 }]],
  ['workloadRef', { name: 'x' }],
];
for (const [field, value] of DROPPED) {
  test(`spec.${field} is dropped, and said`, () => {
    const checkpoint = compiled(aPod({ [field]: value }));
    assert.equal(specOf(checkpoint)[field], undefined);
    assert.ok(notedFields(checkpoint).includes(`dropped spec.${field}`));
  });
}

const KEPT: [string, unknown][] = [
  ['dnsPolicy', 'ClusterFirstWithHostNet'],
  ['enableServiceLinks', false],
  ['hostAliases', [{ ip: '10.0.0.1', hostnames: ['a'] }]],
  ['hostPID', true],
  ['restartPolicy', 'Always'],
  ['securityContext', { runAsUser: 1, seccompProfile: { type: 'RuntimeDefault' } }],
  ['shareProcessNamespace', true],
  ['terminationGracePeriodSeconds', 0],
  ['tolerations', [{ operator: 'Exists' }]],
];
for (const [field, value] of KEPT) {
  test(`spec.${field} is kept`, () => assert.deepEqual(spec({ [field]: value })[field], value));
}

test('a field of a newer API is kept and noted, one that names an API object is left out', () => {
  const checkpoint = compiled(aPod({ warpFactor: { speed: 9 }, engine: { configMapName: 'c' } }));
  assert.deepEqual(specOf(checkpoint).warpFactor, { speed: 9 });
  assert.equal(specOf(checkpoint).engine, undefined);
  assert.ok(notedFields(checkpoint).includes('unknown spec.warpFactor'));
  assert.ok(notedFields(checkpoint).includes('dropped spec.engine'));
});

test('a field of a newer API deep inside is kept and noted too, but for one that names an API object', () => {
  const probe = { httpGet: { path: '/', port: 1, tlsServerName: 'x', clientCertRef: { name: 'c' } } };
  const checkpoint = compiled(
    aPod(
      {
        securityContext: { runAsUser: 1, newProfile: { depth: 2 }, policy: { secretName: 's' } },
        volumes: [{ name: 'v', hostPath: { path: '/v', propagate: true } }],
      },
      { livenessProbe: probe, volumeMounts: [{ name: 'v', mountPath: '/v', quotaClassName: 'q' }] },
    ),
  );
  const main = mainOf(checkpoint);
  assert.deepEqual(specOf(checkpoint).securityContext, { runAsUser: 1, newProfile: { depth: 2 } });
  assert.deepEqual(specOf(checkpoint).volumes, [{ name: 'v', hostPath: { path: '/v', propagate: true } }]);
  assert.deepEqual(main.livenessProbe, { httpGet: { path: '/', port: 1, tlsServerName: 'x' } });
  assert.deepEqual(main.volumeMounts, [{ name: 'v', mountPath: '/v' }]);
  assert.deepEqual(
    notedFields(checkpoint).filter((note) => !note.startsWith('rewritten')),
    [
      'dropped spec.containers[0].livenessProbe.httpGet.clientCertRef',
      'unknown spec.containers[0].livenessProbe.httpGet.tlsServerName',
      'dropped spec.containers[0].volumeMounts[0].quotaClassName',
      'unknown spec.securityContext.newProfile',
      'dropped spec.securityContext.policy',
      'unknown spec.volumes[0].hostPath.propagate',
    ],
  );
});

test('a field of a newer API in what becomes a literal or a file is told to be lost', () => {
  const checkpoint = compiled(aPod({}, { env: [{ name: 'A', value: '1', encoding: 'base64' }] }));
  assert.deepEqual(mainOf(checkpoint).env, [{ name: 'A', value: '1' }]);
  assert.ok(notedFields(checkpoint).includes('dropped spec.containers[0].env[0].encoding'));
});

test('a quantity that is an object, even one that cannot be made a text, ends in an answer', () => {
  const cpu = { toString: { valueOf: 1 } };
  const checkpoint = compiled(aPod({}, { resources: { requests: { cpu } } }));
  assert.deepEqual(mainOf(checkpoint).resources, { requests: { cpu: '10m' } });
});

test('a field of the wrong type is refused in words', () => {
  assert.deepEqual(refused(aPod({ hostPID: 'yes' })), [
    { field: 'spec.hostPID', why: 'must be a boolean; correct it in the pod' },
  ]);
  assert.equal(refused(aPod({}, { command: 'run.sh' }))[0]?.field, 'spec.containers[0].command');
});

const PRIORITIES: [string, Fields, Fields][] = [
  [
    'class and number stay together',
    { priority: 5, priorityClassName: 'five' },
    { priority: 5, priorityClassName: 'five' },
  ],
  [
    'a built-in class gets its number',
    { priorityClassName: 'system-node-critical' },
    { priorityClassName: 'system-node-critical', priority: 2_000_001_000 },
  ],
  ['a class without its number goes', { priorityClassName: 'five' }, {}],
  ['the default of the API goes', { priority: 0, preemptionPolicy: 'PreemptLowerPriority' }, {}],
];
for (const [name, given_, expected] of PRIORITIES) {
  test(`priority: ${name}`, () => {
    const { priority, priorityClassName, preemptionPolicy } = spec(given_);
    assert.deepEqual(JSON.parse(JSON.stringify({ priority, priorityClassName, preemptionPolicy })), expected);
  });
}

test('on the host network ports go, after the names in probes and hooks became numbers', () => {
  const checkpoint = compiled(
    aPod(
      {},
      {
        ports: [{ name: 'https', containerPort: 6443 }],
        livenessProbe: { httpGet: { port: 'https', path: '/livez' } },
        readinessProbe: { tcpSocket: { port: '8080' } },
        startupProbe: { grpc: { port: 2379 } },
        lifecycle: { preStop: { httpGet: { port: 'https' } }, stopSignal: 'SIGTERM' },
      },
    ),
  );
  const { ports, livenessProbe, readinessProbe, startupProbe, lifecycle } = mainOf(checkpoint);
  assert.equal(ports, undefined);
  assert.deepEqual(livenessProbe, { httpGet: { port: 6443, path: '/livez' } });
  assert.deepEqual(readinessProbe, { tcpSocket: { port: 8080 } });
  assert.deepEqual(startupProbe, { grpc: { port: 2379 } });
  assert.deepEqual(lifecycle, { preStop: { httpGet: { port: 6443 } }, stopSignal: 'SIGTERM' });
});

test('a named port that no container declares is refused', () => {
  const pod = aPod({}, { livenessProbe: { httpGet: { port: 'https' } } });
  assert.equal(refused(pod)[0]?.field, 'spec.containers[0].livenessProbe.httpGet.port');
});

test('off the host network ports and their names stay, host ports are refused', () => {
  const container = {
    ports: [{ name: 'dns', containerPort: 53 }],
    livenessProbe: { tcpSocket: { port: 'dns' } },
  };
  const main = mainOf(compiled(aPod({ hostNetwork: false }, container)));
  assert.deepEqual([main.ports, main.livenessProbe], [container.ports, container.livenessProbe]);
  const pod = aPod({ hostNetwork: false }, { ports: [{ containerPort: 80, hostPort: 80 }] });
  assert.equal(refused(pod)[0]?.field, 'spec.containers[0].ports[0].hostPort');
});

test('requests of memory and storage become zero and those of cpu a sliver, also those a limit would default', () => {
  const resources = {
    requests: { cpu: '1', 'hugepages-2Mi': '4Mi' },
    limits: { memory: '1Gi', 'hugepages-2Mi': '4Mi' },
  };
  assert.deepEqual(mainOf(compiled(aPod({}, { resources }))).resources, {
    requests: { cpu: '10m', memory: '0', 'hugepages-2Mi': '4Mi' },
    limits: resources.limits,
  });
  assert.deepEqual(spec({ resources: { limits: { cpu: '2' } } }).resources, {
    requests: { cpu: '10m' },
    limits: { cpu: '2' },
  });
  assert.deepEqual(spec({ resources: { requests: { cpu: '5m' } } }).resources, { requests: { cpu: '5m' } });
});

test('a stand-by keeps its requests: it lives beside its parent all the time', () => {
  const resources = { requests: { cpu: '100m', memory: '64Mi' } };
  const pod = aPod({}, { resources, command: ['agent'] });
  pod.metadata = {
    ...pod.metadata,
    annotations: { ...pod.metadata?.annotations, 'checkpoint-agent.io/standby-lock': '/run/lock' },
  };
  assert.deepEqual(mainOf(compiled(pod)).resources, resources);
});

test('a claim that a container uses is refused', () => {
  const pod = aPod({ resourceClaims: [{ name: 'gpu' }] }, { resources: { claims: [{ name: 'gpu' }] } });
  assert.equal(refused(pod)[0]?.field, 'spec.containers[0].resources.claims');
  assert.match(refused(pod)[0]?.why ?? '', /ResourceClaim.*use a device/);
});

for (const [policy, expected] of [
  ['Always', 'IfNotPresent'],
  ['IfNotPresent', 'IfNotPresent'],
  ['Never', 'Never'],
  [undefined, 'IfNotPresent'],
]) {
  test(`imagePullPolicy ${policy} becomes ${expected}`, () => {
    assert.equal(mainOf(compiled(aPod({}, { imagePullPolicy: policy }))).imagePullPolicy, expected);
  });
}

test('hostname: kept when set, pinned for a pod with a name of its own, not for a name made up by a controller', () => {
  const off = { hostNetwork: false };
  assert.equal(spec({ ...off, hostname: 'h' }).hostname, 'h');
  assert.equal(spec(off, {}, { name: 'etcd-0', ownerReferences: undefined }).hostname, 'etcd-0');
  assert.equal(spec(off).hostname, undefined);
  assert.equal(spec({}, {}, { name: 'etcd-0', ownerReferences: undefined }).hostname, undefined);
});

test('a block device is refused', () => {
  assert.equal(
    refused(aPod({}, { volumeDevices: [{ name: 'd', devicePath: '/dev/x' }] }))[0]?.field,
    'spec.containers[0].volumeDevices',
  );
});

const standby = { annotations: { 'checkpoint-agent.io/standby-lock': '/run/agent/lock' } };
const waiting = ['/usr/bin/flock', '--no-fork', '--exclusive', '/run/agent/lock'];

test('a stand-by waits on its lock before its program, and has no probes', () => {
  const container = { command: ['/agent'], args: ['run'], livenessProbe: { exec: { command: ['x'] } } };
  const checkpoint = compiled(aPod({}, container, standby));
  const main = mainOf(checkpoint);
  assert.deepEqual(
    [main.command, main.args, main.livenessProbe],
    [[...waiting, '/agent'], ['run'], undefined],
  );
  assert.ok(notedFields(checkpoint).includes('dropped spec.containers[0].livenessProbe'));
});

test('a command that waits on the lock already is not wrapped twice', () => {
  const command = [...waiting, '/agent'];
  assert.deepEqual(mainOf(compiled(aPod({}, { command }, standby))).command, command);
});

test('a stand-by without a command, or with two containers, is refused', () => {
  assert.equal(refused(aPod({}, {}, standby))[0]?.field, 'spec.containers[0].command');
  const two = ['a', 'b'].map((name) => ({ name, image: 'x', command: ['y'] }));
  assert.match(refused(aPod({ containers: two }, {}, standby))[0]?.why ?? '', /one container/);
});

test('every container, init container and sidecar is carried in order with its program', () => {
  const initContainers = [
    { name: 'init', image: 'i', command: ['c'], args: ['$(A)'] },
    { name: 'side', image: 's', restartPolicy: 'Always' },
  ];
  const carried = specOf(compiled(aPod({ initContainers }), given())).initContainers as Fields[];
  assert.deepEqual(
    carried.map(({ imagePullPolicy: _, ...rest }) => rest),
    initContainers,
  );
});

test('what 1.37 added of files, mounts and probes is kept without a word where it asks the API for nothing', () => {
  const pod = aPod(
    {
      volumes: [{ name: 'v', emptyDir: { mode: 0o1700 } }],
    },
    {
      env: [
        { name: 'A', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'env', key: 'A', optional: true } } },
      ],
      livenessProbe: { httpGet: { port: 80, protocol: 'HTTP2' } },
      readinessProbe: { grpc: { port: 81, mode: 'TLSInsecure' } },
      volumeMounts: [{ name: 'v', mountPath: '/v', bindMountOptions: ['noexec'] }],
    },
  );
  const checkpoint = compiled(pod);
  const { volumes } = specOf(checkpoint);
  const { env, livenessProbe, readinessProbe, volumeMounts } = mainOf(checkpoint);
  const kept = { spec: { volumes }, container: { env, livenessProbe, readinessProbe, volumeMounts } };
  const { volumes: given, containers } = pod.spec as unknown as Fields & { containers: Fields[] };
  const { name: _, image: __, ...container } = containers[0] ?? {};
  assert.deepEqual(kept, { spec: { volumes: given }, container });
  assert.deepEqual(checkpoint.notes, []);
});
