// What a bootstrapper applies: the agent must be a parent of itself, reach what it needs, and carry itself.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1DaemonSet, V1Pod } from '@kubernetes/client-node';
import { compile } from '../../../lib/compile/compile.ts';
import { isParent } from '../../../lib/compile/parent.ts';
import { deployManifests } from '../../../lib/deploy/manifests.ts';

const options = {
  image: 'checkpoint-agent:1',
  namespace: 'kube-system',
  nodeSelector: 'node-role.kubernetes.io/control-plane=',
  staticPodDir: '/etc/kubernetes/manifests',
  stateDir: '/var/lib/checkpoint-agent',
  runDir: '/run/checkpoint-agent',
  kubeconfig: '/etc/kubernetes/kubelet.conf',
  runtimeSocket: 'unix:///run/containerd/containerd.sock',
  kubeletConfig: '/var/lib/kubelet/config.yaml',
  kubeletPki: '/var/lib/kubelet/pki',
  extraArgs: ['--grace=5m'],
};

function daemonSet(): V1DaemonSet {
  const found = deployManifests(options).find((o) => (o as { kind?: string }).kind === 'DaemonSet');
  return found as V1DaemonSet;
}

/** The pod that the DaemonSet controller would make on node n1. */
function pod(): V1Pod {
  const { metadata, spec } = daemonSet().spec?.template ?? {};
  return {
    metadata: {
      ...metadata,
      name: 'checkpoint-agent-x7f2k',
      namespace: 'kube-system',
      uid: 'u1',
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'checkpoint-agent', uid: 'd1', controller: true },
      ],
    },
    spec: { ...spec, nodeName: 'n1' },
  } as V1Pod;
}

describe('the manifests', () => {
  it('make the agent a parent of itself', () => {
    assert.equal(isParent(pod(), 'n1'), true);
  });

  it('compile: the agent can carry itself, waiting on its lock before Node is loaded', () => {
    const outcome = compile(pod(), { secrets: new Map(), configMaps: new Map(), tokens: new Map() });
    assert.ok(outcome.ok, JSON.stringify(outcome));
    assert.deepEqual(outcome.checkpoint.manifest.spec?.containers[0]?.command?.slice(0, 5), [
      '/usr/bin/flock',
      '--no-fork',
      '--exclusive',
      '/var/lib/checkpoint-agent/lock',
      '/nodejs/bin/node',
    ]);
  });

  it('mount the directory of the runtime socket, since a restarted runtime makes a new socket', () => {
    const volume = pod().spec?.volumes?.find((v) => v.name === 'runtime');
    assert.equal(volume?.hostPath?.path, '/run/containerd');
  });

  it('pass extra flags on to the daemon', () => {
    assert.ok(pod().spec?.containers[0]?.args?.includes('--grace=5m'));
  });
});
