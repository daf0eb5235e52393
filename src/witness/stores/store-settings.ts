/** Where a record lies, whatever it lies in. */
export interface StoreSettings {
  /** Table or bucket. */
  readonly place: string;
  readonly key: string;
  /** Absent: the environment's. */
  readonly region?: string | undefined;
  /** URL instead of the cloud's own. */
  readonly endpoint?: string | undefined;
}
