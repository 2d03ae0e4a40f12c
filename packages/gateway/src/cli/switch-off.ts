import type { SwitchKind } from '../kernel/switch.ts';
import { answers, readAnswer } from './answers.ts';
import type { Command } from './command.ts';
import { openGatewayClient } from './gateway-client.ts';
import { plain } from './output.ts';
import { timeText } from './say.ts';
import { table } from './table.ts';
import { parseWhen } from './when.ts';

export function switchOff(kind: SwitchKind): Command {
  return async (context) => {
    const {
      arguments: [name = ''],
      options,
      out,
    } = context;
    const until = options.text('for');
    const client = openGatewayClient(context);
    const answer = await client.request('PUT', switchPath(kind, name), {
      body: {
        reason: options.text('reason') ?? '',
        ...(until === undefined ? {} : { until: new Date(parseWhen(until, Date.now(), 1, '--for')).toISOString() }),
      },
    });
    const { switch: off } = readAnswer(answers.switched, answer, client.where);
    out.result(
      off,
      () => `⊘ ${kind.replace('_', ' ')} ${plain(name)} is off, on every node within a second${off.until === null ? '' : `, until ${timeText(off.until)}`}.`,
    );
    return undefined;
  };
}

export function switchOn(kind: SwitchKind): Command {
  return async (context) => {
    const {
      arguments: [name = ''],
      out,
    } = context;
    await openGatewayClient(context).request('DELETE', switchPath(kind, name));
    out.result({ kind, name, on: true }, () => `✓ ${kind.replace('_', ' ')} ${plain(name)} is on again.`);
    return undefined;
  };
}

export const switchesList: Command = async (context) => {
  const { out } = context;
  const client = openGatewayClient(context);
  const answer = await client.request('GET', '/v1/switches');
  const { switches } = readAnswer(answers.switches, answer, client.where);
  out.list(answer, switches, () =>
    switches.length === 0
      ? 'Nothing is switched off.'
      : table(
          [{ title: 'KIND' }, { title: 'NAME' }, { title: 'REASON' }, { title: 'SINCE' }, { title: 'UNTIL' }, { title: 'BY' }],
          switches.map((one) => [
            one.kind,
            plain(one.name, 60),
            plain(one.reason, 60),
            timeText(one.changed_at),
            one.until === null ? 'it is switched on' : timeText(one.until),
            plain(one.changed_by_name ?? one.changed_by),
          ]),
          out.paint.dim,
        ),
  );
  return undefined;
};

function switchPath(kind: SwitchKind, name: string): string {
  return `/v1/switches/${kind}/${encodeURIComponent(name)}`;
}
