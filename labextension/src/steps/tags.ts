/** Cell tags: read and rewritten without touching what is not ours. */

export const ROLES = ['parameters', 'imports', 'functions', 'metrics', 'skip'] as const;
export type Role = (typeof ROLES)[number];

const SPECIAL: Record<string, Role> = {
  parameters: 'parameters',
  'pipeline-parameters': 'parameters',
  'injected-parameters': 'parameters',
  imports: 'imports',
  functions: 'functions',
  metrics: 'metrics',
  'pipeline-metrics': 'metrics',
  skip: 'skip'
};
const STEP = /^(step|block):(.+)$/u;
const AFTER = /^prev:(.+)$/u;
const STEP_NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u;

/** What the tags of a cell say. */
export interface ICellTags {
  step: string;
  role: Role | '';
  after: string[];
  gate: boolean;
}

export function readTags(tags: readonly string[]): ICellTags {
  const role = tags.map(tag => SPECIAL[tag]).find(Boolean) ?? '';
  const ruled = role !== '' && role !== 'metrics';
  return {
    role,
    step: ruled ? '' : (tags.map(tag => STEP.exec(tag)?.[2]).find(Boolean) ?? ''),
    after: ruled ? [] : tags.flatMap(tag => AFTER.exec(tag)?.[1] ?? []),
    gate: tags.includes('gate')
  };
}

/** Whether any tag means something here. */
export function isTagged(tags: readonly string[]): boolean {
  const told = readTags(tags);
  return told.step !== '' || told.role !== '';
}

/** Why a text can't name a step; '' if it can. */
export function whyNoName(name: string): '' | 'empty' | 'characters' {
  return name === '' ? 'empty' : STEP_NAME.test(name) ? '' : 'characters';
}

/** The nearest text that can name a step. */
export function asName(text: string): string {
  return text
    .trim()
    .replace(/[^\p{L}\p{N}_.-]+/gu, '_')
    .replace(/^[_.-]+|_+$/gu, '');
}

/** The tags with these of ours instead; a tag that stays keeps its place, and so do all others. */
export function withTags(tags: readonly string[], wanted: ICellTags): string[] {
  const before = readTags(tags);
  const made: string[] = [];
  const left = new Set(wanted.after);
  let step = wanted.step;
  let role = wanted.role;
  let gate = wanted.gate;
  for (const tag of tags) {
    const named = STEP.exec(tag);
    const after = AFTER.exec(tag)?.[1];
    if (SPECIAL[tag]) {
      if (role && SPECIAL[tag] === role) {
        made.push(tag);
        role = '';
      } else if (role && before.role) {
        made.push(role);
        role = '';
      }
    } else if (named) {
      if (step) {
        made.push(`${named[1]}:${step}`);
        step = '';
      }
    } else if (after !== undefined) {
      if (left.delete(after)) {
        made.push(tag);
      }
    } else if (tag === 'gate') {
      if (gate) {
        made.push(tag);
        gate = false;
      }
    } else {
      made.push(tag);
    }
  }
  if (role) {
    made.push(role);
  }
  if (step) {
    made.push(`step:${step}`);
  }
  return [...made, ...[...left].map(name => `prev:${name}`), ...(gate ? ['gate'] : [])];
}
