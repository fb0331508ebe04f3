import { defineConfig } from 'vitest/config';

const results = process.env.TANGEDGE_TEST_RESULTS;

export default defineConfig({
  resolve: { alias: { tangedge: new URL('./src/index.ts', import.meta.url).pathname } },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: 'tests/build.setup.ts',
    testTimeout: 60_000,
    pool: 'forks',
    isolate: false, // Files share a process: importing src/ once per file took as long as the tests.
    maxWorkers: '100%',
    reporters: results ? ['default', ['json', { outputFile: results }]] : ['default'],
  },
});
