/** `transforms` as it is written → the rules that a worker compiles. */
import type { RequestRuleData, ResponseRuleData } from '../snapshot/transform-data.ts';
import type { TransformConfig } from './config.ts';
import type { TransformEntry } from './schema-transforms.ts';

export function buildTransforms(entries: readonly TransformEntry[]): readonly TransformConfig[] {
  return entries.map((entry) => ({
    server: entry.server,
    tool: entry.tool ?? null,
    request: entry.request.flatMap(requestRules),
    mirrors: entry.mirrors,
    headers: entry.headers,
    response: entry.response.flatMap(responseRules),
  }));
}

function requestRules(rule: TransformEntry['request'][number]): RequestRuleData[] {
  const rules: RequestRuleData[] = [];
  if (rule.rename) rules.push({ kind: 'rename', path: rule.rename.from, to: rule.rename.to });
  if (rule.default) rules.push({ kind: 'default', path: rule.default.path, value: JSON.stringify(rule.default.value) });
  if (rule.set) rules.push({ kind: 'set', path: rule.set.path, value: JSON.stringify(rule.set.value) });
  if (rule.remove) rules.push({ kind: 'remove', path: rule.remove.path });
  if (rule.restrict) {
    const { path, enum: values, pattern, min, max } = rule.restrict;
    rules.push({ kind: 'restrict', path, enum: values ?? null, pattern: pattern ?? null, min: min ?? null, max: max ?? null });
  }
  return rules;
}

function responseRules(rule: TransformEntry['response'][number]): ResponseRuleData[] {
  const rules: ResponseRuleData[] = [];
  if (rule.rename) rules.push({ kind: 'rename', path: rule.rename.from, to: rule.rename.to });
  if (rule.remove) rules.push({ kind: 'remove', path: rule.remove.path });
  if (rule.redact) rules.push({ kind: 'redact', path: rule.redact.path, pattern: rule.redact.pattern ?? null, with: rule.redact.with });
  return rules;
}
