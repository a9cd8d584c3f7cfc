// What the real cluster is built from, as far as it can be told without building it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  askedVersions,
  defaultVersions,
  newestGoLine,
  pinnedVersions,
  requiredVersion,
} from '../../cluster/products.ts';
import { missingGoVersion } from '../../cluster/requirements.ts';

test('a cluster is made of the newest Kubernetes unless the environment asks for another minor', () => {
  assert.deepEqual(askedVersions({}), defaultVersions);
  assert.equal(askedVersions({ CLUSTER_KUBERNETES: '1.34' }).kubernetes, '1.34');
  assert.equal(askedVersions({ CLUSTER_ETCD: '3.7' }).etcd, '3.7');
});

test('a minor that is not there is refused with those that are', () => {
  assert.throws(() => askedVersions({ CLUSTER_KUBERNETES: '1.33' }), {
    message: 'CLUSTER_KUBERNETES=1.33: test/cluster/products/kubernetes has 1.34, 1.35, 1.36, 1.37',
  });
});

test('the full versions are those that the go.mod files pin', () => {
  const { kubernetes, etcd, containerd } = pinnedVersions({
    ...defaultVersions,
    kubernetes: '1.34',
    etcd: '3.7',
  });
  assert.match(kubernetes, /^v1\.34\.\d+$/);
  assert.match(etcd, /^v3\.7\.\d+$/);
  assert.match(containerd, /^v2\.2\.\d+$/);
});

test('the version of a product is what its go.mod requires, not a tool line or a replace line', () => {
  const goMod = [
    'tool k8s.io/kubernetes/cmd/kubelet',
    'require k8s.io/kubernetes v1.37.2',
    'replace k8s.io/api => k8s.io/api v0.37.2',
  ].join('\n');
  assert.equal(requiredVersion(goMod, 'k8s.io/kubernetes'), 'v1.37.2');
  assert.throws(() => requiredVersion(goMod, 'k8s.io/kube'), /requires no version of k8s.io\/kube/);
});

test('a Go that is too old, or none, is one line with the remedy', () => {
  assert.equal(missingGoVersion('go1.26.8', '1.26.0'), undefined);
  assert.equal(missingGoVersion('go1.27.1', '1.26.6'), undefined);
  assert.equal(missingGoVersion('go1.27rc1', '1.26.6'), undefined);
  const remedy = 'a real cluster is built with Go 1.26.6 or newer: install it and put it first in PATH';
  assert.equal(missingGoVersion('go1.26.5', '1.26.6'), `${remedy} (found go1.26.5)`);
  assert.equal(missingGoVersion('go1.19', '1.26.6'), `${remedy} (found go1.19)`);
  assert.equal(missingGoVersion(undefined, '1.26.6'), `${remedy} (no go was found)`);
  assert.match(newestGoLine(), /^1\.\d+(\.\d+)?$/);
});
