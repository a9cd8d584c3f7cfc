// The ServiceAccount admission gives every new pod its token volume under another random name
// (`kube-api-access-x7f2k`). In a checkpoint it has one name, so that equal content stays an equal revision.

import { asList, asObject, asString, type Json, type JsonObject } from './plain-json.ts';

const STABLE_NAME = 'kube-api-access';

/** The spec with the injected volume renamed wherever it is named; as it was when there is none, or the name is taken. */
export function nameInjectedVolume(spec: JsonObject): JsonObject {
  const volumes = asList(spec.volumes).map(asObject);
  const injected = volumes.filter((volume) =>
    /^kube-api-access-[a-z0-9]{5}$/.test(asString(volume?.name) ?? ''),
  );
  const name = injected[0]?.name;
  if (injected.length !== 1 || volumes.some((volume) => volume?.name === STABLE_NAME)) {
    return spec;
  }
  const renamed = (value: Json): Json => {
    const object = asObject(value);
    return object?.name === name ? { ...object, name: STABLE_NAME } : value;
  };
  const out: JsonObject = { ...spec, volumes: asList(spec.volumes).map(renamed) };
  for (const list of ['initContainers', 'containers']) {
    if (Array.isArray(spec[list])) {
      out[list] = asList(spec[list]).map((value) => {
        const container = asObject(value);
        return Array.isArray(container?.volumeMounts)
          ? { ...container, volumeMounts: asList(container.volumeMounts).map(renamed) }
          : value;
      });
    }
  }
  return out;
}
