/**
 * In CI the property tests draw the same inputs in every run, so that what it says can be played again and depends on the
 * commit alone. Elsewhere they draw new ones each time, and fast-check prints the seed of what it finds; `npm run fuzz` draws
 * by the million.
 */
import fc from 'fast-check';

const SEED = 20_261_128;

if (process.env['CI'] === 'true') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: SEED });
