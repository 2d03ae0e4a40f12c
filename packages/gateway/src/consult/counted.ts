import type { ConsultFailure } from '../kernel/consult-failures.ts';
import { engineBucketsSeconds } from '../kernel/metric-table.ts';
import type { Consultant, ConsultantReport, Question } from './consultant.ts';
import type { Opinion } from './opinion.ts';

/** How an engine is asked; rejects and throws nothing. */
export interface Engine {
  readonly name: string;
  ask(question: Question): Promise<Opinion>;
  close(): Promise<void>;
}

/** It is well, and says nothing of this one call. */
const answered: ReadonlySet<ConsultFailure> = new Set<ConsultFailure>(['undefined', 'unreadable']);

/** An engine whose answers are counted and timed. */
export function createCountedConsultant(engine: Engine): Consultant {
  const opinions: Record<Opinion['decision'], number> = { allow: 0, deny: 0, hold: 0, none: 0 };
  const failures: Partial<Record<ConsultFailure, number>> = {};
  const seconds = Array<number>(engineBucketsSeconds.length + 1).fill(0);
  let secondsTotal = 0;
  let failing: ConsultFailure | null = null;
  return {
    name: engine.name,
    async ask(question) {
      const startedAt = performance.now();
      const opinion = await engine.ask(question);
      const took = (performance.now() - startedAt) / 1000;
      secondsTotal += took;
      const bucket = engineBucketsSeconds.findIndex((most) => took <= most);
      const at = bucket === -1 ? engineBucketsSeconds.length : bucket;
      seconds[at] = (seconds[at] ?? 0) + 1;
      opinions[opinion.decision]++;
      const failure = opinion.decision === 'none' ? opinion.reason : null;
      if (failure !== null) failures[failure] = (failures[failure] ?? 0) + 1;
      // A call that is too large was not asked of it.
      if (failure !== 'too_large') failing = failure === null || answered.has(failure) ? null : failure;
      return opinion;
    },
    report: (): ConsultantReport => ({ opinions: { ...opinions }, failures: { ...failures }, seconds: [...seconds], secondsTotal, failing }),
    close: () => engine.close(),
  };
}
