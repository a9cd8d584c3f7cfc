// What must hold for every parent, shown over generated PodSpecs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Container, V1Pod } from '@kubernetes/client-node';
import fc from 'fast-check';
import { compile } from '../../../lib/compile/compile.ts';
import { wouldKubeletAccept } from '../../../lib/compile/kubelet-acceptance.ts';
import { renderManifest, serialize } from '../../../lib/compile/render.ts';
import type { CompiledCheckpoint, CompileOutcome } from '../../../lib/types/checkpoint.ts';
import { type GeneratedParent, generatedParent } from './generated-pods.ts';

const RUNS = { numRuns: 1000, includeErrorInReport: true };

function compileParent({ pod, objects }: GeneratedParent): CompileOutcome {
  return compile(pod, objects);
}

/** Checks `property` over the parents that compile, and that there are enough of them to mean anything. */
function forCompiled(property: (checkpoint: CompiledCheckpoint, parent: GeneratedParent) => void): void {
  let compiledCount = 0;
  fc.assert(
    fc.property(generatedParent, (parent) => {
      const outcome = compileParent(parent);
      if (outcome.ok) {
        compiledCount += 1;
        property(outcome.checkpoint, parent);
      }
    }),
    RUNS,
  );
  assert.ok(compiledCount > 100, `only ${compiledCount} parents compiled`);
}

function reversedKeys(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(reversedKeys);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversedKeys(item)]),
  );
}

test('the same parent compiles to the same bytes, whatever the order of its keys', () => {
  fc.assert(
    fc.property(generatedParent, (parent) => {
      const once = compileParent(parent);
      const again = compileParent({ ...parent, pod: reversedKeys(structuredClone(parent.pod)) as V1Pod });
      assert.deepEqual(again, once);
      assert.equal(JSON.stringify(again), JSON.stringify(once));
    }),
    RUNS,
  );
});

test('compiling leaves the parent as it was', () => {
  fc.assert(
    fc.property(generatedParent, (parent) => {
      const before = structuredClone(parent.pod);
      compileParent(parent);
      assert.deepEqual(parent.pod, before);
    }),
    { numRuns: 200 },
  );
});

test('a checkpoint compiled again is the same checkpoint', () => {
  forCompiled(({ manifest, workload, revision }, { pod, objects }) => {
    const rendered = renderManifest(manifest, { uid: 'u', materialDir: '/var/lib/r', workload, revision });
    const { name, ownerReferences } = pod.metadata ?? {};
    const asParent = { ...rendered, metadata: { ...rendered.metadata, name, ownerReferences } } as V1Pod;
    const again = compile(asParent, objects);
    assert.ok(again.ok);
    const { uid: _, annotations: __, ...metadata } = rendered.metadata ?? {};
    assert.deepEqual(again.checkpoint.manifest, { ...rendered, metadata });
    assert.deepEqual(again.checkpoint.volumes, []);
  });
});

/** A kubelet of our own in ten lines: no field of these names may stand anywhere in a manifest. */
const REFERENCES =
  /"(secretKeyRef|configMapKeyRef|secretRef|configMapRef|secret|configMap|secretName|serviceAccountName|serviceAccountToken|persistentVolumeClaim|csi|imagePullSecrets)":/;

test('a manifest names no object of the API', () => {
  forCompiled(({ manifest }) => {
    assert.deepEqual(wouldKubeletAccept(manifest), []);
    assert.doesNotMatch(serialize(manifest).replaceAll(/"value":"(?:[^"\\]|\\.)*"/g, ''), REFERENCES);
  });
});

test('no container, command, argument or mount path is lost', () => {
  forCompiled(({ manifest }, { pod }) => {
    for (const list of ['initContainers', 'containers'] as const) {
      const program = ({ name, image, command, args, volumeMounts }: V1Container): unknown[] => [
        name,
        image,
        command,
        args,
        volumeMounts?.map((mount) => [mount.name, mount.mountPath, mount.subPath]),
      ];
      assert.deepEqual((manifest.spec?.[list] ?? []).map(program), (pod.spec?.[list] ?? []).map(program));
    }
  });
});

test('every mounted volume is there, and every file its sources promise is carried', () => {
  forCompiled((checkpoint, { pod, objects }) => {
    for (const volume of pod.spec?.volumes ?? []) {
      const kept = checkpoint.manifest.spec?.volumes?.some((candidate) => candidate.name === volume.name);
      const noted = checkpoint.notes.some(
        (note) => note.treatment === 'dropped' && note.field.startsWith('spec.volumes['),
      );
      assert.ok(kept || noted, `volume ${volume.name} is gone without a note`);
      const material = checkpoint.volumes.find((candidate) => candidate.name === volume.name);
      const found = objects.secrets.get(`kube-system/${volume.secret?.secretName}`);
      if (volume.secret !== undefined && kept && found?.found) {
        const keys = volume.secret.items?.map((item) => item.path) ?? Object.keys(found.object.data ?? {});
        assert.deepEqual(material?.files.map((file) => file.path).sort(), [...new Set(keys)].sort());
      }
    }
  });
});

test('every mount of material is read-only', () => {
  forCompiled(({ manifest, volumes }) => {
    const material = new Set(volumes.map((volume) => volume.name));
    const containers = [...(manifest.spec?.initContainers ?? []), ...(manifest.spec?.containers ?? [])];
    for (const mount of containers.flatMap((container) => container.volumeMounts ?? [])) {
      assert.equal(mount.readOnly === true, material.has(mount.name));
    }
  });
});

test('a variable of the parent has the value that the kubelet would give it', () => {
  forCompiled(({ manifest }, { pod }) => {
    pod.spec?.containers.forEach((container, index) => {
      const env = manifest.spec?.containers[index]?.env ?? [];
      for (const { name, value, valueFrom } of container.env ?? []) {
        const carried = env.findLast((candidate) => candidate.name === name);
        const reference = valueFrom?.configMapKeyRef;
        if (valueFrom === undefined) {
          assert.equal(carried?.value, value);
        } else if (reference?.name === 'one' && reference.key === 'LEVEL') {
          assert.equal(carried?.value, `config-one-LEVEL-$$(HOME)-${'q7'.repeat(6)}`);
        }
      }
    });
  });
});

test('no byte of a secret or token is in a manifest, a note or a refusal', () => {
  fc.assert(
    fc.property(generatedParent, (parent) => {
      const outcome = compileParent(parent);
      const shown = JSON.stringify(
        outcome.ok ? [outcome.checkpoint.manifest, outcome.checkpoint.notes] : outcome.refusals,
      );
      for (const secret of parent.secrets) {
        for (const text of [
          secret,
          secret.replaceAll('$', '$$$$'),
          Buffer.from(secret).toString('base64').slice(0, -4),
        ]) {
          assert.ok(!shown.includes(text), `${secret} is shown`);
        }
      }
    }),
    RUNS,
  );
});

test('a refusal says where and what to do', () => {
  fc.assert(
    fc.property(generatedParent, (parent) => {
      const outcome = compileParent(parent);
      if (!outcome.ok) {
        assert.ok(outcome.refusals.length > 0);
        for (const { field, why } of outcome.refusals) {
          assert.match(field, /^(spec|metadata)\b/);
          assert.ok(why.length > 10, why);
          assert.doesNotMatch(why, /^the kubelet would refuse/, 'the compiler itself must know');
        }
      }
    }),
    RUNS,
  );
});
