/** Cell tags: read and rewritten without touching what is not ours. */

export const ROLES = ['parameters', 'imports', 'functions', 'metrics', 'skip'] as const;
export type Role = (typeof ROLES)[number];

const ROLE_TAGS: Record<string, Role> = {
  parameters: 'parameters',
  'pipeline-parameters': 'parameters',
  'injected-parameters': 'parameters',
  imports: 'imports',
  functions: 'functions',
  metrics: 'metrics',
  'pipeline-metrics': 'metrics',
  skip: 'skip'
};
const SKIP_EXECUTION_TAG = 'skip-execution';
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
  const role = tags.includes(SKIP_EXECUTION_TAG)
    ? 'skip'
    : (tags.map(tag => ROLE_TAGS[tag]).find(Boolean) ?? '');
  const isExclusive = role !== '' && role !== 'metrics';
  return {
    role,
    step: isExclusive ? '' : (tags.map(tag => STEP.exec(tag)?.[2]).find(Boolean) ?? ''),
    after: isExclusive ? [] : tags.flatMap(tag => AFTER.exec(tag)?.[1] ?? []),
    gate: tags.includes('gate')
  };
}

/** Whether any tag means something here. */
export function isTagged(tags: readonly string[]): boolean {
  const cellTags = readTags(tags);
  return cellTags.step !== '' || cellTags.role !== '';
}

/** Why a text can't name a step; '' if it can. */
export function nameError(name: string): '' | 'empty' | 'characters' {
  return name === '' ? 'empty' : STEP_NAME.test(name) ? '' : 'characters';
}

/** The nearest text that can name a step. */
export function toStepName(text: string): string {
  return text
    .trim()
    .replace(/[^\p{L}\p{N}_.-]+/gu, '_')
    .replace(/^[_.-]+|_+$/gu, '');
}

/** The tags with these of ours instead; a tag that stays keeps its place, and so do all others. */
export function updateTags(tags: readonly string[], cellTags: ICellTags): string[] {
  const oldTags = readTags(tags);
  const newTags: string[] = [];
  const missingDependencies = new Set(cellTags.after);
  let step = cellTags.step;
  let role = cellTags.role;
  let gate = cellTags.gate;
  for (const tag of tags) {
    const stepMatch = STEP.exec(tag);
    const dependency = AFTER.exec(tag)?.[1];
    if (ROLE_TAGS[tag]) {
      if (role && ROLE_TAGS[tag] === role) {
        newTags.push(tag);
        role = '';
      } else if (role && oldTags.role) {
        newTags.push(role);
        role = '';
      }
    } else if (stepMatch) {
      if (step) {
        newTags.push(`${stepMatch[1]}:${step}`);
        step = '';
      }
    } else if (dependency !== undefined) {
      if (missingDependencies.delete(dependency)) {
        newTags.push(tag);
      }
    } else if (tag === 'gate') {
      if (gate) {
        newTags.push(tag);
        gate = false;
      }
    } else {
      newTags.push(tag);
    }
  }
  if (role) {
    newTags.push(role);
  }
  if (step) {
    newTags.push(`step:${step}`);
  }
  return [...newTags, ...[...missingDependencies].map(name => `prev:${name}`), ...(gate ? ['gate'] : [])];
}
