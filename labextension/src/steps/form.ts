/** The step editor's form, without its looks: what it shows, what is wrong with it, and what saving it does. */
import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  cellsOf,
  transact,
  assignRole,
  moveToStep,
  IStepSettings,
  renameStep,
  setSettings,
  setTags,
  settingsOf,
  tagsOf
} from './edit';
import { toStepName, readTags, Role, nameError } from './tags';

export interface IForm {
  step: string;
  /** Whether a new name is meant for all cells of the step, not only for those that are edited. */
  wholeStep: boolean;
  role: Role | '';
  gate: boolean;
  after: string[];
  retries: string;
  backoff: string;
  timeout: string;
  cache: string;
  limits: string;
}

/** What a person changed. All else is as the notebook has it, also where somebody else changes it meanwhile. */
export type FormChanges = Partial<IForm>;

/** What is edited: cells, the first of which says what is shown, and the step it is in. */
export interface ISubject {
  notebook: INotebookModel;
  cells: readonly ICellModel[];
  owner: string;
  /** The cells of a step, tagged or not. */
  members: (step: string) => readonly ICellModel[];
}

/** What becomes of the cells' step. */
export type Outcome = 'same' | 'none' | 'new' | 'rename' | 'join';

const QUANTITY = /^\d+(\.\d+)?(e\d+|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/;
const NUMBER = /^(\d+\.?\d*|\.\d+)$/;
const MAX_BACKOFF = 3600;
const RESOURCE = /^[A-Za-z][\w.-]*(\/[\w.-]+)?$/;

/** The step that the first cell is in; '' for none. */
export function currentStep(subject: ISubject): string {
  const tags = readTags(tagsOf(subject.cells[0]));
  return tags.step || (isExclusiveRole(tags.role) ? '' : subject.owner);
}

/** Whether a role takes a cell out of all steps. */
export function isExclusiveRole(role: Role | ''): boolean {
  return role !== '' && role !== 'metrics';
}

/** The cells of the current step that are not edited. */
export function otherCells(subject: ISubject): readonly ICellModel[] {
  const current = currentStep(subject);
  return current ? subject.members(current).filter(cell => !subject.cells.includes(cell)) : [];
}

export function computeOutcome(subject: ISubject, form: IForm): Outcome {
  const current = currentStep(subject);
  if (form.step === current) {
    return 'same';
  }
  if (!form.step) {
    return 'none';
  }
  if (subject.members(form.step).length) {
    return 'join';
  }
  return current && (form.wholeStep || !otherCells(subject).length) ? 'rename' : 'new';
}

/** What the form shows. */
export function formValues(subject: ISubject, changes: FormChanges): IForm {
  const tags = readTags(tagsOf(subject.cells[0]));
  const current = currentStep(subject);
  const defaults = {
    wholeStep: false,
    role: tags.role,
    gate: tags.gate,
    after: [],
    retries: '',
    backoff: '',
    timeout: '',
    cache: ''
  };
  const form: IForm = { ...defaults, limits: '', step: current, ...changes };
  const source = computeOutcome(subject, form) === 'rename' ? current : form.step;
  const members = source ? subject.members(source) : [];
  const settings: IStepSettings = Object.assign({}, ...[...members].reverse().map(settingsOf));
  const stepValues = {
    after: [...new Set(members.flatMap(cell => readTags(tagsOf(cell)).after))],
    retries: settings.retries ? String(settings.retries) : '',
    backoff: settings.backoff === undefined ? '' : String(settings.backoff),
    timeout: settings.timeout ? String(settings.timeout) : '',
    cache: settings.cache ?? '',
    limits: limitsText(settings.limits)
  };
  return { ...form, ...stepValues, ...changes };
}

/** What is wrong, by field. Only what was changed here is judged. */
export function validate(
  form: IForm,
  changes: FormChanges,
  trans: TranslationBundle
): Partial<Record<keyof IForm, string>> {
  const problems: Partial<Record<keyof IForm, string>> = {};
  const values = { ...changes, step: form.step };
  if (!isExclusiveRole(form.role) && nameError(values.step) === 'characters') {
    problems.step = trans.__(
      'Letters, digits, _ - and . only; such as %1',
      toStepName(values.step) || 'load'
    );
  }
  if (values.retries && !/^\d{1,4}$/.test(values.retries.trim())) {
    problems.retries = trans.__('A whole number');
  }
  if (values.backoff && !(NUMBER.test(values.backoff.trim()) && Number(values.backoff) <= MAX_BACKOFF)) {
    problems.backoff = trans.__('Seconds, %1 at most', MAX_BACKOFF);
  }
  if (values.timeout && !(NUMBER.test(values.timeout.trim()) && Number(values.timeout) > 0)) {
    problems.timeout = trans.__('Seconds, more than 0');
  }
  if (values.limits && limitsOf(values.limits) === null) {
    problems.limits = trans.__('Such as cpu=2, memory=4Gi');
  }
  return problems;
}

/** Write what was changed, as one change that can be undone. */
export function save(subject: ISubject, changes: FormChanges): void {
  const form = formValues(subject, changes);
  const current = currentStep(subject);
  const { notebook, cells } = subject;
  transact(notebook, () => {
    if (changes.role !== undefined) {
      assignRole(notebook, cells, form.role);
    }
    if (changes.gate !== undefined) {
      cells.forEach(cell => setTags(cell, { ...readTags(tagsOf(cell)), gate: form.gate }));
    }
    if (isExclusiveRole(form.role)) {
      return;
    }
    if (form.wholeStep && current && form.step && form.step !== current) {
      const implicitCells = cellsOf(notebook, current).length ? [] : subject.members(current);
      renameStep(notebook, current, form.step);
      moveToStep(notebook, implicitCells, form.step);
    }
    if (cells.some(cell => readTags(tagsOf(cell)).step !== form.step)) {
      moveToStep(notebook, cells, form.step);
    }
    if (form.step) {
      saveStep(subject, form, changes);
    }
  });
}

/** What is said once for a step: by its first cell. */
function saveStep(subject: ISubject, form: IForm, changes: FormChanges): void {
  const tagged = cellsOf(subject.notebook, form.step);
  const members = tagged.length ? tagged : [...subject.members(form.step)];
  const first = members[0] ?? subject.cells[0];
  if (changes.after) {
    const dependencies = new Set(members.flatMap(cell => readTags(tagsOf(cell)).after));
    const newDependencies = changes.after.filter(name => !dependencies.has(name));
    for (const cell of members) {
      const tags = readTags(tagsOf(cell));
      const remaining = tags.after.filter(name => form.after.includes(name));
      setTags(cell, { ...tags, after: cell === first ? [...remaining, ...newDependencies] : remaining });
    }
  }
  const settings: IStepSettings = {
    ...('retries' in changes ? { retries: Number(form.retries) || undefined } : {}),
    ...('backoff' in changes
      ? { backoff: form.backoff.trim() === '' ? undefined : Number(form.backoff) }
      : {}),
    ...('timeout' in changes ? { timeout: Number(form.timeout) || undefined } : {}),
    ...('cache' in changes ? { cache: (form.cache || undefined) as IStepSettings['cache'] } : {}),
    ...('limits' in changes ? { limits: limitsOf(form.limits) ?? undefined } : {})
  };
  const cleared = Object.fromEntries(Object.keys(settings).map(name => [name, undefined]));
  members.forEach(cell => setSettings(cell, cell === first ? settings : cleared));
}

function limitsText(limits: Record<string, string> | undefined): string {
  return Object.entries(limits ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

/** `cpu=2, memory=4Gi` as a mapping; null for what is none. */
export function limitsOf(text: string): Record<string, string> | null {
  const pairs = text
    .split(/[,\s]+/)
    .filter(Boolean)
    .map(pair => pair.split('='));
  const isValid = pairs.every(pair => pair.length === 2 && RESOURCE.test(pair[0]) && QUANTITY.test(pair[1]));
  const names = new Set(pairs.map(pair => pair[0]));
  return isValid && names.size === pairs.length ? Object.fromEntries(pairs) : null;
}
