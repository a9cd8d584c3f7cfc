// Where another volume is mounted inside a material volume, the directory must be there already: the runtime cannot
// make it in a read-only mount. The kubelet makes the same ones in its own volumes (MakeNestedMountpoints).

import { containersOf } from './context.ts';
import { cleanPath } from './payload.ts';
import { asList, asObject, asString, type JsonObject } from './plain-json.ts';

/** Directories inside the volume called `name`, sorted, each once; one below another only where the kubelet makes both. */
export function nestedMountPoints(name: string, spec: JsonObject): string[] {
  const found = new Set<string>();
  for (const { container } of containersOf(spec)) {
    const mounts = asList(container.volumeMounts).flatMap((value) => {
      const mount = asObject(value);
      const path = cleanPath((asString(mount?.mountPath) ?? '').replace(/^\/+/, ''));
      return mount === undefined || path === undefined ? [] : [{ name: mount.name, path }];
    });
    const paths = mounts.map((mount) => mount.path).sort();
    for (const mine of mounts.filter((mount) => mount.name === name)) {
      let previous: string | undefined;
      for (const path of paths) {
        const below = path.startsWith(`${mine.path}/`);
        if (below && (previous === undefined || !path.startsWith(`${previous}/`))) {
          const inside = cleanPath(path.slice(mine.path.length + 1));
          if (inside !== undefined) {
            found.add(inside);
          }
          previous = path;
        }
      }
    }
  }
  return [...found].sort();
}
