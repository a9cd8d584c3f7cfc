// A parent with every source that a checkpoint can carry writes down what it sees. After a power loss, with no API for
// the node, its checkpoint must see the same, byte by byte, but for the differences that kitchen-sink-differences.ts names.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DEFAULT_STATE_DIR } from '../../lib/agent/options.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { createCluster } from '../cluster/create-cluster.ts';
import type { Master } from '../cluster/master.ts';
import { manifestDirectory } from '../cluster/node-files.ts';
import { daemonReport, deployAgent, isAtRest, statusTable } from './agent-on-cluster.ts';
import { differing, knownDifferences, levelled } from './kitchen-sink-differences.ts';
import { type Sink, sinkImage, sinks } from './kitchen-sink-parent.ts';
import { hostDirectory, listingDirectory, namespace, objects, secretMarker } from './kitchen-sink-sources.ts';

type Listings = ReadonlyMap<string, string>;

const say = (line: string): void => console.log(`    ${line}`);

describe('a parent with every source at once', { timeout: 15 * 60_000 }, () => {
  let cluster: Cluster;
  let master: Master;
  let parents: Sink[];
  let seenByParent: Listings;
  let seenByCheckpoint: Listings;

  before(async () => {
    cluster = await createCluster();
    master = cluster.master;
    const image = await sinkImage();
    parents = sinks(image);
    await master.importImage(image);
    await deployAgent(cluster, ['--proving=3s', '--log-level=debug']);
    await cluster.pivot();
    await mkdir(join(master.path(hostDirectory), namespace, master.name), { recursive: true });
    await writeFile(join(master.path(hostDirectory), 'file'), 'of the host\n');
    await emptyListings();
  });
  after(async () => {
    if (cluster !== undefined) await cluster.close();
  });

  /** Every container may write there, whoever it runs as. */
  async function emptyListings(): Promise<void> {
    await rm(master.path(listingDirectory), { recursive: true, force: true });
    await mkdir(master.path(listingDirectory), { recursive: true });
    await chmod(master.path(listingDirectory), 0o1777);
  }

  async function listings(timeoutMs: number): Promise<Listings> {
    const names = parents.flatMap(({ containers }) => containers).sort();
    await cluster.waitUntil(`${names.join(', ')} have written what they see`, timeoutMs, async () => {
      const written = await readdir(master.path(listingDirectory));
      return names.every((name) => written.includes(name));
    });
    const texts = names.map(
      async (name): Promise<[string, string]> => [
        name,
        await readFile(join(master.path(listingDirectory), name), 'utf8'),
      ],
    );
    return new Map(await Promise.all(texts));
  }

  /** The node's own requests to its API, and nobody else's: the control plane comes back, and nobody tells the kubelet. */
  function noApi(change: '-I' | '-D'): string[] {
    const requests = ['-s', master.ip, '-d', master.ip, '-p', 'tcp', '--dport', '6443'];
    return ['iptables', change, 'INPUT', ...requests, '-j', 'REJECT', '--reject-with', 'tcp-reset'];
  }

  function holdsNoSecret(where: string, text: string): void {
    for (const marker of [secretMarker, Buffer.from(secretMarker).toString('base64').slice(0, -4)]) {
      assert.ok(!text.includes(marker), `${where} holds a secret`);
    }
    assert.ok(text.includes('NAMESPACE'), `${where} holds the environment, so this can be seen`);
  }

  it('is proven, as every other workload', async () => {
    const items = [...objects, ...parents.map(({ object }) => object)];
    const list = { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) };
    // A pod is refused until the token of its account has been made.
    await cluster.waitUntil('the parents can be applied', 30_000, async () => {
      await cluster.kubectl(list, 'apply', '--validate=false', '-f', '-');
      return true;
    });
    seenByParent = await listings(60_000);
    const keys = parents.map(({ name }) => `${namespace}/${name}`);
    await cluster
      .waitUntil('the checkpoints of all are proven', 60_000, async () =>
        isAtRest(await daemonReport(master), keys),
      )
      .catch(async (error) => {
        say(await statusTable(master));
        throw error;
      });
    const { workloads } = (await daemonReport(master)) ?? { workloads: [] };
    const risks = workloads.flatMap((workload) => workload.risks);
    const named = (pattern: RegExp): string[] => risks.flatMap((risk) => pattern.exec(risk)?.[1] ?? []);
    const exposed = named(/ (\w+) holds a secret/);
    const left = named(/the variable "(\w+)": a kubelet of 1\.34 refuses/);
    assert.deepEqual(exposed, ['S_EMPTY_PASSWORD', 'S_PASSWORD', 'WORD']);
    assert.deepEqual(new Set(left), new Set(['1st']));
    assert.equal(exposed.length + left.length, risks.length, risks.join('\n'));
  });

  it('comes back as a checkpoint with no API, and without a byte of a secret in its manifest', async () => {
    await master.powerOff();
    await emptyListings();
    await master.powerOn({ beforeKubelet: [noApi('-I')] });
    seenByCheckpoint = await listings(120_000);
    for (const { name } of parents) {
      const file = join(master.path(manifestDirectory), `checkpoint-agent_${namespace}_${name}.json`);
      holdsNoSecret(file, await readFile(file, 'utf8'));
    }
  });

  /** What a container and its checkpoint saw differently, but for the known differences that are not in `shown`. */
  function found(shown: readonly string[] = []): string[] {
    const but = new Set(shown);
    return [...seenByParent].flatMap(([container, parent]) =>
      differing(levelled(parent, but), levelled(seenByCheckpoint.get(container) ?? '', but)).map(
        (line) => `${container}: ${line}`,
      ),
    );
  }

  it('sees the same as a checkpoint', () => {
    for (const [container, text] of seenByParent) {
      const lines = text.split('\n').length;
      say(`${container} wrote down ${lines} lines`);
      assert.ok(lines > 150, text);
      assert.deepEqual(levelled(seenByCheckpoint.get(container) ?? '').length, levelled(text).length);
    }
    const faults = found();
    assert.equal(faults.length, 0, `\n${faults.join('\n')}`);
  });

  for (const { name, why, byChance } of knownDifferences) {
    it(`sees something else where that is known: ${name} (${why})`, () => {
      const lines = found([name]);
      if (byChance !== true)
        assert.notEqual(lines.length, 0, 'is not there any more: take it out of the table');
      say(`${lines.length} lines, such as ${lines[0] ?? '-'}`);
    });
  }

  it('has no byte of a secret in its mirror pod either', async () => {
    const kubectl = (...args: string[]) => cluster.kubectl('-n', namespace, ...args);
    // Without its parent a checkpoint stays until its grace is over. A container that ends makes the kubelet sync the
    // pod, and with it make the mirror, at once.
    await cluster.waitForReady();
    const orphans = parents.map(({ name }) => name).filter((name) => name !== 'kitchen-sink');
    const these = ['-l', `sink in (${orphans.join(', ')})`];
    await kubectl('delete', 'daemonsets', ...these, '--wait=false');
    await kubectl('delete', 'pods', ...these, '--force', '--grace-period=0');
    await master.exec(noApi('-D'));
    // Killed before the kubelet can make mirrors, containers would only sit in back-offs.
    await cluster.waitUntil('the kubelet has its pods from the API', 120_000, async () =>
      (await master.pods()).some((pod) => pod.ready && pod.source === 'api'),
    );
    for (const name of orphans) {
      const mirror = await cluster.waitUntil(
        `${name} has a mirror pod`,
        120_000,
        async () => {
          const { stdout, code } = await cluster.kubectl(
            { mayFail: true },
            ...['-n', namespace, 'get', 'pod', `${name}-${master.name}`, '-o', 'json'],
          );
          if (code === 0) return stdout;
          await endContainers(name);
          return undefined;
        },
        1_000,
      );
      assert.match(mirror, /"kubernetes.io\/config.mirror"/);
      holdsNoSecret(`mirror pod of ${name}`, mirror);
    }
  });

  it('has a token of its own time on disk, as soon as the API answers', async () => {
    const old = /([0-9a-f]{64}) {2}\/sink\/only-token\/\.\.\d+\/token/.exec(
      seenByCheckpoint.get('root') ?? '',
    )?.[1];
    assert.ok(old !== undefined);
    const revisions = join(master.path(DEFAULT_STATE_DIR), 'workloads', namespace, 'kitchen-sink/revisions');
    const tokens = await cluster.waitUntil('every revision has another token', 60_000, async () => {
      const names = await readdir(revisions);
      const read = names.map((name) => readFile(join(revisions, name, 'volumes/only-token/token'), 'utf8'));
      const held = await Promise.all(read);
      return held.every((token) => createHash('sha256').update(token).digest('hex') !== old) && held;
    });
    const { stdout: uid } = await cluster.kubectl(
      ...(['-n', namespace, 'get', 'pods', '-l', 'sink=kitchen-sink'] as const),
      '-ojsonpath={.items[?(@.metadata.ownerReferences[0].kind=="DaemonSet")].metadata.uid}',
    );
    for (const token of tokens) {
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
      assert.equal(claims['kubernetes.io'].pod.uid, uid);
    }
  });

  async function endContainers(name: string): Promise<void> {
    const pods = (await master.pods()).filter((pod) => pod.ready && pod.name === `${name}-${master.name}`);
    const running = pods.flatMap(({ containers }) => containers).filter(({ state }) => state === 'running');
    for (const { id } of running) {
      await master.exec(['ctr', '-n', 'k8s.io', 'tasks', 'kill', '-s', 'SIGKILL', id], { mayFail: true });
    }
  }
});
