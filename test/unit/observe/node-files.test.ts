// What the node's own files say: boot id, kubelet config, runtime socket.

import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { monotonicMs, readBootId } from '../../../lib/observe/host.ts';
import { checkStaticPodDir, readKubelet } from '../../../lib/observe/kubelet.ts';
import { checkRuntimeSocket, findRuntimeSocket } from '../../../lib/observe/runtime/find-socket.ts';

const dir = mkdtempSync(join(tmpdir(), 'observe-node-'));

function file(name: string, content: string): string {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
}

test('the boot id is read from its file, and is unknown where it cannot be', async () => {
  assert.deepEqual(await readBootId(file('boot', 'abc-def\n')), { known: true, value: 'abc-def' });
  assert.deepEqual(await readBootId(file('empty', '\n')), {
    known: false,
    reason: `boot id ${dir}/empty is empty`,
  });
  const reason = 'boot id /absent cannot be read (ENOENT)';
  assert.deepEqual(await readBootId('/absent'), { known: false, reason });
  assert.match(JSON.stringify(await readBootId()), /[0-9a-f]{8}-/);
});

test('the monotonic clock goes forward', () => {
  const first = monotonicMs();
  assert.ok(monotonicMs() >= first);
});

test('the kubelet`s own settings are found in its config', async () => {
  const config = file(
    'config.yaml',
    'kind: KubeletConfiguration\nstaticPodPath: /etc/kubernetes/manifests\ncontainerRuntimeEndpoint: unix:///run/x.sock\n',
  );
  assert.deepEqual(await readKubelet(config), {
    known: true,
    value: {
      file: config,
      staticPodPath: '/etc/kubernetes/manifests',
      containerRuntimeEndpoint: 'unix:///run/x.sock',
    },
  });
  const bare = file('bare.yaml', 'kind: KubeletConfiguration\nstaticPodPath: ""\n');
  assert.deepEqual(await readKubelet(bare), { known: true, value: { file: bare } });
});

test('a config that is not the kubelet`s is unknown, with file and remedy', async () => {
  for (const [name, content, problem] of [
    ['torn.yaml', '{a: [', 'is not YAML'],
    ['other.yaml', 'kind: Pod', 'kind is not KubeletConfiguration'],
    ['nothing.yaml', '', 'kind is not KubeletConfiguration'],
  ] as const) {
    const facts = await readKubelet(file(name, content));
    assert.ok(
      !facts.known && facts.reason.includes(`${dir}/${name}`) && facts.reason.includes(problem),
      JSON.stringify(facts),
    );
    assert.match(facts.reason, /--kubelet-config$/);
  }
  assert.match(JSON.stringify(await readKubelet('/absent')), /ENOENT/);
});

test('a static pod directory that is not the kubelet`s is said', () => {
  const kubelet = {
    known: true,
    value: { file: '/c.yaml', staticPodPath: '/etc/kubernetes/manifests' },
  } as const;
  assert.equal(checkStaticPodDir(kubelet, '/etc/kubernetes/manifests/'), undefined);
  assert.equal(
    checkStaticPodDir(kubelet, '/elsewhere'),
    "--static-pod-dir /elsewhere is not the kubelet's: /c.yaml says staticPodPath: /etc/kubernetes/manifests; name that one",
  );
  assert.equal(checkStaticPodDir({ known: false, reason: 'x' }, '/elsewhere'), undefined);
});

test('the runtime socket: the flag, then the kubelet`s, then the usual places', async (t) => {
  const socket = join(dir, 'cri.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => server.close());
  const plain = file('plain', '');
  const places = [join(dir, 'absent'), plain, socket];
  const value = (path: string) => ({ known: true, value: path });
  assert.deepEqual(findRuntimeSocket({ flag: 'unix:///a', kubeletEndpoint: '/b', places }), value('/a'));
  assert.deepEqual(findRuntimeSocket({ kubeletEndpoint: 'unix:/b', places }), value('/b'));
  assert.deepEqual(findRuntimeSocket({ places }), value(socket));
  assert.match(
    JSON.stringify(findRuntimeSocket({ flag: 'tcp://x:1' })),
    /tcp:\/\/x:1 is not a unix socket path: name it with/,
  );
  assert.match(
    JSON.stringify(findRuntimeSocket({ places: [plain] })),
    /no runtime socket in any of .*plain: start the runtime/,
  );
  assert.equal(checkRuntimeSocket(socket), undefined);
  assert.match(checkRuntimeSocket(plain) ?? '', /is not a socket/);
  assert.match(checkRuntimeSocket('/absent') ?? '', /does not exist/);
});
