/** Between the witness's thread and the agent's. */
import type { Reading, WitnessRecord, Writing } from './store.ts';
import type { StoreSettings } from './stores/store-settings.ts';

export interface WitnessThreadData extends StoreSettings {
  readonly kind: 'dynamodb' | 's3' | 'gcs';
}

export type ToThread =
  | { readonly kind: 'read'; readonly number: number }
  | {
      readonly kind: 'write';
      readonly number: number;
      readonly record: WitnessRecord;
      readonly version: string | undefined;
    }
  | { readonly kind: 'abort'; readonly number: number };

export type FromThread =
  | { readonly kind: 'answer'; readonly number: number; readonly answer: Reading | Writing }
  | { readonly kind: 'failed'; readonly number: number; readonly reason: string };
