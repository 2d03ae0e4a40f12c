import type { ExportResult } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { expect, test } from 'vitest';
import { startOtlpReceiver } from '../../../../../test/support/otlp-receiver.ts';
import { guardLookup } from '../../kernel/outward-address.ts';
import { openExporters } from './open-exporters.ts';

const nothing: ResourceMetrics = { resource: resourceFromAttributes({}), scopeMetrics: [] };

test.each(['http/protobuf', 'http/json', 'grpc'] as const)(
  'E1, E3: over %s a receiver is connected to by the addresses of its name, and not where one of them is an address that nothing is sent to',
  { timeout: 30_000 },
  async (protocol) => {
    const receiver = await startOtlpReceiver(protocol === 'grpc' ? 'grpc' : 'http');
    const { port } = new URL(receiver.url);
    async function exportTo(...addresses: string[]): Promise<{ result: ExportResult; asked: string[] }> {
      const asked: string[] = [];
      const exporters = await openExporters(
        {
          endpoint: `http://collector.example:${port}`,
          protocol,
          signals: ['metrics'],
          stops: true,
          compression: 'none',
          timeoutMs: 3_000,
          headers: {},
          resource: {},
          version: '1',
        },
        guardLookup((name, _options, done) => {
          asked.push(name);
          done(
            null,
            addresses.map((address) => ({ address, family: 4 })),
          );
        }),
      );
      const result = await new Promise<ExportResult>((resolve) => exporters.metrics.export(nothing, resolve));
      await Promise.all([exporters.traces.shutdown(), exporters.metrics.shutdown(), exporters.logs.shutdown()]);
      return { result, asked };
    }

    const well = await exportTo('127.0.0.1');
    expect(well.result).toMatchObject({ code: 0 });
    expect(well.asked).toContain('collector.example');
    const refused = await exportTo('127.0.0.1', '169.254.169.254');
    expect(refused.result).toMatchObject({ code: 1 });
    expect(String(refused.result.error?.message)).toContain('never sent to');
    expect(receiver.requests.length).toBe(1);
    await receiver.stop();
  },
);
