import { bounds } from '../kernel/bounds.ts';
import { section, strict, whole } from './schema-parts.ts';

/** What is told of calls beside the record: metrics. */
export const telemetrySchema = section(
  strict({
    metrics: section(
      strict({
        tools_max: whole(0, 10_000)
          .default(bounds.metricToolsMax)
          .meta({ description: 'Tools that have a label of their own in metrics; calls of all others are counted as `other`.', examples: [200] }),
      }),
    ).meta({ description: 'Metrics for Prometheus, at `/metrics`.' }),
  }),
).meta({ description: 'What is told of calls beside the record of them.' });
