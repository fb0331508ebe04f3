import { defineConfig } from 'vitest/config';

const results = process.env.TANGEDGE_TEST_RESULTS;

/** Measures speed: runs when the others are done. */
const TIMED = 'tests/wasm/warmup.test.ts';

export default defineConfig({
  resolve: { alias: { tangedge: new URL('./src/index.ts', import.meta.url).pathname } },
  test: {
    projects: [
      { extends: true, test: { name: 'tests', include: ['tests/**/*.test.ts'], exclude: [TIMED] } },
      { extends: true, test: { name: 'timed', include: [TIMED], sequence: { groupOrder: 1 } } },
    ],
    globalSetup: 'tests/build.setup.ts',
    testTimeout: 60_000,
    pool: 'forks',
    isolate: false, // Files share a process: importing src/ once per file took as long as the tests.
    maxWorkers: '100%',
    reporters: results ? ['default', ['json', { outputFile: results }]] : ['default'],
  },
});
