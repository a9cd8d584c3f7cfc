// Kubernetes quantities ("250m", "1Gi", "1e3"), as far as resourceFieldRef needs them. Exact: whole nanounits.

const SUFFIXES: ReadonlyMap<string, readonly [bigint, bigint]> = new Map([
  ['n', [1n, 1_000_000_000n]],
  ['u', [1n, 1_000_000n]],
  ['m', [1n, 1000n]],
  ['', [1n, 1n]],
  ['k', [10n ** 3n, 1n]],
  ['M', [10n ** 6n, 1n]],
  ['G', [10n ** 9n, 1n]],
  ['T', [10n ** 12n, 1n]],
  ['P', [10n ** 15n, 1n]],
  ['E', [10n ** 18n, 1n]],
  ['Ki', [2n ** 10n, 1n]],
  ['Mi', [2n ** 20n, 1n]],
  ['Gi', [2n ** 30n, 1n]],
  ['Ti', [2n ** 40n, 1n]],
  ['Pi', [2n ** 50n, 1n]],
  ['Ei', [2n ** 60n, 1n]],
]);

const NANO = 1_000_000_000n;

/** The quantity in nanounits, rounded up, or undefined when the text is none. */
export function parseQuantity(text: string): bigint | undefined {
  const match = /^([+-]?)(\d{1,30})?(?:\.(\d{0,30}))?(?:[eE]([+-]?\d{1,2})|([a-zA-Z]{0,2}))$/.exec(text);
  if (match === null || (match[2] === undefined && (match[3] ?? '') === '')) {
    return undefined;
  }
  const [, sign, whole = '0', fraction = '', exponent, suffix = ''] = match;
  let numerator = BigInt(whole + fraction) * NANO;
  let denominator = 10n ** BigInt(fraction.length);
  if (exponent !== undefined) {
    const power = Number(exponent);
    numerator *= 10n ** BigInt(Math.max(power, 0));
    denominator *= 10n ** BigInt(Math.max(-power, 0));
  } else {
    const scale = SUFFIXES.get(suffix);
    if (scale === undefined) {
      return undefined;
    }
    numerator *= scale[0];
    denominator *= scale[1];
  }
  return (sign === '-' ? -1n : 1n) * divideUp(numerator, denominator);
}

/** What the kubelet answers for `resourceFieldRef`: value / divisor, rounded up; cpu is counted in thousandths first. */
export function divideQuantity(resource: string, value: bigint, divisor: bigint): string | undefined {
  const unit = resource.endsWith('cpu') ? NANO / 1000n : NANO;
  const units = divideUp(divisor, unit);
  return units <= 0n || value < 0n ? undefined : divideUp(divideUp(value, unit), units).toString();
}

function divideUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}
