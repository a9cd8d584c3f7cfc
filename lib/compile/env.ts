// A container's environment as literals: envFrom first, then env, later ones win, as the kubelet builds it
// (makeEnvironmentVariables). Nothing in it asks the API for an object.

import type { CompileContext } from './context.ts';
import { fromKey, fromSource, isVariableName, literal } from './env-from-objects.ts';
import { fromField, fromResource } from './env-from-pod.ts';
import type { Findings } from './findings.ts';
import { quoted } from './payload.ts';
import { asList, asObject, asString, type JsonObject } from './plain-json.ts';

export function compileEnv(
  container: JsonObject,
  path: string,
  context: CompileContext,
  findings: Findings,
): JsonObject[] {
  const variables = [
    ...asList(container.envFrom).flatMap((source, index) =>
      fromSource(asObject(source) ?? {}, `${path}.envFrom[${index}]`, context, findings),
    ),
    ...asList(container.env).flatMap((variable, index) =>
      fromVariable(asObject(variable) ?? {}, `${path}.env[${index}]`, container, context, findings),
    ),
  ];
  return [...serviceVariables(variables, path, context, findings), ...variables];
}

/** First, so that whatever the container sets itself wins. */
function serviceVariables(
  variables: readonly JsonObject[],
  path: string,
  context: CompileContext,
  findings: Findings,
): JsonObject[] {
  const service = context.node.kubernetesService;
  if (service === undefined) {
    return [];
  }
  findings.note(
    `${path}.env`,
    'rewritten',
    'KUBERNETES_SERVICE_HOST and _PORT added as literals: a kubelet without the API gives a static pod none',
  );
  const port = String(service.port);
  return [
    literal('KUBERNETES_SERVICE_HOST', service.host),
    literal('KUBERNETES_SERVICE_PORT', port),
    literal('KUBERNETES_SERVICE_PORT_HTTPS', port),
  ].filter((added) => !variables.some((variable) => variable.name === added.name));
}

function fromVariable(
  variable: JsonObject,
  at: string,
  container: JsonObject,
  context: CompileContext,
  findings: Findings,
): JsonObject[] {
  const name = asString(variable.name);
  if (name === undefined || (variable.value !== undefined && asString(variable.value) === undefined)) {
    findings.refuse(at, 'must have a name, and a value in quotes; correct it in the pod');
    return [];
  }
  if (!isVariableName(name)) {
    findings.refuse(
      `${at}.name`,
      `${quoted(name)} is a name for which a kubelet of 1.34 refuses a static pod; begin it with a letter, - _ or . and ` +
        'go on with those or digits',
    );
    return [];
  }
  const from = asObject(variable.valueFrom);
  // The kubelet looks at valueFrom only when value is empty.
  if (variable.value || (from === undefined && variable.valueFrom === undefined)) {
    const { valueFrom: _, ...plainVariable } = variable;
    return [plainVariable];
  }
  for (const [source, reference] of Object.entries(from ?? {})) {
    const path = `${at}.valueFrom.${source}`;
    const object = asObject(reference) ?? {};
    switch (source) {
      case 'configMapKeyRef':
      case 'secretKeyRef':
        return fromKey(
          name,
          source === 'secretKeyRef' ? 'Secret' : 'ConfigMap',
          object,
          path,
          context,
          findings,
        );
      case 'fieldRef':
        return fromField(name, object, variable, path, context, findings);
      case 'resourceFieldRef':
        return fromResource(name, object, variable, path, container, context, findings);
      case 'fileKeyRef':
        // A file of an emptyDir, written by an init container: no API object (kubernetes 1.34).
        return [variable];
    }
  }
  findings.refuse(`${at}.valueFrom`, 'is of no type known to this version; set a value');
  return [];
}
