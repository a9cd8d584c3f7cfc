// A fact from outside is either known or unknown with the reason. There is no third reading:
// an error is never an empty answer (rule 1: unknown is not stopped).

export type Observed<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly reason: string };

export function known<T>(value: T): Observed<T> {
  return { known: true, value };
}

export function unknown(reason: string): { readonly known: false; readonly reason: string } {
  return { known: false, reason };
}
