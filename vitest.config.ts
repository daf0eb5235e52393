import { defineConfig } from 'vitest/config';

/** Two projects: `gate` needs nothing but Node; `kernel` needs network namespaces and is started by test/run.ts inside them. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'gate',
          include: ['test/{unit,golden,conformance,architecture,terraform}/**/*.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
          setupFiles: ['test/steady-seeds.ts'],
          // Some play thousands of inputs, and a busy machine takes ten times as long.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
