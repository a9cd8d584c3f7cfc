// The kubelet's rules for volumes of a static pod (HasAPIObjectReference, kubernetes#131837, and validation).
// Part of kubelet-acceptance.ts, and like it independent of the compiler.

/** Types a kubelet starts without asking the API for an object. Everything else is a problem, unknown ones too. */
const LOCAL: ReadonlySet<string> = new Set([
  'downwardAPI',
  'emptyDir',
  'fc',
  'flexVolume',
  'hostPath',
  'image',
  'iscsi',
  'nfs',
  'projected',
]);

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** Appends to `problems`; answers the volumes' names with the hostPath of those that have one. */
export function volumeProblems(volumes: unknown, problems: string[]): Map<string, string | undefined> {
  const names = new Map<string, string | undefined>();
  if (volumes !== undefined && !Array.isArray(volumes)) {
    problems.push('spec.volumes must be a list');
    return names;
  }
  for (const [index, value] of (volumes ?? []).entries()) {
    const at = `spec.volumes[${index}]`;
    const { name, ...types } = fieldsOf(value);
    if (typeof name !== 'string' || !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name) || names.has(name)) {
      problems.push(`${at}.name must be a DNS label, used once`);
    }
    const [type, ...others] = Object.keys(types);
    if (type === undefined || others.length > 0) {
      problems.push(`${at} must have exactly one type`);
      continue;
    }
    const source = fieldsOf(types[type]);
    names.set(String(name), type === 'hostPath' ? String(source.path) : undefined);
    problems.push(...sourceProblems(type, source).map((problem) => `${at}.${type} ${problem}`));
  }
  return names;
}

function sourceProblems(type: string, source: Fields): string[] {
  if (!LOCAL.has(type)) {
    return ['names an API object, or is a type no kubelet accepts here'];
  }
  const problems: string[] = [];
  if (source.secretRef !== undefined) {
    problems.push('names a Secret');
  }
  if (type === 'hostPath') {
    const path = source.path;
    if (typeof path !== 'string' || path === '' || path.split('/').includes('..')) {
      problems.push('must have a path without ..');
    }
  }
  if (type === 'image' && source.pullPolicy === 'Always') {
    problems.push('pulls at every start');
  }
  if (type === 'projected') {
    for (const projection of Array.isArray(source.sources) ? source.sources : []) {
      const kinds = Object.keys(fieldsOf(projection));
      if (kinds.length !== 1 || kinds[0] !== 'downwardAPI') {
        problems.push(`has a source the kubelet refuses: ${kinds.join(', ') || 'none'}`);
      }
    }
  }
  return problems;
}
