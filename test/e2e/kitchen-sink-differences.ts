// Where a checkpoint is known to see something else than its parent, one by one, and why that is right. Whatever is not
// named here is a fault. A difference that is named and not there is one as well, so the table stays true.

interface KnownDifference {
  readonly name: string;
  readonly why: string;
  /** A line of a listing without the difference; undefined leaves the line out. */
  level(line: string): string | undefined;
  /** It may happen not to show. */
  readonly byChance?: true;
}

/** Volumes that are the same kind in the checkpoint, and must be the same to the last bit. */
const kept = 'empty|host|memory|of-the-node|same-fields|sub';
const ownDirectory = new RegExp(
  `^(/sink/(?!(?:${kept}) )[^/ ]+|/var/run/secrets/kubernetes\\.io/serviceaccount) d ([1-3]?)777 `,
);
/** Projected volumes that hold a token; the account's own is one since 1.24. */
const tokenVolume = String.raw`/sink/(?:mixed|only-token)|/var/run/secrets/kubernetes\.io/serviceaccount`;
/** Path and claims; a JWT's begin with `{"`, which is eyJ in base64. */
const tokenLine = new RegExp(String.raw`^((?:${tokenVolume})/\.\.[^/]+/token) (eyJ\S+)$`);
const tokenDigest = new RegExp(String.raw`^[0-9a-f]{64} {2}((?:${tokenVolume})/\S*token)$`);

export const knownDifferences: readonly KnownDifference[] = [
  {
    name: 'name of the directory behind ..data',
    why: 'a time stamp of the kubelet, a count of ours; programs go through the links',
    level: (line) => line.replaceAll(/\.\.(?:\d{4}(?:_\d\d){5}\.\d+|\d+)(?=[/ ]|$)/g, '..payload'),
  },
  {
    name: "mode of a volume's own directory",
    why: 'anybody may write there in a tmpfs or emptyDir of the kubelet, root alone on our disk; the mount is read-only',
    level: (line) =>
      line.replace(
        ownDirectory,
        (_, path: string, bits: string) =>
          // Setgid comes from fsGroup, and is no part of the difference.
          `${path} d ${Number(bits) >= 2 ? '2' : ''}755 `,
      ),
  },
  {
    name: 'bytes of tokens',
    why: 'each is issued to its holder, for the same account, pod, audience and time',
    level: (line) => withoutIssue(line.replace(tokenDigest, '$1')),
  },
  {
    name: 'annotations of the kubelet',
    why: 'it adds where it has a pod from, and since when, to its own copy; the API does not know them',
    level: (line) =>
      /^\S+\/annotations kubernetes\.io\/config\.(?:seen|source)=/.test(line)
        ? undefined
        : line.replace(/^[0-9a-f]{64} {2}(\S+\/annotations)$/, '$1'),
  },
  {
    name: 'host name on the pod network',
    why: "a name that a controller made up is the pod's own; a checkpoint has its workload's and the node's",
    level: (line) => line.replace(/^((?:HOSTNAME=)?|\S+\t)kitchen-sink-\w+$/, '$1kitchen-sink-?'),
  },
  {
    name: 'address on the pod network',
    why: 'handed out anew for each pod',
    level: (line) => line.replace(/^(POD_IP=)?10\.250\.\d+\.\d+(?=\t(?:kitchen-sink-|sink-alone)|$)/, '$1?'),
    byChance: true,
  },
  {
    name: 'link variables of the kubernetes Service',
    why: 'KUBERNETES_SERVICE_HOST and _PORT are carried; the form that Docker links had, nobody reads',
    level: (line) => (/^KUBERNETES_PORT(?:_443_TCP\w*)?=/.test(line) ? undefined : line),
  },
];

/** A line of the listing's tokens with the claims in plain text, but for when it was issued, and as which one (`jti`). */
function withoutIssue(line: string): string {
  const [, path, encoded] = tokenLine.exec(line) ?? [];
  if (path === undefined || encoded === undefined) return line;
  const claims = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
  const { exp, iat, nbf: _, jti: __, 'kubernetes.io': holder, ...lasting } = claims;
  const { warnafter, ...bound } = holder;
  const times = { seconds: exp - iat, ...(warnafter === undefined ? {} : { warnsAfter: warnafter - iat }) };
  return `${path} ${JSON.stringify({ ...lasting, bound, ...times })}`;
}

/** The listing without the known differences but those of the names in `but`. */
export function levelled(listing: string, but: ReadonlySet<string> = new Set()): string[] {
  const levels = knownDifferences.filter(({ name }) => !but.has(name));
  const sections: string[][] = [];
  for (const written of listing.split('\n')) {
    const line = levels.reduce<string | undefined>(
      (text, { level }) => (text === undefined ? undefined : level(text)),
      written,
    );
    if (written.startsWith('== ') || sections.length === 0) sections.push([]);
    if (line !== undefined) sections.at(-1)?.push(line);
  }
  // The names of directories decided the order of the lines.
  return sections.flatMap(([title = '', ...facts]) => [title, ...facts.sort()]);
}

/** Lines that only one of them has, as a person reads a diff. */
export function differing(parent: readonly string[], checkpoint: readonly string[]): string[] {
  const [inParent, inCheckpoint] = [new Set(parent), new Set(checkpoint)];
  return [
    ...parent.filter((line) => !inCheckpoint.has(line)).map((line) => `parent      ${line}`),
    ...checkpoint.filter((line) => !inParent.has(line)).map((line) => `checkpoint  ${line}`),
  ];
}
