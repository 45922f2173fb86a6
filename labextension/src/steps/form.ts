/** The step editor's form, without its looks: what it shows, what is wrong with it, and what saving it does. */
import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookModel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  cellsOf,
  change,
  giveRole,
  giveStep,
  IStepSettings,
  renameStep,
  setSettings,
  setTags,
  settingsOf,
  tagsOf
} from './edit';
import { asName, readTags, Role, whyNoName } from './tags';

export interface IForm {
  step: string;
  /** Whether a new name is meant for all cells of the step, not only for those that are edited. */
  whole: boolean;
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
export type Touched = Partial<IForm>;

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
const LONGEST = 3600;
const RESOURCE = /^[A-Za-z][\w.-]*(\/[\w.-]+)?$/;

/** The step that the first cell is in; '' for none. */
export function currentStep(subject: ISubject): string {
  const told = readTags(tagsOf(subject.cells[0]));
  return told.step || (isRuled(told.role) ? '' : subject.owner);
}

/** Whether a role takes a cell out of all steps. */
export function isRuled(role: Role | ''): boolean {
  return role !== '' && role !== 'metrics';
}

/** The cells of the current step that are not edited. */
export function others(subject: ISubject): readonly ICellModel[] {
  const current = currentStep(subject);
  return current ? subject.members(current).filter(cell => !subject.cells.includes(cell)) : [];
}

export function outcome(subject: ISubject, form: IForm): Outcome {
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
  return current && (form.whole || !others(subject).length) ? 'rename' : 'new';
}

/** What the form shows. */
export function shown(subject: ISubject, touched: Touched): IForm {
  const told = readTags(tagsOf(subject.cells[0]));
  const current = currentStep(subject);
  const bare = {
    whole: false,
    role: told.role,
    gate: told.gate,
    after: [],
    retries: '',
    backoff: '',
    timeout: '',
    cache: ''
  };
  const form: IForm = { ...bare, limits: '', step: current, ...touched };
  const source = outcome(subject, form) === 'rename' ? current : form.step;
  const members = source ? subject.members(source) : [];
  const settings: IStepSettings = Object.assign({}, ...[...members].reverse().map(settingsOf));
  const known = {
    after: [...new Set(members.flatMap(cell => readTags(tagsOf(cell)).after))],
    retries: settings.retries ? String(settings.retries) : '',
    backoff: settings.backoff === undefined ? '' : String(settings.backoff),
    timeout: settings.timeout ? String(settings.timeout) : '',
    cache: settings.cache ?? '',
    limits: limitsText(settings.limits)
  };
  return { ...form, ...known, ...touched };
}

/** What is wrong, by field. Only what was changed here is judged. */
export function problemsOf(
  form: IForm,
  touched: Touched,
  trans: TranslationBundle
): Partial<Record<keyof IForm, string>> {
  const found: Partial<Record<keyof IForm, string>> = {};
  const said = { ...touched, step: form.step };
  if (!isRuled(form.role) && whyNoName(said.step) === 'characters') {
    found.step = trans.__('Letters, digits, _ - and . only; such as %1', asName(said.step) || 'load');
  }
  if (said.retries && !/^\d{1,4}$/.test(said.retries.trim())) {
    found.retries = trans.__('A whole number');
  }
  if (said.backoff && !(NUMBER.test(said.backoff.trim()) && Number(said.backoff) <= LONGEST)) {
    found.backoff = trans.__('Seconds, %1 at most', LONGEST);
  }
  if (said.timeout && !(NUMBER.test(said.timeout.trim()) && Number(said.timeout) > 0)) {
    found.timeout = trans.__('Seconds, more than 0');
  }
  if (said.limits && limitsOf(said.limits) === null) {
    found.limits = trans.__('Such as cpu=2, memory=4Gi');
  }
  return found;
}

/** Write what was changed, as one change that can be undone. */
export function save(subject: ISubject, touched: Touched): void {
  const form = shown(subject, touched);
  const current = currentStep(subject);
  const { notebook, cells } = subject;
  change(notebook, () => {
    if (touched.role !== undefined) {
      giveRole(notebook, cells, form.role);
    }
    if (touched.gate !== undefined) {
      cells.forEach(cell => setTags(cell, { ...readTags(tagsOf(cell)), gate: form.gate }));
    }
    if (isRuled(form.role)) {
      return;
    }
    if (form.whole && current && form.step && form.step !== current) {
      const untagged = cellsOf(notebook, current).length ? [] : subject.members(current);
      renameStep(notebook, current, form.step);
      giveStep(notebook, untagged, form.step);
    }
    if (cells.some(cell => readTags(tagsOf(cell)).step !== form.step)) {
      giveStep(notebook, cells, form.step);
    }
    if (form.step) {
      saveStep(subject, form, touched);
    }
  });
}

/** What is said once for a step: by its first cell. */
function saveStep(subject: ISubject, form: IForm, touched: Touched): void {
  const tagged = cellsOf(subject.notebook, form.step);
  const members = tagged.length ? tagged : [...subject.members(form.step)];
  const first = members[0] ?? subject.cells[0];
  if (touched.after) {
    const before = new Set(members.flatMap(cell => readTags(tagsOf(cell)).after));
    const more = touched.after.filter(name => !before.has(name));
    for (const cell of members) {
      const now = readTags(tagsOf(cell));
      const kept = now.after.filter(name => form.after.includes(name));
      setTags(cell, { ...now, after: cell === first ? [...kept, ...more] : kept });
    }
  }
  const wanted: IStepSettings = {
    ...('retries' in touched ? { retries: Number(form.retries) || undefined } : {}),
    ...('backoff' in touched
      ? { backoff: form.backoff.trim() === '' ? undefined : Number(form.backoff) }
      : {}),
    ...('timeout' in touched ? { timeout: Number(form.timeout) || undefined } : {}),
    ...('cache' in touched ? { cache: (form.cache || undefined) as IStepSettings['cache'] } : {}),
    ...('limits' in touched ? { limits: limitsOf(form.limits) ?? undefined } : {})
  };
  const cleared = Object.fromEntries(Object.keys(wanted).map(name => [name, undefined]));
  members.forEach(cell => setSettings(cell, cell === first ? wanted : cleared));
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
    .map(part => part.split('='));
  const sound = pairs.every(pair => pair.length === 2 && RESOURCE.test(pair[0]) && QUANTITY.test(pair[1]));
  const names = new Set(pairs.map(pair => pair[0]));
  return sound && names.size === pairs.length ? Object.fromEntries(pairs) : null;
}
