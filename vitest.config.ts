import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { tangedge: new URL('./src/index.ts', import.meta.url).pathname } },
  test: { include: ['tests/**/*.test.ts'], testTimeout: 60_000, pool: 'forks' },
});
