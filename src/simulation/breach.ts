/** A broken promise: which one, when, and who. Thrown by a checker, caught by the runner. */
export class Breach extends Error {
  readonly invariant: string;

  constructor(invariant: string, text: string) {
    super(text);
    this.name = 'Breach';
    this.invariant = invariant;
  }
}
