// Compiles the newest live parent of each workload from what the watches hold. What always holds: an object that could
// not be read makes the outcome unknown, never a checkpoint without it.

import type { V1ConfigMap, V1Pod, V1Secret } from '@kubernetes/client-node';
import { compile } from '../compile/compile.ts';
import type { CompileNode } from '../compile/context.ts';
import { type PodReferences, references } from '../compile/references.ts';
import { liveParent } from '../decide/facts.ts';
import {
  type ClusterTrustBundle,
  type ClusterTrustBundleList,
  type CompileResult,
  type Found,
  type IssuedToken,
  type ObjectRef,
  objectKey,
  refName,
  tokenKey,
} from '../types/checkpoint.ts';
import type { Parent } from '../types/observation.ts';
import { known, unknown } from '../types/observed.ts';
import type { WorkloadKey } from '../types/workload.ts';
import type { Api } from './sources.ts';
import type { Tokens } from './tokens.ts';

/** What of a pod is compiled, and what it names. */
interface Reading {
  readonly content: string;
  readonly refs: PodReferences;
}

/** What was compiled last of each workload, and from what: for the same it is not compiled again. */
export type Compiled = Map<
  WorkloadKey,
  { readonly reading: Reading; readonly inputs: readonly unknown[]; readonly result: CompileResult }
>;

export class Captures {
  readonly #api: Api;
  readonly #tokens: Tokens;
  readonly #node: CompileNode;
  readonly #compiled: Compiled;
  /** Read once for each version of a pod: a pass every 50 ms would do little else. */
  readonly #readings = new WeakMap<V1Pod, Reading>();

  /** `compiled`: what is known already; the simulation hands it on from process to process. */
  constructor(api: Api, tokens: Tokens, node: CompileNode, compiled: Compiled = new Map()) {
    this.#api = api;
    this.#tokens = tokens;
    this.#node = node;
    this.#compiled = compiled;
  }

  compileAll(parents: readonly Parent[]): ReadonlyMap<WorkloadKey, CompileResult> {
    const results = new Map<WorkloadKey, CompileResult>();
    const wantedRefs: ObjectRef[] = [];
    for (const key of new Set(parents.map((p) => p.workload))) {
      const parent = liveParent(parents, key);
      if (parent === undefined) continue;
      wantedRefs.push(...this.#read(parent).refs.objects);
      results.set(key, this.#compileOne(parent));
    }
    this.#api.retain(wantedRefs);
    this.#tokens.retain(new Set(parents.map((p) => p.uid)));
    for (const key of this.#compiled.keys()) if (!results.has(key)) this.#compiled.delete(key);
    return results;
  }

  /** Most versions of a pod say the same of what is compiled: then what it names is not looked for again. */
  #read({ pod, workload }: Parent): Reading {
    const known = this.#readings.get(pod);
    if (known !== undefined) return known;
    const content = contentOf(pod);
    const last = this.#compiled.get(workload)?.reading;
    const reading = last?.content === content ? last : { content, refs: references(pod) };
    this.#readings.set(pod, reading);
    return reading;
  }

  #compileOne(parent: Parent): CompileResult {
    const reading = this.#read(parent);
    const { content, refs } = reading;
    const inputs: unknown[] = [content];
    const secrets = new Map<string, Found<V1Secret>>();
    const configMaps = new Map<string, Found<V1ConfigMap>>();
    const trustBundles: ClusterTrustBundle[] = [];
    for (const ref of refs.objects) {
      const object = this.#api.object(ref);
      if (!object.known) return unknown(`${refName(ref)}: ${object.reason}`);
      if (ref.kind === 'ClusterTrustBundleList') {
        // The list is made anew with each call, what it holds is not.
        const { items } = object.value.found
          ? (object.value.object as ClusterTrustBundleList)
          : { items: [] };
        trustBundles.push(...items);
        inputs.push('trust bundles', ...items);
        continue;
      }
      if (ref.kind === 'Secret') secrets.set(objectKey(ref), object.value as Found<V1Secret>);
      else configMaps.set(objectKey(ref), object.value as Found<V1ConfigMap>);
      inputs.push(object.value.found ? object.value.object : 'missing');
    }
    const tokens = new Map<string, IssuedToken>();
    for (const ref of refs.tokens) {
      const token = this.#tokens.get(parent, ref);
      if (!token.known) return unknown(`token for ${ref.namespace}/${ref.serviceAccount}: ${token.reason}`);
      tokens.set(tokenKey(ref), token.value);
      inputs.push(token.value.token);
    }
    const cached = this.#compiled.get(parent.workload);
    if (cached !== undefined && same(cached.inputs, inputs)) return cached.result;
    const result = known(compile(parent.pod, { secrets, configMaps, tokens, trustBundles }, this.#node));
    this.#compiled.set(parent.workload, { reading, inputs, result });
    return result;
  }
}

/** Status updates are frequent and change nothing that is compiled. */
function contentOf(pod: V1Pod): string {
  const { resourceVersion: _, managedFields: __, ...metadata } = pod.metadata ?? {};
  return JSON.stringify([metadata, pod.spec]);
}

function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
