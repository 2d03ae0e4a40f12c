import { defineConfig } from 'vitest/config';
import { LongFilesFirst } from './tools/test-order.ts';

if (!process.versions.node.startsWith('24.')) {
  throw new Error(`this is Node.js ${process.versions.node}; run the tests on the pinned one: npm test -- PATH, or npx vitest run PATH`);
}

export default defineConfig({
  test: {
    include: ['packages/**/*.test.ts', 'tools/**/*.test.ts', 'test/**/*.test.ts'],
    // Tests start processes, sockets and stores of their own: each file gets a process that can be thrown away.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongFilesFirst },
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 10_000,
    // A test left alone by `.only` would hide all others.
    allowOnly: false,
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text-summary', 'html', 'lcov'],
    },
  },
});
