/** Bugs as one could make them, one place each: what stands there, and what stands there instead. */
export interface PlantedBug {
  readonly target: string;
  readonly file: string;
  /** Stands there once. */
  readonly right: string;
  readonly wrong: string;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [];
