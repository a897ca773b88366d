import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/state-folder.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Child processes: a crash or a leaked handle in the addon must not take the runner with it.
    pool: 'forks',
    maxWorkers: 2,
  },
});
