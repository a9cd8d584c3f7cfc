// Parent and resolved objects in, a self-contained static pod and its material out, or refusals in words.
// Pure, deterministic and total: any input gets an answer, and what is stored has passed the kubelet's rules first.

import type { V1Pod } from '@kubernetes/client-node';
import type { CompileOutcome, ResolvedObjects } from '../types/checkpoint.ts';
import { splitWorkloadKey } from '../types/workload.ts';
import type { CompileContext, CompileNode } from './context.ts';
import { Findings } from './findings.ts';
import { nameInjectedVolume } from './injected-volume.ts';
import { wouldKubeletAccept } from './kubelet-acceptance.ts';
import { compileMetadata } from './metadata.ts';
import { withKnownFields } from './nested-fields.ts';
import { ObjectReader } from './object-data.ts';
import { readOptions, workloadOf } from './parent.ts';
import { asObject, asString, type JsonObject, plain, plainPod } from './plain-json.ts';
import { compileSpec } from './pod-spec.ts';
import { revisionOf } from './revision.ts';

/** `node` says what is known of the node it is for; left out, the pod's own spec.nodeName is used. */
export function compile(pod: V1Pod, objects: ResolvedObjects, node: CompileNode = {}): CompileOutcome {
  const { workload } = workloadOf(pod);
  const findings = new Findings();
  const { value, tooDeep } = plainPod(pod);
  const json = asObject(value);
  const written = asObject(json?.spec);
  if (json === undefined || written === undefined || tooDeep) {
    findings.refuse('spec', tooDeep ? 'is nested too deep to be a pod' : 'there is none: this is no pod');
    return { ok: false, workload, refusals: findings.refusals };
  }
  const spec = withKnownFields(nameInjectedVolume(written), findings);
  const metadata = asObject(json.metadata) ?? {};
  const identity = splitWorkloadKey(workload);
  const options = readOptions(pod);
  const nodeName = node.name ?? asString(spec.nodeName);
  const context: CompileContext = {
    pod: json,
    spec,
    namespace: identity.namespace,
    options,
    hostNetwork: spec.hostNetwork === true,
    node,
    fields: { pod: json, nodeName, dropLabels: options.dropLabels },
    reader: new ObjectReader(identity.namespace, objects),
    objects,
  };
  const compiledMetadata = compileMetadata(
    metadata,
    { ...identity, nodeName, dropLabels: options.dropLabels },
    findings,
  );
  const compiled = compileSpec(context, asString(metadata.name) === identity.name, findings);
  const manifest: JsonObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: compiledMetadata,
    spec: compiled.spec,
  };
  const sorted = (plain(manifest).value ?? {}) as unknown as V1Pod;
  if (findings.refusals.length === 0) {
    for (const problem of wouldKubeletAccept(sorted)) {
      const field = /^(spec|metadata)\.\S+/.exec(problem)?.[0] ?? 'spec';
      findings.refuse(field, `the kubelet would refuse the checkpoint: ${problem}; correct it in the pod`);
    }
  }
  if (findings.refusals.length > 0) {
    return { ok: false, workload, refusals: findings.refusals };
  }
  const revision = revisionOf(manifest, compiled.material);
  return {
    ok: true,
    checkpoint: { workload, revision, manifest: sorted, volumes: compiled.material, notes: findings.notes },
  };
}
