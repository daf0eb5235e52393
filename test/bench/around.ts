/** Does something besides at each call of a method, in whatever program it is loaded into. */

/** What was called with what; `call` does it. */
export interface Called {
  readonly self: unknown;
  readonly all: readonly unknown[];
  readonly call: () => unknown;
}

export function around<K extends string>(
  of: { [key in K]: (...all: never[]) => unknown },
  method: K,
  besides: (called: Called) => unknown,
): void {
  const original = of[method] as (...all: unknown[]) => unknown;
  (of as Record<string, unknown>)[method] = function noted(this: unknown, ...all: unknown[]): unknown {
    return besides({ self: this, all, call: () => original.apply(this, all) });
  };
}
