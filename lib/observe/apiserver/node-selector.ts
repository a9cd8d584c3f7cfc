// Does a pod template accept this node, by nodeSelector and required node affinity, as the scheduler and the
// DaemonSet controller read them (k8s.io/component-helpers nodeaffinity). Pure.

import type { V1NodeSelectorRequirement, V1NodeSelectorTerm, V1PodSpec } from '@kubernetes/client-node';
import type { NodeFacts } from '../../types/observation.ts';

export function acceptsNode(spec: V1PodSpec | undefined, node: NodeFacts): boolean {
  for (const [key, value] of Object.entries(spec?.nodeSelector ?? {})) {
    if (node.labels[key] !== value) return false;
  }
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  // Terms are alternatives.
  return required == null || required.nodeSelectorTerms.some((term) => termAccepts(term, node));
}

/** A term without requirements matches nothing. */
function termAccepts(term: V1NodeSelectorTerm, node: NodeFacts): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length + fields.length === 0) return false;
  return (
    expressions.every((requirement) => requirementMet(requirement, node.labels[requirement.key])) &&
    // metadata.name is the only field there is.
    fields.every((requirement) =>
      requirementMet(requirement, requirement.key === 'metadata.name' ? node.name : undefined),
    )
  );
}

function requirementMet(
  { operator, values = [] }: V1NodeSelectorRequirement,
  value: string | undefined,
): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return Number.parseInt(value ?? '', 10) > Number(values[0]);
    case 'Lt':
      return Number.parseInt(value ?? '', 10) < Number(values[0]);
    default:
      return false;
  }
}
