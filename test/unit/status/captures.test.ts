// What compiling a parent had to say reaches people unasked: in the report, the table and the metrics, and as Events.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { compile } from '../../../lib/compile/compile.ts';
import { toParent } from '../../../lib/compile/parent.ts';
import { CaptureEvents } from '../../../lib/status/events.ts';
import { captureWords } from '../../../lib/status/report.ts';
import type { CompileOutcome } from '../../../lib/types/checkpoint.ts';
import type { Observation } from '../../../lib/types/observation.ts';
import { known, type Observed, unknown } from '../../../lib/types/observed.ts';
import { aPod, type Fields, given } from '../compile/a-pod.ts';

const objects = given({ secrets: { pass: { WORD: 'hunter2' } } });
const secretEnv = { env: [{ name: 'WORD', valueFrom: { secretKeyRef: { name: 'pass', key: 'WORD' } } }] };
const allowed = { annotations: { 'checkpoint-agent.io/allow-secret-env': 'true' } };
const wordsOf = (pod: V1Pod): ReturnType<typeof captureWords> => captureWords(known(compile(pod, objects)));

const RISKS: [string, V1Pod, RegExp][] = [
  ['a secret that is exposed', aPod({}, secretEnv, allowed), /^spec\.containers\[0\].*: WORD holds a secret/],
  ['a field of a newer API', aPod({ warpFactor: 9 }), /^spec\.warpFactor: not known.*kept/],
  ['one that names an API object', aPod({ engineRef: { name: 'x' } }), /^spec\.engineRef: .*left out/],
  ['an image pulled with a secret', aPod({ imagePullSecrets: [{ name: 'r' }] }), /1\.35.*NeverVerify/],
  ['another runtime', aPod({ runtimeClassName: 'kata' }), /^spec\.runtimeClassName: /],
];
for (const [name, pod, expected] of RISKS) {
  test(`the report names a risk: ${name}`, () => {
    const { risks, refusals } = wordsOf(pod);
    assert.equal(risks.length, 1);
    assert.match(risks[0] ?? '', expected);
    assert.ok(!risks[0]?.includes('hunter2'));
    assert.deepEqual(refusals, []);
  });
}

test('what every control plane has is no risk, and what is not known is none either', () => {
  const usual = aPod({ nodeSelector: { a: '' }, serviceAccountName: 'x', schedulerName: 's' });
  assert.deepEqual(wordsOf(usual).risks, []);
  assert.deepEqual(captureWords(unknown('Secret a/b: being read')), { refusals: [], risks: [] });
});

interface Told {
  readonly events: string[];
  readonly logged: string[];
  look(...pods: V1Pod[]): void;
}

function listener(): Told {
  const told = { events: [] as string[], logged: [] as string[] };
  const events = new CaptureEvents(
    {
      event: async ({ pod, type, reason, message }) => {
        told.events.push(`${type} ${reason} on ${pod?.name}: ${message}`);
        return known(true);
      },
    },
    { warn: (_: object, text?: string) => told.logged.push(text ?? '') },
  );
  return {
    ...told,
    look(...pods) {
      const parents = pods.map(toParent);
      const compiled = new Map(
        parents.map(({ workload, pod }): [typeof workload, Observed<CompileOutcome>] => [
          workload,
          known(compile(pod, objects)),
        ]),
      );
      events.look({ parents: known(parents), compiled } as Pick<Observation, 'parents' | 'compiled'>);
    },
  };
}

const refusedPod = (metadata: Fields = {}): V1Pod => aPod({}, secretEnv, metadata);

test('a refusal is an Event on the parent and a line of the log, once however often it is seen', () => {
  const told = listener();
  for (let look = 0; look < 3; look += 1) told.look(refusedPod());
  assert.equal(told.events.length, 1);
  assert.match(
    told.events[0] ?? '',
    /^Warning CheckpointRefused on web-x7f2k: spec\.containers\[0\]\.env\[0\]\.valueFrom\.secretKeyRef: .*mount the Secret/,
  );
  assert.equal(told.logged.length, 1);
});

test('a successor of the parent, and another reason, are told anew', () => {
  const told = listener();
  told.look(refusedPod());
  told.look(refusedPod({ name: 'web-zzzzz', uid: 'another' }));
  told.look(aPod({ hostPID: 'yes' }, secretEnv, { name: 'web-zzzzz', uid: 'another' }));
  assert.equal(told.events.length, 3);
  // What was said of a parent that is gone is forgotten, so that nothing grows.
  told.look(refusedPod());
  assert.equal(told.events.length, 4);
});

test('a risk is told as one; a parent that is carried as it is, not at all', () => {
  const told = listener();
  told.look(aPod({ warpFactor: 9 }));
  told.look(aPod());
  assert.deepEqual(told.events, [
    'Warning CheckpointAtRisk on web-x7f2k: spec.warpFactor: not known to this version: kept as it is',
  ]);
});
