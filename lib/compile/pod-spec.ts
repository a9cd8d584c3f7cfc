// The checkpoint's PodSpec: the table's kept fields, and the few that need a decision over several of them.

import type { MaterialVolume } from '../types/checkpoint.ts';
import { applyTable } from './apply-table.ts';
import { compileContainer } from './containers.ts';
import { type CompileContext, containersOf } from './context.ts';
import { POD_SPEC_FIELDS } from './field-table.ts';
import type { Findings } from './findings.ts';
import { asList, asObject, asString, type JsonObject } from './plain-json.ts';
import { compileResources } from './resources.ts';
import { checkStandby } from './standby.ts';
import { compileVolumes } from './volumes.ts';

export interface CompiledSpec {
  readonly spec: JsonObject;
  readonly material: readonly MaterialVolume[];
}

/** `keepsName`: the pod's name is the workload's own, and not one that its controller made up. */
export function compileSpec(context: CompileContext, keepsName: boolean, findings: Findings): CompiledSpec {
  const source = context.spec;
  const out = applyTable(source, POD_SPEC_FIELDS, 'spec', findings);
  const { volumes, material } = compileVolumes(context, findings);
  const materialNames = new Set(material.map((volume) => volume.name));
  for (const list of ['initContainers', 'containers'] as const) {
    const compiled = containersOf(source)
      .filter((entry) => entry.list === list)
      .map(({ container, path }) =>
        compileContainer(container, path, list, context, materialNames, findings),
      );
    if (compiled.length > 0) {
      out[list] = compiled;
    }
  }
  if (asList(source.containers).length === 0) {
    findings.refuse('spec.containers', 'a pod needs at least one container');
  }
  if (volumes.length > 0) {
    out.volumes = volumes;
  }
  Object.assign(out, compileHostname(context, keepsName, findings), compilePriority(source, findings));
  const resources = asObject(source.resources);
  if (resources !== undefined) {
    out.resources = compileResources(resources, 'spec.resources', findings);
  }
  if (asList(source.resourceClaims).length > 0) {
    // A container that uses one is refused where it does.
    findings.note('spec.resourceClaims', 'dropped', 'a static pod may name no API object');
  }
  if (context.options.standbyLock !== undefined) {
    checkStandby(source, context.options.standbyLock, findings);
  }
  return { spec: out, material };
}

const HOSTNAME_LENGTH_MAX = 63;

/**
 * Off the host network a pod sees its own name as hostname, and a static pod's name is suffixed. A name that the
 * controller made up is not pinned: nothing can depend on it, and each new pod would be a new revision.
 */
function compileHostname(context: CompileContext, keepsName: boolean, findings: Findings): JsonObject {
  const hostname = asString(context.spec.hostname);
  if (hostname !== undefined && hostname !== '') {
    return { hostname };
  }
  const name = asString(asObject(context.pod.metadata)?.name) ?? '';
  if (context.hostNetwork) {
    return {};
  }
  const short = name.slice(0, HOSTNAME_LENGTH_MAX).replace(/[-.]+$/, '');
  if (keepsName && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(short)) {
    findings.note('spec.hostname', 'rewritten', "pinned to the pod's name, which the kubelet would suffix");
    return { hostname: short };
  }
  findings.note(
    'spec.hostname',
    'rewritten',
    "becomes the workload's name and the node's, instead of a pod's own name",
  );
  return {};
}

/** Values of the two built-in classes; the kubelet treats a static pod as node-critical only by the number. */
const BUILT_IN_PRIORITIES: Readonly<Record<string, number>> = {
  'system-node-critical': 2_000_001_000,
  'system-cluster-critical': 2_000_000_000,
};

/** The Priority admission refuses a mirror pod whose number is not its class's, so they stay or go together. */
function compilePriority(source: JsonObject, findings: Findings): JsonObject {
  const priorityClassName = asString(source.priorityClassName) ?? '';
  const builtIn = Object.hasOwn(BUILT_IN_PRIORITIES, priorityClassName)
    ? BUILT_IN_PRIORITIES[priorityClassName]
    : undefined;
  const priority = source.priority ?? builtIn;
  if (priorityClassName === '' || priority === undefined) {
    if (priorityClassName !== '' || (source.priority !== undefined && source.priority !== 0)) {
      findings.note(
        'spec.priority',
        'dropped',
        'number and class are only right together, and one is missing',
      );
    }
    return {};
  }
  const { preemptionPolicy } = source;
  return { priorityClassName, priority, ...(preemptionPolicy === undefined ? {} : { preemptionPolicy }) };
}
