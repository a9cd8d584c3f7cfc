import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { portHere } from '../../../lib/observe/apiserver/endpoint.ts';

test('an endpoint is here when its host is an address of this node', () => {
  assert.equal(portHere('https://127.0.0.1:6443'), 6443);
  assert.equal(portHere('https://localhost:8443/prefix'), 8443);
  assert.equal(portHere('https://[::1]:6443'), 6443);
  assert.equal(portHere('https://127.0.0.1'), 443);
  assert.equal(portHere('http://127.0.0.1'), 80);
  for (const { address } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
    const host = address.includes(':') ? `[${address}]` : address;
    assert.equal(portHere(`https://${host}:6443`), 6443, address);
  }
});

test('a name, or an address of somebody else, is not', () => {
  assert.equal(portHere('https://api.example.com:6443'), undefined);
  assert.equal(portHere('https://192.0.2.1:6443'), undefined);
});
