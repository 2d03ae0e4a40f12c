import type { Clock } from '../kernel/clock.ts';
import { asFault, Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Server } from '../snapshot/compile-snapshot.ts';
import type { Upstreams } from '../upstream/upstreams.ts';
import type { Answer, ClientFace, Dialogue, DialogueRequest, DialogueSink, ServerFacts, Servers } from './dialogue.ts';
import { createEraBook } from './eras.ts';
import { LegacyDialogue } from './legacy-dialogue.ts';
import { createLegacySessions, OtherEra } from './legacy-sessions.ts';
import { ModernDialogue, type OnOtherEra } from './modern-dialogue.ts';
import { createSendExchange } from './server-exchange.ts';
import { createFactBook, legacyFacts } from './server-facts.ts';
import { createToolHeaders } from './tool-headers.ts';
import { createWatches } from './watches.ts';

export interface ServersParts {
  readonly upstreams: Upstreams;
  readonly clock: Clock;
  readonly log: Log;
}

const sweepMs = 60_000;

/** The servers of one worker, each spoken to in its own era's words. */
export function createServers({ upstreams, clock, log }: ServersParts): Servers {
  const sendExchange = createSendExchange(upstreams);
  const eras = createEraBook(sendExchange, clock);
  const sessions = createLegacySessions(sendExchange, clock);
  const facts = createFactBook(sendExchange, sessions.nextId, clock);
  const toolHeaders = createToolHeaders(sendExchange, sessions.nextId, clock);
  const watches = createWatches({ sendExchange, eras, sessions, log });
  const modernParts = { sendExchange, toolHeaders, nextId: sessions.nextId };
  const legacyParts = { sendExchange, sessions };

  const sweep = setInterval(() => {
    sessions.sweep();
    eras.sweep();
    facts.sweep();
  }, sweepMs);
  sweep.unref();

  function begin(request: DialogueRequest, sink: DialogueSink): Dialogue {
    let inner: Dialogue | null = null;
    let over = false;
    let turned = false;

    /** Once: finds the era anew, and begins again in the other if it is another. What was refused so did not run. */
    const onOtherEra =
      (was: boolean): OnOtherEra =>
      (instead) => {
        if (over || turned) return instead();
        turned = true;
        eras.forget(request.server);
        Promise.resolve(speaksModern(request)).then((modern) => {
          if (over) return;
          if (modern === was) instead();
          else start(modern);
        }, failed);
      };

    function start(modern: boolean): void {
      if (over) return;
      if (modern) {
        const dialogue = new ModernDialogue(modernParts, request, sink, onOtherEra(true));
        inner = dialogue;
        dialogue.start();
        return;
      }
      const dialogue = new LegacyDialogue(legacyParts, request, sink, onOtherEra(false));
      inner = dialogue;
      dialogue.start().catch((thrown: unknown) => {
        if (thrown instanceof OtherEra) onOtherEra(false)(() => failed(otherEraFault(request.server, thrown)));
        else {
          // What is no legacy server may have been taken for one.
          eras.forget(request.server);
          failed(thrown);
        }
      });
    }

    function failed(thrown: unknown): void {
      if (over) return;
      over = true;
      sink.failed(asFault(thrown));
    }

    // Nothing reaches the sink before its dialogue is in the caller's hands.
    Promise.resolve(speaksModern(request)).then(start, failed);
    return {
      answer(key: string, answer: Answer) {
        inner?.answer(key, answer);
      },
      cancel() {
        over = true;
        inner?.cancel();
      },
    };
  }

  function speaksModern({ server, callerEra }: DialogueRequest): boolean | Promise<boolean> {
    if (callerEra !== 'legacy') return eras.speaksModern(server);
    const isLegacy = eras.known(server, 'legacy');
    return isLegacy === null ? eras.find(server, 'legacy').then((found) => !found) : !isLegacy;
  }

  async function factsOf(server: Server, face: ClientFace): Promise<ServerFacts> {
    for (let attempt = 0; ; attempt++) {
      try {
        return (await eras.speaksModern(server)) ? await facts.modern(server, face) : legacyFacts(await sessions.open(server, face));
      } catch (thrown) {
        if (!(thrown instanceof OtherEra)) throw thrown;
        if (attempt > 0) throw otherEraFault(server, thrown);
        eras.forget(server);
      }
    }
  }

  return {
    begin,
    serves: eras.known,
    findIfServes: eras.find,
    doubtEras: eras.doubt,
    facts: factsOf,
    watch: watches.add,
    close() {
      clearInterval(sweep);
      watches.close();
      return sessions.close();
    },
  };
}

function otherEraFault(server: Server, cause: OtherEra): Fault {
  return new Fault('upstream_invalid', { server: server.data.name, reason: cause.message });
}
